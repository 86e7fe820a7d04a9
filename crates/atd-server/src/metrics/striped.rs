//! Counters that threads do not share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// So many threads count each for itself. More than the workers of most
/// runtimes; those beyond share.
const STRIPES: usize = 32;

/// One `T` for each thread that counts, made when it first does, and one for
/// all threads that came when there was none left for them. What was counted is
/// the sum.
#[derive(Debug, Default)]
pub(super) struct Striped<T> {
    own: [OnceLock<Box<T>>; STRIPES],
    shared: T,
}

/// How a thread adds to a counter of the `T` that it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adding {
    /// Nobody else adds to it.
    Alone,
    Beside,
}

impl Adding {
    /// Who reads the sum also sees what was added before it, on whichever
    /// thread.
    pub(super) fn to(self, counter: &AtomicU64, number: u64) {
        match self {
            Self::Alone => counter.store(
                counter.load(Ordering::Relaxed).wrapping_add(number),
                Ordering::Release,
            ),
            Self::Beside => {
                counter.fetch_add(number, Ordering::Release);
            }
        }
    }
}

impl<T: Default> Striped<T> {
    /// The `T` of this thread.
    pub(super) fn own(&self) -> (&T, Adding) {
        // A thread that is ending has none any more.
        let own = OWN.try_with(|own| own.0).ok().flatten();
        match own.and_then(|own| self.own.get(own)) {
            Some(own) => (own.get_or_init(Box::default), Adding::Alone),
            None => (&self.shared, Adding::Beside),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        let own = self.own.iter().filter_map(OnceLock::get);
        own.map(|own| &**own).chain([&self.shared])
    }
}

/// Which stripes no thread has.
static FREE: Mutex<u32> = Mutex::new(u32::MAX);

const _: () = assert!(STRIPES == u32::BITS as usize);

thread_local! {
    static OWN: Own = Own::take();
}

/// The stripe of a thread, until it ends.
struct Own(Option<usize>);

impl Own {
    fn take() -> Self {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let first = free.trailing_zeros();
        *free &= free.wrapping_sub(1);
        Self((first < u32::BITS).then_some(first as usize))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(own) = self.0 {
            // The lock hands what this thread has counted to who has it next.
            *FREE.lock().unwrap_or_else(PoisonError::into_inner) |= 1 << own;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn nothing_is_counted_twice_or_lost_by_more_threads_than_there_are_stripes() {
        let counters = Striped::<AtomicU64>::default();
        for _ in 0..3 {
            thread::scope(|scope| {
                for _ in 0..STRIPES + 8 {
                    scope.spawn(|| {
                        for _ in 0..1_000 {
                            let (counter, adding) = counters.own();
                            adding.to(counter, 1);
                        }
                    });
                }
            });
        }
        let all = counters.all().map(|it| it.load(Ordering::Acquire));
        assert_eq!(all.sum::<u64>(), 3 * (STRIPES as u64 + 8) * 1_000);
    }
}
