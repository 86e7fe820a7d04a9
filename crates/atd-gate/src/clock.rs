//! Time as a parameter.

use std::cell::Cell;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A clock that only goes forward: limits are unharmed by a wall clock that is
/// set.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time since some fixed moment of the clock's own choosing.
    fn now(&self) -> Duration;

    /// The time since 1970, for what ends on a date: tokens and credentials.
    /// It is read when they are presented; how long they hold from then on is
    /// measured by [`now`](Self::now). Unless said otherwise, it is the
    /// machine's.
    fn unix_now(&self) -> Duration {
        wall_clock()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that the others take their time from"
)]
fn wall_clock() -> Duration {
    // A clock before 1970 is one that was never set: then nothing has expired
    // by it, and nothing that was signed for later holds yet.
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

/// The time of one decision. The clock is read by who asks first, and by nobody
/// where no credential ends and no limit is counted.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    clock: &'a dyn Clock,
    read: Cell<Option<Duration>>,
}

impl<'a> Moment<'a> {
    pub(crate) fn of(clock: &'a dyn Clock) -> Self {
        Self {
            clock,
            read: Cell::new(None),
        }
    }

    pub(crate) fn get(&self) -> Duration {
        let time = self.read.get().unwrap_or_else(|| self.clock.now());
        self.read.set(Some(time));
        time
    }
}

/// The machine's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    origin: Instant,
}

impl Default for MonotonicClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that the others take their time from"
    )]
    fn default() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// A clock that stands still until it is told to go on. Clones share the time.
/// It begins at 0, and at the beginning of 1970.
#[derive(Clone, Debug, Default)]
pub struct FakeClock {
    nanos: Arc<AtomicU64>,
    /// How far the wall clock is ahead.
    wall: Arc<AtomicU64>,
}

impl FakeClock {
    /// Moves the time on.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the wall clock, as an operator may. It goes on from there.
    pub fn set_unix(&self, time: Duration) {
        let ahead = time.as_nanos().saturating_sub(self.now().as_nanos());
        let ahead = u64::try_from(ahead).unwrap_or(u64::MAX);
        self.wall.store(ahead, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::SeqCst))
    }

    fn unix_now(&self) -> Duration {
        self.now() + Duration::from_nanos(self.wall.load(Ordering::SeqCst))
    }
}
