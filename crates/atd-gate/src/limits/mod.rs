//! The limits, and what is used of them, kept between calls.

mod caller_key;
mod callers;
mod few_groups;
mod lines;
mod permit;
mod places;
mod settings;
mod stripe;
mod times;
mod tools;
mod turn;
mod window;

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(crate) use self::caller_key::{CallerKey, CallerKeys};
use self::callers::{Allowance, Callers, Reached};
pub(crate) use self::lines::Ticket;
pub use self::lines::Waits;
use self::lines::{Arrival, Line, Lines};
pub use self::permit::{OwnedPermit, Permit};
use self::places::{Full, Places};
pub use self::settings::CallLimits;
use self::settings::Settings;
use self::tools::{Known, ToolUse, Tools};
pub(crate) use self::turn::Blocked;
use self::window::Room;
use crate::clock::Moment;
use crate::refusal::{Refusal, Scope};
use crate::requirement::Requirement;

/// What a rate is per.
const LENGTH: Duration = Duration::from_secs(60);

/// What is used of every limit.
#[derive(Debug)]
pub(crate) struct Limits {
    settings: Settings,
    limits: Mutex<CallLimits>,
    callers: Callers,
    common: Arc<Common>,
}

/// What a call needs too that gives back its places.
#[derive(Debug, Default)]
struct Common {
    lines: Arc<Lines>,
    tools: Tools,
    /// Of the calls in flight over the whole server.
    places: Places,
}

impl Common {
    /// Gives back a place among all calls, and one among those of the tool.
    fn leave(&self, tool: Option<&ToolUse>) {
        self.places.leave();
        self.lines.there_is_room(Line::SERVER);
        tool.inspect(|tool| self.leave_tool(tool));
    }

    fn leave_tool(&self, tool: &ToolUse) {
        tool.places.leave();
        self.lines.there_is_room(tool.line());
    }
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
            limits: Mutex::new(limits),
            callers: Callers::default(),
            common: Arc::default(),
        }
    }

    pub(crate) fn get(&self) -> CallLimits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, limits: CallLimits) {
        let mut current = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        *current = limits;
        self.settings.set(&limits);
        self.lines().wake_all();
    }

    fn lines(&self) -> &Arc<Lines> {
        &self.common.lines
    }

    /// Lets one call in, within every limit and after those who wait; refused
    /// by one it counts against none.
    pub(crate) fn admit(
        &self,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Result<Permit<'_>, Refusal> {
        if self.lines().somebody_waits() {
            let admitted = self.admit_after(Arrival::MAX, caller, need, now);
            return admitted.map_err(|blocked| blocked.refusal);
        }
        self.admit_at_once(caller, need, now).map_err(refused)
    }

    /// Lets one call in, whoever waits.
    ///
    /// A call that a rate refuses takes no place from others, not even for a
    /// moment; and it counts against the rates only once it has its places.
    fn admit_at_once(
        &self,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Result<Permit<'_>, Reached> {
        let used = (!need.is_unlimited()).then(|| self.of(need.tool_id, now));
        let of_tool = match used.as_deref().zip(need.rate_limit_per_min) {
            None => None,
            Some((used, limit)) => {
                let room = used.window.reserve(limit, now.get());
                Some(room.map_err(|wait| (Scope::ToolRate, limit, wait))?)
            }
        };
        let of_caller = match self.settings.counts_callers() {
            false => None,
            true => {
                let callers = &self.callers;
                Some(callers.reserve(caller, need.tool_id, &self.settings, now.get())?)
            }
        };
        let narrow = used.as_deref().filter(|_| need.max_concurrent > 0);
        self.enter(narrow, need)?;
        let is_narrow = narrow.is_some();
        of_tool.into_iter().for_each(Room::take);
        of_caller.into_iter().for_each(Allowance::take);
        Ok(Permit::new(&self.common, used.filter(|_| is_narrow)))
    }

    /// Takes a place among the calls of a tool with a limit on them, and one
    /// among all calls.
    fn enter(&self, narrow: Option<&ToolUse>, need: &Requirement<'_>) -> Result<(), Reached> {
        let full = |full: Full, line| {
            if full.gave_up {
                self.lines().there_is_room(line);
            }
        };
        if let Some(used) = narrow {
            let entered = used.places.enter(need.max_concurrent);
            entered.map_err(|it| {
                full(it, used.line());
                (Scope::Concurrency, need.max_concurrent, None)
            })?;
        }
        let limit = self.settings.in_flight();
        self.common.places.enter(limit).map_err(|it| {
            narrow.inspect(|used| self.common.leave_tool(used));
            full(it, Line::SERVER);
            (Scope::ServerConcurrency, limit, None)
        })
    }

    /// How far each limit that a call would meet is used up; full also where
    /// others wait before it.
    pub(crate) fn usage(
        &self,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: Duration,
    ) -> Vec<Usage> {
        let mut all = self.look(caller, need, now);
        if self.lines().somebody_waits() {
            for line in self.lines_of(caller, need).into_iter().flatten() {
                let others = self.lines().length(line) > 0;
                let of_line = all.iter_mut().filter(|(scope, ..)| *scope == line.scope);
                of_line
                    .filter(|(.., room)| others && room.is_ok())
                    .for_each(|(.., room)| *room = Err(None));
            }
        }
        all
    }

    /// How far each limit that a call would meet is used up, whoever waits.
    fn look(&self, caller: CallerKey, need: &Requirement<'_>, now: Duration) -> Vec<Usage> {
        let mut all = Vec::new();
        let used = self.common.tools.get(need.tool_id);
        if let Some(limit) = need.rate_limit_per_min {
            let looked_at = used.as_ref().map(|used| {
                let window = used.window.whole(now);
                (window.len() as u64, window.room(limit, now))
            });
            let never_seen = (0, if limit > 0 { Ok(()) } else { Err(None) });
            let (counted, room) = looked_at.unwrap_or(never_seen);
            all.push((Scope::ToolRate, limit, counted, room));
        }
        all.extend(self.callers.look(caller, need.tool_id, &self.settings, now));
        if let Some(limit) = NonZeroU32::new(need.max_concurrent) {
            let running = used.as_ref().map_or(0, |used| used.places.taken());
            let room = (running < limit.get()).then_some(()).ok_or(None);
            all.push((Scope::Concurrency, limit.get(), running.into(), room));
        }
        let (limit, taken) = (self.settings.in_flight(), self.common.places.taken());
        let room = (taken < limit).then_some(()).ok_or(None);
        all.push((Scope::ServerConcurrency, limit, taken.into(), room));
        all
    }

    fn of(&self, tool_id: &str, now: &Moment<'_>) -> Known<'_> {
        self.common.tools.get_or_insert(tool_id, now, || {
            let key = self.callers.pair(CallerKey::NOBODY, tool_id);
            ToolUse::new(tool_id, key)
        })
    }
}

fn refused((scope, limit, retry_after): Reached) -> Refusal {
    Refusal::RateLimited {
        scope,
        limit,
        retry_after,
    }
}
