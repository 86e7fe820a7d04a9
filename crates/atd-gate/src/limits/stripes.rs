//! Calls in flight over the whole server.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::lines::{Line, Lines};

/// More than the threads that are likely to admit calls at once.
const STRIPES: usize = 16;

/// How many calls may be in flight, as free places spread over stripes: each
/// thread takes from a stripe of its own and looks into the others only when
/// that is empty, so that threads do not contend for one counter. Free places
/// and calls in flight, less what is owed, are always the limit.
#[derive(Debug)]
pub(super) struct Stripes {
    stripes: [Arc<Stripe>; STRIPES],
    owed: Arc<AtomicU32>,
    limit: Mutex<u32>,
    lines: Arc<Lines>,
}

/// On cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe {
    free: AtomicU32,
    /// How many places are to go, since the limit was lowered.
    owed: Arc<AtomicU32>,
    /// Who is told of a place that comes free.
    lines: Arc<Lines>,
}

/// A place of one call, among those of the stripe with this number. Whoever
/// holds it gives it back with [`Stripes::leave`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot(usize);

/// A place that keeps its stripe, and gives itself back when it is dropped.
#[derive(Debug)]
pub(super) struct OwnSlot(Arc<Stripe>);

/// Takes up to so many, and says how many. Who finds none may be about to wait,
/// so it must not have looked before it was seen to: see
/// [`Lines::somebody_waits`].
fn take(from: &AtomicU32, most: u32) -> u32 {
    let mut found = from.load(Ordering::SeqCst);
    loop {
        let taken = found.min(most);
        if taken == 0 {
            return 0;
        }
        let left = found - taken;
        match from.compare_exchange_weak(found, left, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => return taken,
            Err(now) => found = now,
        }
    }
}

/// The stripe of this thread.
fn own_stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    // A thread that is ending has none any more; any other will do.
    let own = OWN.try_with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        own.get()
    });
    own.unwrap_or_default()
}

impl Stripes {
    pub(super) fn new(limit: u32, lines: Arc<Lines>) -> Self {
        let owed = Arc::new(AtomicU32::new(0));
        let stripe = || {
            Arc::new(Stripe {
                free: AtomicU32::new(0),
                owed: owed.clone(),
                lines: lines.clone(),
            })
        };
        let all = Self {
            stripes: std::array::from_fn(|_| stripe()),
            owed,
            limit: Mutex::new(0),
            lines,
        };
        all.set(limit);
        all
    }

    /// Who waits for a limit.
    pub(super) fn lines(&self) -> &Arc<Lines> {
        &self.lines
    }

    pub(super) fn limit(&self) -> u32 {
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many places are taken, as far as that can be said while they are
    /// taken and given back.
    pub(super) fn taken(&self) -> u32 {
        let free = self
            .stripes
            .iter()
            .map(|it| it.free.load(Ordering::Acquire));
        let free: u32 = free.sum();
        let all = self
            .limit()
            .saturating_add(self.owed.load(Ordering::Acquire));
        all.saturating_sub(free)
    }

    pub(super) fn enter(&self) -> Option<Slot> {
        if self.owed.load(Ordering::Acquire) > 0 {
            self.collect();
        }
        let own = own_stripe();
        if take(&self.stripes[own].free, 1) == 1 {
            return Some(Slot(own));
        }
        let order = (own..STRIPES).chain(0..own);
        let mut found = order.filter(|index| take(&self.stripes[*index].free, 1) == 1);
        found.next().map(Slot)
    }

    pub(super) fn leave(&self, Slot(index): Slot) {
        self.stripes[index].leave();
    }

    /// The place with what it takes to give it back.
    pub(super) fn own(&self, Slot(index): Slot) -> OwnSlot {
        OwnSlot(self.stripes[index].clone())
    }

    /// Changes the limit. Calls beyond a lower one go on; no other comes in
    /// until there are fewer.
    pub(super) fn set(&self, limit: u32) {
        let mut current = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, limit);
        let fewer = old.saturating_sub(limit);
        self.owed.fetch_add(fewer, Ordering::AcqRel);
        let more = limit.saturating_sub(old);
        let paid = take(&self.owed, more);
        self.spread(more - paid);
        drop(current);
        self.collect();
    }

    fn spread(&self, places: u32) {
        let each = places / STRIPES as u32;
        let mut over = places % STRIPES as u32;
        for stripe in &self.stripes {
            let extra = u32::from(over > 0);
            over -= extra;
            stripe.free.fetch_add(each + extra, Ordering::AcqRel);
        }
    }

    /// Takes free places for those that are owed.
    fn collect(&self) {
        for stripe in &self.stripes {
            let owed = self.owed.load(Ordering::Acquire);
            let found = take(&stripe.free, owed);
            let paid = take(&self.owed, found);
            if found > paid {
                stripe.free.fetch_add(found - paid, Ordering::SeqCst);
                self.lines.there_is_room(Line::SERVER);
            }
        }
    }
}

impl Stripe {
    fn leave(&self) {
        if self.owed.load(Ordering::Acquire) == 0 || take(&self.owed, 1) == 0 {
            self.free.fetch_add(1, Ordering::SeqCst);
            self.lines.there_is_room(Line::SERVER);
        }
    }
}

impl Drop for OwnSlot {
    fn drop(&mut self) {
        self.0.leave();
    }
}
