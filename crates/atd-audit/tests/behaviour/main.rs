//! What a user of `atd-audit` can rely on.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy takes the helpers of a test for production code"
)]

mod backpressure;
mod beside;
mod ending;
mod event;
mod failures;
mod files;
mod hostile;
mod more_sinks;
mod queue;
mod sinks;
mod support;
mod timestamps;
