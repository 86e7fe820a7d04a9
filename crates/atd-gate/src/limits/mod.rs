//! The limits of each tool, kept between calls.

mod caller_key;
mod in_flight;
mod window;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dashmap::DashMap;

pub(crate) use self::caller_key::{CallerKey, CallerKeys};
use self::in_flight::InFlight;
pub use self::in_flight::Permit;
use self::window::Window;
use crate::refusal::{Refusal, Scope};
use crate::requirement::Requirement;

/// How many tools are kept before the idle ones are looked for.
const FIRST_SWEEP: usize = 1024;

/// What every limited tool has used. A tool that is idle, with nothing in
/// flight and no call in the last minute, is the same as one never seen, so
/// dropping it gives nobody a fresh allowance.
#[derive(Debug)]
pub(crate) struct Limits {
    tools: DashMap<Box<str>, Arc<ToolUse>>,
    sweep_at: AtomicUsize,
}

/// What one tool has used.
#[derive(Debug, Default)]
struct ToolUse {
    in_flight: InFlight,
    window: Mutex<Window>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tools: DashMap::new(),
            sweep_at: AtomicUsize::new(FIRST_SWEEP),
        }
    }
}

impl Limits {
    pub(crate) fn admit(&self, need: &Requirement<'_>, now: Duration) -> Result<Permit, Refusal> {
        let used = self.of(need.tool_id, now);
        let refused = |scope, limit, retry_after| Refusal::RateLimited {
            scope,
            limit,
            retry_after,
        };
        let permit = match need.max_concurrent {
            0 => Permit::unlimited(),
            limit => InFlight::enter(&used, limit)
                .ok_or_else(|| refused(Scope::Concurrency, limit, None))?,
        };
        if let Some(limit) = need.rate_limit_per_min {
            used.window
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(limit, now)
                .map_err(|retry_after| refused(Scope::ToolRate, limit, retry_after))?;
        }
        Ok(permit)
    }

    fn of(&self, tool_id: &str, now: Duration) -> Arc<ToolUse> {
        if let Some(known) = self.tools.get(tool_id) {
            return known.clone();
        }
        if self.tools.len() >= self.sweep_at.load(Ordering::Relaxed) {
            self.sweep(now);
        }
        self.tools.entry(tool_id.into()).or_default().clone()
    }

    fn sweep(&self, now: Duration) {
        // Who holds a clone of the entry may be about to use it.
        self.tools
            .retain(|_, used| Arc::strong_count(used) > 1 || !used.is_idle(now));
        let next = FIRST_SWEEP.max(self.tools.len() * 2);
        self.sweep_at.store(next, Ordering::Relaxed);
    }
}

impl ToolUse {
    fn is_idle(&self, now: Duration) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        self.in_flight.is_empty() && window.is_empty(now)
    }
}
