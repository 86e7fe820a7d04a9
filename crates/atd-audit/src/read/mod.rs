//! Reading a log: its events, its chain, questions to it.

mod error;
mod follow;
mod kind;
mod lines;
mod log;
mod parse;
mod pattern;
mod query;
mod record;
mod records;
mod segment;
#[cfg(feature = "stats")]
mod stats;
#[cfg(feature = "stats")]
mod timeline;
mod times;
mod verify;

pub use error::ReadError;
pub use follow::Follow;
pub use kind::OutcomeKind;
pub use log::AuditLog;
pub use query::{Matching, Query};
pub use record::{BadLine, Entry, Position, Problem, Record};
pub use records::Records;
pub use segment::Segment;
#[cfg(feature = "stats")]
pub use stats::{Statistics, ToolStatistics};
#[cfg(feature = "stats")]
pub use timeline::Timeline;
pub use times::parse_rfc3339;
pub use verify::{Break, ChainReport, Fault, Signatures, VerifyOptions, VerifyReport, verify};
