//! Which part of what threads share is this thread's.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More than the threads that are likely to admit calls at once.
pub(super) const STRIPES: usize = 16;

/// The number of this thread's stripe, below [`STRIPES`].
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
