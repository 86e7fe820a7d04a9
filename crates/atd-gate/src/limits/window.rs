//! Calls of one tool in any 60 seconds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Duration;

use super::LENGTH;
use super::stripes::{STRIPES, own_stripe};
use super::times::{Times, nanos};

/// After so many calls of one stripe the old times of the others are forgotten,
/// whose threads may have gone.
const TIDY_AFTER: usize = 1_024;

/// So many places of calls that have left a stripe keeps for its next ones.
const KEPT: usize = 32;

/// The times of the calls let through in the last 60 seconds.
///
/// Keeping each of them makes the limit exact: no 60 seconds, wherever they
/// begin, hold more calls than it says, and the wait is the time until the
/// oldest leaves. Smoothing limiters and fixed windows let up to twice as many
/// through.
///
/// Where threads have met, each keeps the times of its calls in a stripe of its
/// own, and a few places of calls that have left. What they share is then how
/// many places the stripes hold in all: it does not change as long as calls come
/// and leave.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The calls in all stripes and the free places, changed only by who has
    /// one of them locked.
    held: AtomicUsize,
    first: Mutex<Times>,
    /// Made with the first one locked.
    others: OnceLock<Box<[Stripe; STRIPES]>>,
}

/// On cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(Mutex<Times>);

/// All stripes at once, so that nobody else counts a call meanwhile.
pub(super) struct Whole<'a> {
    held: &'a AtomicUsize,
    first: MutexGuard<'a, Times>,
    others: Option<[MutexGuard<'a, Times>; STRIPES]>,
}

fn lock(stripe: &Mutex<Times>) -> MutexGuard<'_, Times> {
    stripe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Window {
    /// Counts one call at `now`, or says how long until there is a place for
    /// it; `None` where there never will be.
    pub(super) fn take(&self, limit: u32, now: Duration) -> Result<(), Option<Duration>> {
        let mut own = self.own();
        let at = nanos(now);
        own.forget_before(at);
        let given_up = own.give_up(KEPT);
        if given_up > 0 {
            self.held.fetch_sub(given_up, Ordering::AcqRel);
        }
        if self.has_place(&mut own, limit as usize) {
            own.add(limit, at);
            let is_due = own.added().is_multiple_of(TIDY_AFTER);
            drop(own);
            if is_due {
                self.tidy(at);
            }
            return Ok(());
        }
        drop(own);
        let mut whole = self.whole(now);
        whole.room(limit, now)?;
        whole.take(limit, now);
        Ok(())
    }

    /// All of it as it is at `now`.
    pub(super) fn whole(&self, now: Duration) -> Whole<'_> {
        let first = lock(&self.first);
        let others = self.others.get();
        let others = others.map(|all| std::array::from_fn(|index| lock(&all[index].0)));
        let mut whole = Whole {
            held: &self.held,
            first,
            others,
        };
        whole.forget_before(nanos(now));
        whole
    }

    /// The stripe of this thread.
    fn own(&self) -> MutexGuard<'_, Times> {
        if let Some(others) = self.others.get() {
            return lock(&others[own_stripe()].0);
        }
        match self.first.try_lock() {
            Ok(first) => first,
            Err(TryLockError::Poisoned(first)) => first.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let first = lock(&self.first);
                self.others.get_or_init(Box::default);
                first
            }
        }
    }

    /// Takes a place for one call: a free one of this stripe, or one more.
    fn has_place(&self, own: &mut Times, limit: usize) -> bool {
        let mut held = self.held.load(Ordering::Acquire);
        // The limit may have been lowered.
        if held <= limit && own.reuse() {
            return true;
        }
        while held < limit {
            let (more, done, order) = (held + 1, Ordering::AcqRel, Ordering::Acquire);
            match self.held.compare_exchange_weak(held, more, done, order) {
                Ok(_) => return true,
                Err(now) => held = now,
            }
        }
        false
    }

    /// Forgets what is old in the stripes that nobody is at.
    fn tidy(&self, now: u64) {
        let others = self.others.get().into_iter().flat_map(|all| all.iter());
        let stripes = others.map(|stripe| &stripe.0).chain([&self.first]);
        for mut times in stripes.filter_map(|it| it.try_lock().ok()) {
            times.forget_before(now);
            self.held.fetch_sub(times.give_up(0), Ordering::AcqRel);
        }
    }
}

impl Whole<'_> {
    /// Whether there is a place for one call at `now`, or how long until there
    /// is one; `None` where there never will be.
    pub(super) fn room(&self, limit: u32, now: Duration) -> Result<(), Option<Duration>> {
        // More than the limit are inside when it was lowered meanwhile.
        let Some(over) = self.len().checked_sub(limit as usize) else {
            return Ok(());
        };
        if limit == 0 {
            return Err(None);
        }
        let since = nanos(now).saturating_sub(self.leaves_after(over));
        Err(Some(LENGTH.saturating_sub(Duration::from_nanos(since))))
    }

    /// Counts the call that there is room for.
    pub(super) fn take(&mut self, limit: u32, now: Duration) {
        let others = self.others.as_mut();
        let own = others.map(|all| &mut all[own_stripe()]);
        own.unwrap_or(&mut self.first).add(limit, nanos(now));
        self.held.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn len(&self) -> usize {
        self.stripes().map(Times::len).sum()
    }

    fn stripes(&self) -> impl Iterator<Item = &Times> {
        let others = self.others.iter().flatten();
        others.map(|it| &**it).chain([&*self.first])
    }

    /// The time of the oldest call but so many.
    fn leaves_after(&self, others: usize) -> u64 {
        let oldest = self.stripes().filter_map(Times::oldest).min();
        let mut from = oldest.unwrap_or_default();
        if others == 0 {
            return from;
        }
        let latest = self.stripes().filter_map(Times::latest).max();
        let mut to = latest.unwrap_or_default();
        while from < to {
            let middle = from + (to - from) / 2;
            let counted: usize = self.stripes().map(|it| it.up_to(middle)).sum();
            if counted > others {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        from
    }

    fn forget_before(&mut self, now: u64) {
        let others = self.others.iter_mut().flatten();
        let stripes = others.map(|it| &mut **it).chain([&mut *self.first]);
        let given_up = stripes.map(|it| {
            it.forget_before(now);
            it.give_up(0)
        });
        self.held.fetch_sub(given_up.sum(), Ordering::AcqRel);
    }
}
