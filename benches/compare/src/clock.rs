//! The one place that reads the clock.

use std::sync::OnceLock;
use std::time::Instant;

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured here is time itself"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The nanoseconds that the clock says have passed when nothing is done: what
/// half of the tries show at most.
pub(crate) fn cost() -> u64 {
    static COST: OnceLock<u64> = OnceLock::new();
    *COST.get_or_init(|| {
        let mut tries: Vec<_> = (0..1001).map(|_| now().elapsed().as_nanos()).collect();
        tries.sort_unstable();
        u64::try_from(tries[tries.len() / 2]).unwrap_or(0)
    })
}
