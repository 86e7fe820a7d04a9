//! Calls of one tool at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::ToolUse;

/// How many calls of a tool are running. The limit comes with each call, so a
/// definition that is replaced changes it without forgetting who is inside.
#[derive(Debug, Default)]
pub(super) struct InFlight(AtomicU32);

/// A place among the calls that may run. Hold it until the call has ended;
/// dropping it gives the place back.
#[derive(Debug)]
#[must_use = "dropping the permit ends the call's right to run"]
pub struct Permit(Option<Arc<ToolUse>>);

impl Permit {
    /// A place where there is no limit.
    pub(crate) fn unlimited() -> Self {
        Self(None)
    }
}

impl InFlight {
    pub(super) fn enter(used: &Arc<ToolUse>, limit: u32) -> Option<Permit> {
        used.in_flight
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |running| {
                (running < limit).then_some(running + 1)
            })
            .ok()?;
        Some(Permit(Some(used.clone())))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(used) = &self.0 {
            used.in_flight.0.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
