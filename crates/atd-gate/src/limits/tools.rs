//! What each tool has used, found by its id.

use std::hash::BuildHasher;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dashmap::DashMap;

use super::caller_key::CallerKey;
use super::lines::Line;
use super::places::Places;
use super::window::Window;
use crate::clock::Moment;
use crate::refusal::Scope;

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
    slots: Box<[OnceLock<Box<ToolUse>>]>,
    others: DashMap<Box<str>, Arc<ToolUse>, foldhash::fast::RandomState>,
    sweep_at: AtomicUsize,
}

/// What one tool has used; on cache lines of its own, so that threads that call
/// different tools do not meet.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct ToolUse {
    id: Box<str>,
    /// By which the lines of its limits are known.
    pub(super) key: CallerKey,
    pub(super) places: Places,
    pub(super) window: Window,
}

/// A tool whose use is known.
#[derive(Debug)]
pub(super) enum Known<'a> {
    /// In the slot with this number.
    Slot(usize, &'a ToolUse),
    Other(Arc<ToolUse>),
}

/// A known tool, to be found again among the [`Tools`] that it came from.
/// Keeping one touches nothing that two calls share, if it stands in a slot.
#[derive(Debug)]
pub(super) enum Kept {
    Slot(usize),
    Other(Arc<ToolUse>),
}

impl Deref for Known<'_> {
    type Target = ToolUse;

    fn deref(&self) -> &ToolUse {
        match self {
            Known::Slot(_, used) => used,
            Known::Other(used) => used,
        }
    }
}

impl Known<'_> {
    pub(super) fn keep(self) -> Kept {
        match self {
            Known::Slot(number, _) => Kept::Slot(number),
            Known::Other(used) => Kept::Other(used),
        }
    }
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
    pub(super) fn get(&self, id: &str) -> Option<Known<'_>> {
        let mut slots = self.slots_of(id).map_while(|(number, slot)| {
            let used = &**slot.get()?;
            Some(Known::Slot(number, used))
        });
        let found = slots.find(|used| *used.id == *id);
        let other = || self.others.get(id).map(|used| Known::Other(used.clone()));
        found.or_else(other)
    }

    /// What this tool has used; from now on it is known.
    pub(super) fn get_or_insert(
        &self,
        id: &str,
        now: &Moment<'_>,
        new: impl Fn() -> ToolUse,
    ) -> Known<'_> {
        for (number, slot) in self.slots_of(id) {
            // Two tools may come to one slot at once; one of them goes on.
            let used = slot.get_or_init(|| Box::new(new()));
            if *used.id == *id {
                return Known::Slot(number, used);
            }
        }
        if let Some(known) = self.others.get(id) {
            return Known::Other(known.clone());
        }
        if self.others.len() >= self.sweep_at.load(Ordering::Relaxed) {
            self.sweep(now.get());
        }
        let new = || Arc::new(new());
        Known::Other(self.others.entry(id.into()).or_insert_with(new).clone())
    }

    /// What the tool has used that was kept.
    pub(super) fn of<'a>(&'a self, kept: &'a Kept) -> Option<&'a ToolUse> {
        match kept {
            Kept::Slot(number) => self.slots[*number].get().map(|used| &**used),
            Kept::Other(used) => Some(used),
        }
    }

    /// Where it stands, if it stands in a slot: none is ever emptied, so it is
    /// before the first empty one.
    fn slots_of(&self, id: &str) -> impl Iterator<Item = (usize, &OnceLock<Box<ToolUse>>)> {
        let first = self.others.hasher().hash_one(id) as usize;
        (0..TRIED).map(move |further| {
            let number = first.wrapping_add(further) % SLOTS;
            (number, &self.slots[number])
        })
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
    pub(super) fn new(id: &str, key: CallerKey) -> Self {
        Self {
            id: id.into(),
            key,
            places: Places::default(),
            window: Window::default(),
        }
    }

    /// For a place among its calls.
    pub(super) fn line(&self) -> Line {
        Line {
            scope: Scope::Concurrency,
            key: self.key,
        }
    }

    fn is_idle(&self, now: Duration) -> bool {
        self.places.taken() == 0 && self.window.whole(now).len() == 0
    }
}
