//! Calls at a time, of one tool or of the whole server.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::stripe::{STRIPES, own_stripe};

/// So many free places a stripe keeps for the next calls of its thread.
const KEPT: u32 = 32;

/// The places of calls that run at a time. The limit comes with each call, so
/// it may change without anybody forgetting who is inside; calls beyond a lower
/// one go on.
///
/// Where threads have met, each keeps some of the places that it gave back in a
/// stripe of its own, and takes them from there. What they share is then how
/// many places are held in all, which does not change as calls come and go.
/// Who finds none, and no more to be had, looks into the stripes of the others,
/// one after another: a place that is given back meanwhile where it has looked
/// already is another call's to find.
///
/// Every count is sequentially consistent, as are those who wait for a place:
/// see [`Lines::somebody_waits`](super::Lines::somebody_waits).
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Places {
    /// The places taken, and those that are free in the stripes.
    held: AtomicU32,
    free: OnceLock<Box<[Stripe; STRIPES]>>,
}

/// No place was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full {
    /// Free places were given up that are beyond this call's limit. Within a
    /// higher one somebody may have looked for them meanwhile, and in vain.
    pub(super) gave_up: bool,
}

/// Free places, on cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(AtomicU32);

const ORDER: Ordering = Ordering::SeqCst;

impl Stripe {
    fn take(&self) -> bool {
        let less = |free: u32| free.checked_sub(1);
        self.0.fetch_update(ORDER, ORDER, less).is_ok()
    }

    /// Keeps a place that is given back, unless there are enough. Threads that
    /// share the stripe may keep a few more at once.
    fn keep(&self) -> bool {
        let few = self.0.load(ORDER) < KEPT;
        if few {
            self.0.fetch_add(1, ORDER);
        }
        few
    }
}

impl Places {
    /// Takes a place, unless all are taken. Whoever has taken one
    /// [leaves](Self::leave) it.
    pub(super) fn enter(&self, limit: u32) -> Result<(), Full> {
        let is_own_free = self.own().is_some_and(Stripe::take);
        let entered = match is_own_free {
            true => self.is_within(limit),
            false => self.hold_more(limit),
        };
        if entered {
            return Ok(());
        }
        self.find(limit, is_own_free)
    }

    pub(super) fn leave(&self) {
        if !self.own().is_some_and(Stripe::keep) {
            self.held.fetch_sub(1, ORDER);
        }
    }

    /// How many are taken, as far as that can be said while they are taken and
    /// given back.
    pub(super) fn taken(&self) -> u32 {
        let held = self.held.load(ORDER);
        let free = self.stripes().map(|it| it.0.load(ORDER));
        held.saturating_sub(free.sum())
    }

    fn own(&self) -> Option<&Stripe> {
        self.free.get().map(|all| &all[own_stripe()])
    }

    fn stripes(&self) -> impl Iterator<Item = &Stripe> {
        self.free.get().into_iter().flat_map(|all| all.iter())
    }

    /// Whether the place just taken from a stripe may be used. If not, since
    /// the limit was lowered, it is held no more.
    fn is_within(&self, limit: u32) -> bool {
        let within = self.held.load(ORDER) <= limit;
        if !within {
            self.held.fetch_sub(1, ORDER);
        }
        within
    }

    /// Takes one more than are held.
    fn hold_more(&self, limit: u32) -> bool {
        let mut held = self.held.load(ORDER);
        while held < limit {
            match self.held.compare_exchange(held, held + 1, ORDER, ORDER) {
                Ok(_) => return true,
                Err(now) => {
                    self.free.get_or_init(Box::default);
                    held = now;
                }
            }
        }
        false
    }

    /// Takes a place that another thread has left.
    #[cold]
    fn find(&self, limit: u32, mut gave_up: bool) -> Result<(), Full> {
        for stripe in self.stripes() {
            while stripe.take() {
                if self.is_within(limit) {
                    return Ok(());
                }
                gave_up = true;
            }
        }
        // There may be more again, of those that are held no more.
        match self.hold_more(limit) {
            true => Ok(()),
            false => Err(Full { gave_up }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// One whose stripes are made, as if threads had met.
    fn striped() -> Places {
        let places = Places::default();
        places.free.get_or_init(Box::default);
        places
    }

    fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| scope.spawn(work).join().expect("it does not panic"))
    }

    fn entered(places: &Places, limit: u32) -> usize {
        let most = limit as usize + 1;
        (0..most)
            .take_while(|_| places.enter(limit).is_ok())
            .count()
    }

    #[test]
    fn places_that_another_thread_left_are_found() {
        let places = striped();
        assert_eq!(entered(&places, 50), 50);
        elsewhere(|| (0..50).for_each(|_| places.leave()));
        assert_eq!(places.taken(), 0);
        assert_eq!(entered(&places, 50), 50);
    }

    #[test]
    fn places_that_are_free_count_against_no_lower_limit() {
        let places = striped();
        assert_eq!(entered(&places, 30), 30);
        (0..14).for_each(|_| places.leave());
        elsewhere(|| (0..15).for_each(|_| places.leave()));
        assert_eq!(places.taken(), 1);
        // 29 are free, and one is taken.
        assert_eq!(places.enter(1), Err(Full { gave_up: true }));
        assert_eq!(places.enter(1), Err(Full { gave_up: false }));
        assert_eq!(entered(&places, 3), 2);
        assert_eq!(entered(&places, 6), 3);
        assert_eq!(places.taken(), 6);
    }

    /// D4: whatever the limit of each call, no place is lost, and none is
    /// taken beyond the highest.
    #[test]
    fn d4_threads_with_changing_limits_lose_no_place() {
        let (places, inside) = (striped(), AtomicU32::new(0));
        thread::scope(|scope| {
            for number in 0..4 {
                let (places, inside) = (&places, &inside);
                scope.spawn(move || {
                    for turn in 0..20_000 {
                        let limit = 1 + (turn + number) % 3;
                        if places.enter(limit).is_ok() {
                            assert!(inside.fetch_add(1, ORDER) < 3);
                            inside.fetch_sub(1, ORDER);
                            places.leave();
                        }
                    }
                });
            }
        });
        assert_eq!(places.taken(), 0);
        assert_eq!(entered(&places, 3), 3);
    }
}
