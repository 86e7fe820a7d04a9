//! What the table calls those that are compared. A bar names one of them.

pub(crate) const OURS: &str = "ours";
pub(crate) const THEIR_RUNTIME: &str = "atd-runtime 1.2.1";
pub(crate) const THEIR_SERVER: &str = "atd-server 1.1.0";
pub(crate) const APPENDER: &str = "tracing-appender";
pub(crate) const TRACING_EVENTS: &str = "tracing JSON events";
pub(crate) const FLOOR: &str = "bare echo";

/// Ours beside ours: what many threads gain that wait for the disk together.
pub(crate) const MANY_THREADS: &str = "ours, 64 threads";
pub(crate) const ONE_THREAD: &str = "ours, 1 thread";

/// What two threads gain of one.
pub(crate) const TWO_THREADS: &str = "ours, 2 threads";
pub(crate) const LIMITERS: &str = "bare limiters";
pub(crate) const TWO_LIMITERS: &str = "bare limiters, 2 threads";
pub(crate) const ONE_LIMITER: &str = "bare limiters, 1 thread";
