//! The limits that are the operator's, not a tool's.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::lines::Most;

/// The limits that hold beside those of each tool. They can be changed while
/// calls run, by [`Gate::set_limits`](crate::Gate::set_limits).
///
/// What a caller's limits count is kept by its
/// [verified id](crate::Identity::verified_id): a client gains nothing by
/// another name or another connection. Callers without one share one allowance.
///
/// No 60 seconds, wherever they begin, hold more calls of a caller than its
/// rate says. Up to 16 a minute it is exact to the millisecond; above that, a
/// call may be counted for up to 64.3 seconds, which is the price of a size
/// that does not grow with the rate: who paces its calls stays 7 % below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallLimits {
    /// Calls in flight over the whole server; 4,096 unless said otherwise.
    pub in_flight: NonZeroU32,
    /// Calls of one caller in any 60 seconds.
    pub caller_rate_per_min: Option<NonZeroU32>,
    /// Calls of one caller to one tool in any 60 seconds.
    pub caller_tool_rate_per_min: Option<NonZeroU32>,
    /// How many callers, and how many pairs of caller and tool, are counted at
    /// a time, at less than 200 bytes each; 200,000 unless said otherwise. One that
    /// made no call in the last minute makes room for another; where all did,
    /// one more is refused.
    pub tracked_callers: NonZeroU32,
    /// How many calls may wait for a limit, in
    /// [`Gate::admit_in_turn`](crate::Gate::admit_in_turn); 0 unless said
    /// otherwise, and then a call that meets a limit is refused at once.
    pub waiting: u32,
    /// How many of them may wait for one limit, such as the places of one tool
    /// or the rate of one caller; 64 unless said otherwise.
    pub waiting_per_limit: u32,
    /// How long a call may wait; 5 seconds unless said otherwise. A call whose
    /// own time is shorter waits no longer than that.
    pub longest_wait: Duration,
}

const DEFAULT_IN_FLIGHT: NonZeroU32 = NonZeroU32::MIN.saturating_add(4_095);
const DEFAULT_TRACKED: NonZeroU32 = NonZeroU32::MIN.saturating_add(199_999);

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            in_flight: DEFAULT_IN_FLIGHT,
            caller_rate_per_min: None,
            caller_tool_rate_per_min: None,
            tracked_callers: DEFAULT_TRACKED,
            waiting: 0,
            waiting_per_limit: 64,
            longest_wait: Duration::from_secs(5),
        }
    }
}

/// The limits as each call reads them; 0 for none.
#[derive(Debug, Default)]
pub(super) struct Settings {
    in_flight: AtomicU32,
    caller_rate: AtomicU32,
    caller_tool_rate: AtomicU32,
    tracked_callers: AtomicU32,
    waiting: AtomicU32,
    waiting_per_limit: AtomicU32,
    /// Nanoseconds.
    longest_wait: AtomicU64,
}

impl Settings {
    pub(super) fn set(&self, limits: &CallLimits) {
        let rate = |limit: Option<NonZeroU32>| limit.map_or(0, NonZeroU32::get);
        let set = |to: &AtomicU32, value| to.store(value, Ordering::Relaxed);
        set(&self.in_flight, limits.in_flight.get());
        set(&self.caller_rate, rate(limits.caller_rate_per_min));
        set(
            &self.caller_tool_rate,
            rate(limits.caller_tool_rate_per_min),
        );
        set(&self.tracked_callers, limits.tracked_callers.get());
        set(&self.waiting, limits.waiting);
        set(&self.waiting_per_limit, limits.waiting_per_limit);
        let longest = u64::try_from(limits.longest_wait.as_nanos()).unwrap_or(u64::MAX);
        self.longest_wait.store(longest, Ordering::Relaxed);
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether any limit is on callers.
    pub(super) fn counts_callers(&self) -> bool {
        self.caller_rate().is_some() || self.caller_tool_rate().is_some()
    }

    pub(super) fn caller_rate(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.caller_rate.load(Ordering::Relaxed))
    }

    pub(super) fn caller_tool_rate(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.caller_tool_rate.load(Ordering::Relaxed))
    }

    pub(super) fn tracked_callers(&self) -> usize {
        self.tracked_callers.load(Ordering::Relaxed) as usize
    }

    /// How many calls may wait for limits.
    pub(super) fn may_wait(&self) -> Most {
        Most {
            in_one: self.waiting_per_limit.load(Ordering::Relaxed) as usize,
            in_all: self.waiting.load(Ordering::Relaxed) as usize,
        }
    }

    pub(super) fn longest_wait(&self) -> Duration {
        Duration::from_nanos(self.longest_wait.load(Ordering::Relaxed))
    }
}
