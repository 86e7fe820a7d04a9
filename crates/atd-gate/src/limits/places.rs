//! Calls of one tool at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::lines::Line;
use super::tools::ToolUse;
use crate::refusal::Scope;

/// How many calls of a tool are running. The limit comes with each call, so a
/// definition that is replaced changes it without forgetting who is inside.
#[derive(Debug, Default)]
pub(super) struct Places(AtomicU32);

/// A place among the calls of a tool; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place(Arc<ToolUse>);

impl Places {
    /// A place, unless all are taken.
    pub(super) fn enter(used: Arc<ToolUse>, limit: u32) -> Option<Place> {
        let free = |running| (running < limit).then_some(running + 1);
        let running = &used.places.0;
        let entered = running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, free);
        entered.is_ok().then(|| Place(used))
    }

    pub(super) fn running(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

impl Place {
    pub(super) fn used(&self) -> &ToolUse {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let used = &self.0;
        used.places.0.fetch_sub(1, Ordering::SeqCst);
        used.in_flight.lines().there_is_room(Line {
            scope: Scope::Concurrency,
            key: used.key,
        });
    }
}
