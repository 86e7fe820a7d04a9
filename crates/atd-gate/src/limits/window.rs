//! Calls of one tool in any 60 seconds.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Duration;

use super::LENGTH;
use super::stripe::{STRIPES, own_stripe};
use super::times::{Times, nanos};

/// After so many calls of one stripe, and after a minute, the old times of the
/// others are forgotten, whose threads may have gone.
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
    /// When the last place that a stripe gave up was free, in nanoseconds: who
    /// takes one comes no earlier than that, whenever its time was read.
    freed_at: AtomicU64,
    /// When all stripes were tidied last.
    tidied_at: AtomicU64,
    first: Mutex<Times>,
    /// Made with the first one locked.
    others: OnceLock<Box<[Stripe; STRIPES]>>,
}

/// On cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(Mutex<Times>);

/// A free place in the stripe of this thread, which nobody else is at meanwhile.
/// It stays free unless it is [taken](Self::take).
pub(super) struct Room<'a> {
    window: &'a Window,
    times: MutexGuard<'a, Times>,
    limit: u32,
    at: u64,
}

/// All stripes at once, so that nobody else counts a call meanwhile.
pub(super) struct Whole<'a> {
    window: &'a Window,
    first: MutexGuard<'a, Times>,
    others: Option<[MutexGuard<'a, Times>; STRIPES]>,
}

fn lock(stripe: &Mutex<Times>) -> MutexGuard<'_, Times> {
    stripe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Window {
    /// Room for one call at `now`, or how long until there is some; `None` where
    /// there never will be.
    pub(super) fn reserve(&self, limit: u32, now: Duration) -> Result<Room<'_>, Option<Duration>> {
        let mut times = self.own();
        let at = nanos(now);
        times.forget_before(at);
        self.have_given_up(&mut times, KEPT);
        if !self.has_place(&mut times, limit as usize) {
            drop(times);
            let whole = self.whole(now);
            whole.room(limit, now)?;
            times = whole.into_place();
        }
        Ok(Room {
            window: self,
            times,
            limit,
            at,
        })
    }

    /// All of it as it is at `now`.
    pub(super) fn whole(&self, now: Duration) -> Whole<'_> {
        let first = lock(&self.first);
        let others = self.others.get();
        let others = others.map(|all| std::array::from_fn(|index| lock(&all[index].0)));
        let mut whole = Whole {
            window: self,
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

    /// Has a stripe give up its free places but so many.
    fn have_given_up(&self, stripe: &mut Times, but: usize) {
        let given_up = stripe.give_up(but);
        if given_up > 0 {
            // First: who takes one of them sees it.
            self.freed_at.fetch_max(stripe.freed_at(), Ordering::AcqRel);
            self.held.fetch_sub(given_up, Ordering::AcqRel);
        }
    }

    fn freed_at(&self) -> u64 {
        self.freed_at.load(Ordering::Acquire)
    }

    /// How many times to make room for at once: of several stripes none has to
    /// hold all.
    fn room_for(&self, limit: u32) -> usize {
        match self.others.get() {
            None => limit as usize,
            Some(_) => 0,
        }
    }

    /// Whether this stripe has a place for one call: a free one, or one more.
    fn has_place(&self, own: &mut Times, limit: usize) -> bool {
        let mut held = self.held.load(Ordering::Acquire);
        // The limit may have been lowered.
        if held <= limit && own.has_place() {
            return true;
        }
        while held < limit {
            let (more, done, order) = (held + 1, Ordering::AcqRel, Ordering::Acquire);
            match self.held.compare_exchange_weak(held, more, done, order) {
                Ok(_) => {
                    own.gain();
                    return true;
                }
                Err(now) => held = now,
            }
        }
        false
    }

    /// Forgets what is old in the stripes that nobody is at.
    fn tidy(&self, now: u64) {
        self.tidied_at.store(now, Ordering::Relaxed);
        let others = self.others.get().into_iter().flat_map(|all| all.iter());
        let stripes = others.map(|stripe| &stripe.0).chain([&self.first]);
        for mut times in stripes.filter_map(|it| it.try_lock().ok()) {
            times.forget_before(now);
            self.have_given_up(&mut times, 0);
        }
    }
}

impl Room<'_> {
    /// Counts the call.
    pub(super) fn take(self) {
        let Self {
            window,
            mut times,
            limit,
            at,
        } = self;
        times.add(window.room_for(limit), at.max(window.freed_at()));
        let since = at.saturating_sub(window.tidied_at.load(Ordering::Relaxed));
        let is_due = times.added().is_multiple_of(TIDY_AFTER) || since >= nanos(LENGTH);
        drop(times);
        if is_due {
            window.tidy(at);
        }
    }
}

impl<'a> Whole<'a> {
    /// The stripe of this thread, with a place for the call that there is room
    /// for.
    fn into_place(self) -> MutexGuard<'a, Times> {
        // No stripe has a free one left.
        self.window.held.fetch_add(1, Ordering::AcqRel);
        let own = self.others.map(|all| all.into_iter().nth(own_stripe()));
        let mut own = own.flatten().unwrap_or(self.first);
        own.gain();
        own
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
        for times in stripes {
            times.forget_before(now);
            self.window.have_given_up(times, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const A_LITTLE: Duration = Duration::from_micros(1);

    /// One whose stripes are made, as if threads had met.
    fn striped() -> Window {
        let window = Window::default();
        window.others.get_or_init(Box::default);
        window
    }

    impl Window {
        fn take(&self, limit: u32, now: Duration) -> Result<(), Option<Duration>> {
            self.reserve(limit, now).map(Room::take)
        }
    }

    fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| scope.spawn(work).join().expect("it does not panic"))
    }

    /// D5: who read the clock, and was put aside until others had read it later,
    /// takes a place from when that was free.
    #[test]
    fn d5_a_call_comes_no_earlier_than_its_place_was_free() {
        let window = striped();
        for at in [Duration::ZERO, Duration::ZERO, MINUTE] {
            assert!(window.take(2, at).is_ok());
        }
        assert!(elsewhere(|| window.take(2, MINUTE - A_LITTLE)).is_ok());
        let next = 2 * MINUTE - A_LITTLE;
        assert_eq!(window.take(2, next), Err(Some(A_LITTLE)));
        assert!(window.take(2, next + A_LITTLE).is_ok());
    }

    #[test]
    fn what_a_burst_took_is_given_back_a_minute_after_it() {
        let window = striped();
        elsewhere(|| (0..100_000).for_each(|_| window.take(u32::MAX, MINUTE).unwrap()));
        assert!(window.take(u32::MAX, 2 * MINUTE).is_ok());
        let whole = window.whole(2 * MINUTE);
        let kept: usize = whole.stripes().map(Times::room).sum();
        assert!(kept <= 2 * 1_024, "{kept} times have room");
        assert_eq!(whole.len(), 1);
    }
}
