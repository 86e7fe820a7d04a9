//! Calls of one tool at a time.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many calls of a tool are running; on cache lines of its own, as it is
/// all that calls of one tool have to change together. The limit comes with
/// each call, so a definition that is replaced changes it without forgetting
/// who is inside.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Places(AtomicU32);

impl Places {
    /// Takes a place, unless all are taken. Whoever has taken one
    /// [leaves](Self::leave) it.
    pub(super) fn enter(&self, limit: u32) -> bool {
        // Not looked at before: most often nobody is inside, and where threads
        // meet, a look and a change would have each wait twice for the other.
        let mut running = 0;
        while running < limit {
            let more = running + 1;
            let order = Ordering::SeqCst;
            match self.0.compare_exchange(running, more, order, order) {
                Ok(_) => return true,
                Err(now) => running = now,
            }
        }
        false
    }

    pub(super) fn leave(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) fn running(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}
