//! Calls of one tool at a time, and who waits for a place.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::ToolUse;

/// How many calls of a tool are running, and those that wait, first come first
/// served. The limit comes with each call, so a definition that is replaced
/// changes it without forgetting who is inside.
#[derive(Debug, Default)]
pub(super) struct Places {
    running: AtomicU32,
    waiting: AtomicUsize,
    queue: Mutex<VecDeque<Waiter>>,
}

#[derive(Debug)]
struct Waiter {
    limit: u32,
    turn: oneshot::Sender<Place>,
}

/// A place among the calls of a tool; dropping it gives it to who waits
/// longest, or back.
#[derive(Debug)]
pub(crate) struct Place(Arc<ToolUse>);

impl Places {
    /// A place, unless all are taken or somebody waits for one.
    pub(super) fn enter(used: Arc<ToolUse>, limit: u32) -> Option<Place> {
        let places = &used.places;
        if places.waiting.load(Ordering::SeqCst) > 0 {
            Self::serve(&used);
            if places.waiting.load(Ordering::SeqCst) > 0 {
                return None;
            }
        }
        places.take(limit).then(|| Place(used))
    }

    /// A turn in the queue, or `None` where that is full.
    pub(super) fn wait(
        used: &Arc<ToolUse>,
        limit: u32,
        longest: usize,
    ) -> Option<oneshot::Receiver<Place>> {
        let (turn, comes) = oneshot::channel();
        {
            let mut queue = used.places.queue();
            if queue.len() >= longest {
                queue.retain(|waiter| !waiter.turn.is_closed());
            }
            let has_room = queue.len() < longest;
            if has_room {
                queue.push_back(Waiter { limit, turn });
            }
            used.places.waiting.store(queue.len(), Ordering::SeqCst);
            if !has_room {
                return None;
            }
        }
        // A place may have come free before the turn could be seen.
        Self::serve(used);
        Some(comes)
    }

    pub(super) fn running(&self) -> u32 {
        self.running.load(Ordering::Acquire)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    fn take(&self, limit: u32) -> bool {
        self.running
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |running| {
                (running < limit).then_some(running + 1)
            })
            .is_ok()
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Waiter>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives free places to those who wait longest.
    fn serve(used: &Arc<ToolUse>) {
        while let Some((turn, place)) = Self::next(used) {
            // Who has left meanwhile gives the place back by dropping it.
            let _ = turn.send(place);
        }
    }

    fn next(used: &Arc<ToolUse>) -> Option<(oneshot::Sender<Place>, Place)> {
        let places = &used.places;
        let mut queue = places.queue();
        while queue.front().is_some_and(|waiter| waiter.turn.is_closed()) {
            queue.pop_front();
        }
        let next = match queue.front() {
            Some(waiter) if places.take(waiter.limit) => queue.pop_front(),
            _ => None,
        };
        places.waiting.store(queue.len(), Ordering::SeqCst);
        next.map(|waiter| (waiter.turn, Place(used.clone())))
    }
}

impl Place {
    pub(super) fn used(&self) -> &ToolUse {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let places = &self.0.places;
        places.running.fetch_sub(1, Ordering::SeqCst);
        if places.waiting.load(Ordering::SeqCst) > 0 {
            Places::serve(&self.0);
        }
    }
}
