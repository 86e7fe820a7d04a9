//! Sinks that are a few lines each.

mod channel;
mod filter;
mod memory;
mod tee;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "tracing")]
pub use self::tracing::TracingAuditSink;
pub use self::{
    channel::{ChannelAuditSink, EventReceiver, channel},
    filter::FilterAuditSink,
    memory::MemoryAuditSink,
    tee::TeeAuditSink,
};
