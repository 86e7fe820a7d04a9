//! Logs in files: what is on record there, whatever happens to the disk or to
//! the process.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy takes the helpers of a test for production code"
)]

mod chain;
mod durability;
mod faults;
mod hard_cases;
mod killed;
mod locking;
mod reopening;
mod rotation;
mod strict;
mod support;
