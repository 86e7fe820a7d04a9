//! The limits, and what is used of them, kept between calls.

mod caller_key;
mod callers;
mod few_groups;
mod permit;
mod places;
mod settings;
mod stripes;
mod window;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::oneshot;

pub(crate) use self::caller_key::{CallerKey, CallerKeys};
use self::callers::{Callers, Reached};
pub use self::permit::Permit;
pub(crate) use self::places::Place;
use self::places::Places;
pub use self::settings::CallLimits;
use self::settings::Settings;
use self::stripes::Stripes;
use self::window::Window;
use crate::clock::Moment;
use crate::refusal::{Refusal, Scope};
use crate::requirement::Requirement;

/// What a rate is per.
const LENGTH: Duration = Duration::from_secs(60);

/// How many tools are kept before the idle ones are looked for.
const FIRST_SWEEP: usize = 1024;

/// What is used of every limit. A tool that is idle, with nothing in flight and
/// no call in the last minute, is the same as one never seen, so dropping it
/// gives nobody a fresh allowance.
#[derive(Debug)]
pub(crate) struct Limits {
    settings: Settings,
    limits: Mutex<CallLimits>,
    in_flight: Arc<Stripes>,
    callers: Callers,
    tools: DashMap<Box<str>, Arc<ToolUse>, foldhash::fast::RandomState>,
    sweep_at: AtomicUsize,
}

/// What one tool has used; on cache lines of its own, so that threads that call
/// different tools do not meet.
#[derive(Debug)]
#[repr(align(128))]
struct ToolUse {
    /// The server's, to give a call's place back.
    in_flight: Arc<Stripes>,
    places: Places,
    window: Mutex<Window>,
}

/// How far a limit is used up: which, how many it allows, how many it counts,
/// and how long a call would wait.
pub(crate) type Usage = (Scope, u32, u64, Result<(), Option<Duration>>);

impl Limits {
    pub(crate) fn new(limits: CallLimits) -> Self {
        let settings = Settings::default();
        settings.set(&limits);
        Self {
            settings,
            in_flight: Arc::new(Stripes::new(limits.in_flight.get())),
            limits: Mutex::new(limits),
            callers: Callers::default(),
            tools: DashMap::default(),
            sweep_at: AtomicUsize::new(FIRST_SWEEP),
        }
    }

    pub(crate) fn get(&self) -> CallLimits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, limits: CallLimits) {
        let mut current = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        *current = limits;
        self.settings.set(&limits);
        self.in_flight.set(limits.in_flight.get());
    }

    /// Lets one call in, within every limit; refused by one it counts against
    /// none.
    pub(crate) fn admit(
        &self,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Result<Permit, Refusal> {
        if need.is_unlimited() {
            return self.admit_to(None, None, caller, need, now);
        }
        let used = self.of(need.tool_id, now);
        match need.max_concurrent {
            0 => self.admit_to(None, Some(&used), caller, need, now),
            limit => {
                let place = Places::enter(used, limit);
                let place = place.ok_or_else(|| refused((Scope::Concurrency, limit, None)))?;
                self.admit_to(Some(place), None, caller, need, now)
            }
        }
    }

    /// Lets the call in whose turn has come.
    pub(crate) fn admit_next(
        &self,
        place: Place,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Result<Permit, Refusal> {
        self.admit_to(Some(place), None, caller, need, now)
    }

    /// A turn in the queue of the tool.
    pub(crate) fn wait(
        &self,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Option<oneshot::Receiver<Place>> {
        let longest = self.settings.waiting_per_tool();
        Places::wait(&self.of(need.tool_id, now), need.max_concurrent, longest)
    }

    fn admit_to(
        &self,
        place: Option<Place>,
        used: Option<&ToolUse>,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Result<Permit, Refusal> {
        let slot = self.in_flight.enter().ok_or_else(|| {
            let limit = self.in_flight.limit();
            refused((Scope::ServerConcurrency, limit, None))
        })?;
        let used = place.as_ref().map(Place::used).or(used);
        match self.count(used, caller, need, now) {
            Ok(()) => Ok(Permit::new(&self.in_flight, slot, place)),
            Err(reached) => {
                self.in_flight.leave(slot);
                Err(refused(reached))
            }
        }
    }

    /// Counts one call against every rate, or against none.
    fn count(
        &self,
        used: Option<&ToolUse>,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Result<(), Reached> {
        let callers = || match self.settings.counts_callers() {
            true => {
                let callers = &self.callers;
                callers.take(caller, need.tool_id, &self.settings, now.get())
            }
            false => Ok(()),
        };
        let (Some(used), Some(limit)) = (used, need.rate_limit_per_min) else {
            return callers();
        };
        let now = now.get();
        let mut window = used.window();
        let room = window.room(limit, now);
        room.map_err(|wait| (Scope::ToolRate, limit, wait))?;
        callers()?;
        window.take(limit, now);
        Ok(())
    }

    /// How far each limit that a call would meet is used up.
    pub(crate) fn look(
        &self,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: Duration,
    ) -> Vec<Usage> {
        let mut all = Vec::new();
        let used = self.tools.get(need.tool_id).map(|used| used.clone());
        if let Some(limit) = NonZeroU32::new(need.max_concurrent) {
            let (running, waiting) = used.as_ref().map_or((0, 0), |used| {
                (used.places.running(), used.places.waiting())
            });
            let room = running < limit.get() && waiting == 0;
            let room = room.then_some(()).ok_or(None);
            all.push((Scope::Concurrency, limit.get(), running.into(), room));
        }
        let (limit, taken) = (self.in_flight.limit(), self.in_flight.taken());
        let room = (taken < limit).then_some(()).ok_or(None);
        all.push((Scope::ServerConcurrency, limit, taken.into(), room));
        if let Some(limit) = need.rate_limit_per_min {
            let looked_at = used.as_ref().map(|used| {
                let mut window = used.window();
                let room = window.room(limit, now);
                (window.len(now) as u64, room)
            });
            let never_seen = (0, if limit > 0 { Ok(()) } else { Err(None) });
            let (counted, room) = looked_at.unwrap_or(never_seen);
            all.push((Scope::ToolRate, limit, counted, room));
        }
        all.extend(self.callers.look(caller, need.tool_id, &self.settings, now));
        all
    }

    fn of(&self, tool_id: &str, now: &Moment<'_>) -> Arc<ToolUse> {
        if let Some(known) = self.tools.get(tool_id) {
            return known.clone();
        }
        if self.tools.len() >= self.sweep_at.load(Ordering::Relaxed) {
            self.sweep(now.get());
        }
        let new = || {
            Arc::new(ToolUse {
                in_flight: self.in_flight.clone(),
                places: Places::default(),
                window: Mutex::default(),
            })
        };
        self.tools.entry(tool_id.into()).or_insert_with(new).clone()
    }

    fn sweep(&self, now: Duration) {
        // Who holds a clone of the entry may be about to use it.
        self.tools
            .retain(|_, used| Arc::strong_count(used) > 1 || !used.is_idle(now));
        let next = FIRST_SWEEP.max(self.tools.len() * 2);
        self.sweep_at.store(next, Ordering::Relaxed);
    }
}

fn refused((scope, limit, retry_after): Reached) -> Refusal {
    Refusal::RateLimited {
        scope,
        limit,
        retry_after,
    }
}

impl ToolUse {
    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_idle(&self, now: Duration) -> bool {
        self.places.running() == 0 && self.window().len(now) == 0
    }
}
