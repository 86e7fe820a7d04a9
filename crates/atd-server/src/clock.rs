//! The clock of everything here: tokio's, which a test can pause and advance.

use tokio::time::Instant;

#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
