//! What each tool has used, found by its id.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use dashmap::DashMap;

use super::caller_key::CallerKey;
use super::places::Places;
use super::stripes::Stripes;
use super::window::Window;
use crate::clock::Moment;

/// So many tools at most are found without a lock, and never forgotten.
const SLOTS: usize = 512;

/// So many slots are looked at for one tool.
const TRIED: usize = 8;

/// How many others are kept before the idle ones are looked for.
const FIRST_SWEEP: usize = 256;

/// What each tool has used.
///
/// Most servers have fewer tools than there are slots. A slot is filled once
/// and read from then on, so calls of two tools share nothing that is written.
/// The tools that find no slot are kept in a map: one that is idle there, with
/// nothing in flight and no call in the last minute, is the same as one never
/// seen, so dropping it gives nobody a fresh allowance.
#[derive(Debug)]
pub(super) struct Tools {
    slots: Box<[OnceLock<Arc<ToolUse>>]>,
    others: DashMap<Box<str>, Arc<ToolUse>, foldhash::fast::RandomState>,
    sweep_at: AtomicUsize,
}

/// What one tool has used; on cache lines of its own, so that threads that call
/// different tools do not meet.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct ToolUse {
    id: Box<str>,
    /// The server's, to give a call's place back.
    pub(super) in_flight: Arc<Stripes>,
    /// By which the lines of its limits are known.
    pub(super) key: CallerKey,
    pub(super) places: Places,
    window: Mutex<Window>,
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| OnceLock::new()).collect(),
            others: DashMap::default(),
            sweep_at: AtomicUsize::new(FIRST_SWEEP),
        }
    }
}

impl Tools {
    /// What this tool has used, if it is known.
    pub(super) fn get(&self, id: &str) -> Option<Arc<ToolUse>> {
        let mut slots = self.slots_of(id).map_while(OnceLock::get);
        let found = slots.find(|used| *used.id == *id).cloned();
        found.or_else(|| self.others.get(id).map(|used| used.clone()))
    }

    /// What this tool has used; from now on it is known.
    pub(super) fn get_or_insert(
        &self,
        id: &str,
        now: &Moment<'_>,
        new: impl Fn() -> ToolUse,
    ) -> Arc<ToolUse> {
        for slot in self.slots_of(id) {
            // Two tools may come to one slot at once; one of them goes on.
            let used = slot.get_or_init(|| Arc::new(new()));
            if *used.id == *id {
                return used.clone();
            }
        }
        if let Some(known) = self.others.get(id) {
            return known.clone();
        }
        if self.others.len() >= self.sweep_at.load(Ordering::Relaxed) {
            self.sweep(now.get());
        }
        let new = || Arc::new(new());
        self.others.entry(id.into()).or_insert_with(new).clone()
    }

    /// Where it stands, if it stands in a slot: none is ever emptied, so it is
    /// before the first empty one.
    fn slots_of(&self, id: &str) -> impl Iterator<Item = &OnceLock<Arc<ToolUse>>> {
        let first = self.others.hasher().hash_one(id) as usize;
        (0..TRIED)
            .map(move |further| first.wrapping_add(further))
            .filter_map(|slot| self.slots.get(slot % SLOTS))
    }

    fn sweep(&self, now: Duration) {
        // Who holds a clone of the entry may be about to use it.
        self.others
            .retain(|_, used| Arc::strong_count(used) > 1 || !used.is_idle(now));
        let next = FIRST_SWEEP.max(self.others.len() * 2);
        self.sweep_at.store(next, Ordering::Relaxed);
    }
}

impl ToolUse {
    pub(super) fn new(id: &str, key: CallerKey, in_flight: Arc<Stripes>) -> Self {
        Self {
            id: id.into(),
            in_flight,
            key,
            places: Places::default(),
            window: Mutex::default(),
        }
    }

    pub(super) fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_idle(&self, now: Duration) -> bool {
        self.places.running() == 0 && self.window().len(now) == 0
    }
}
