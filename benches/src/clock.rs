//! Time, for Criterion's `iter_custom`: where one iteration is too short to be
//! timed alone, and something that is not to be counted lies between many.

use std::time::{Duration, Instant};

/// How long `work` takes.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the benches that reads the clock"
)]
pub fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// How long `work` takes for so many iterations, of which it is given at most
/// `size` at a time. What `before` does ahead of each batch is not counted.
pub fn time_in_batches(
    iterations: u64,
    size: u64,
    mut before: impl FnMut(),
    mut work: impl FnMut(u64),
) -> Duration {
    let mut left = iterations;
    let mut total = Duration::ZERO;
    while left > 0 {
        let batch = left.min(size);
        before();
        total += time(|| work(batch));
        left -= batch;
    }
    total
}
