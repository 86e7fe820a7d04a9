//! What a reader of a log can rely on.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes the helpers of a test for production code"
)]

mod attacks;
mod foreign;
mod growth;
mod heads;
mod hostile;
mod questions;
mod segments;
mod support;
mod torn;
