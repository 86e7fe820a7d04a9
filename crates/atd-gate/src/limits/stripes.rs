//! Calls in flight over the whole server.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Common;
use super::lines::Line;

/// More than the threads that are likely to admit calls at once.
pub(super) const STRIPES: usize = 16;

/// How many calls may be in flight, as free places spread over stripes: each
/// thread takes from a stripe of its own and looks into the others only when
/// that is empty, so that threads do not contend for one counter. Free places
/// and calls in flight, less what is owed, are always the limit.
#[derive(Debug)]
pub(super) struct Stripes {
    stripes: [Arc<Stripe>; STRIPES],
    owed: Arc<AtomicU32>,
    limit: Mutex<u32>,
}

/// On cache lines of its own.
#[repr(align(128))]
struct Stripe {
    free: AtomicU32,
    /// How many places are to go, since the limit was lowered.
    owed: Arc<AtomicU32>,
    common: Arc<Common>,
}

/// A place of one call, with the stripe that it belongs to. Whoever holds it
/// [leaves](Self::leave) it.
#[derive(Debug)]
pub(super) struct Slot(Arc<Stripe>);

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
pub(super) fn own_stripe() -> usize {
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
    pub(super) fn new(limit: u32, common: &Arc<Common>) -> Self {
        let owed = Arc::new(AtomicU32::new(0));
        let stripe = || {
            Arc::new(Stripe {
                free: AtomicU32::new(0),
                owed: owed.clone(),
                common: common.clone(),
            })
        };
        let all = Self {
            stripes: std::array::from_fn(|_| stripe()),
            owed,
            limit: Mutex::new(0),
        };
        all.set(limit);
        all
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
        let (before, from_own) = self.stripes.split_at(own_stripe());
        let mut order = from_own.iter().chain(before);
        let found = order.find(|stripe| take(&stripe.free, 1) == 1);
        found.map(|stripe| Slot(stripe.clone()))
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
                stripe.common.lines.there_is_room(Line::SERVER);
            }
        }
    }
}

impl Stripe {
    fn leave(&self) {
        if self.owed.load(Ordering::Acquire) == 0 || take(&self.owed, 1) == 0 {
            self.free.fetch_add(1, Ordering::SeqCst);
            self.common.lines.there_is_room(Line::SERVER);
        }
    }
}

impl Slot {
    pub(super) fn leave(&self) {
        self.0.leave();
    }

    pub(super) fn common(&self) -> &Common {
        &self.0.common
    }
}

impl fmt::Debug for Stripe {
    /// Without what all of them have in common.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stripe").field(&self.free).finish()
    }
}
