//! Audit records of tool calls.
//!
//! A [`CallEvent`] says what became of one call. An [`AuditSink`] takes such
//! events: [`JsonLinesAuditSink`] writes each as one line of JSON from a
//! thread of its own, [`MemoryAuditSink`] keeps them for a test to look at.
//! No async runtime is needed, and no other crate of this workspace.
//!
//! ```
//! use std::time::Duration;
//!
//! use atd_audit::{
//!     AuditSink, CallEvent, JsonLinesAuditSink, Outcome, SCHEMA_VERSION, now_rfc3339,
//! };
//!
//! let sink = JsonLinesAuditSink::stdout();
//! sink.on_call(&CallEvent {
//!     ts: now_rfc3339(),
//!     call_id: "01JZ8Y4T6N3V5Q2M7K9R1B0C4D".to_owned(),
//!     tool_id: "demo:math.add".to_owned(),
//!     caller_id: Some("alice".to_owned()),
//!     granted_capabilities: vec![],
//!     duration_ms: 3,
//!     outcome: Outcome::Success,
//!     tier: "hot".to_owned(),
//!     dry_run: false,
//!     schema_version: SCHEMA_VERSION,
//!     secrets_resolved: false,
//!     cursor_page: None,
//! });
//!
//! // Everything is written before this returns, or the error says what is not.
//! sink.shutdown(Duration::from_secs(5))?;
//! assert_eq!((sink.health().written, sink.drops()), (1, 0));
//! # Ok::<(), atd_audit::AuditError>(())
//! ```
//!
//! An event handed to a sink is on record or counted as lost; see
//! [`Health`] for the sum that always holds, and [`JsonLinesAuditSink`] for
//! what "on record" means there.
//!
//! Writing a log needs no feature: durability, rotation, the strict mode and
//! all the sinks but one are there without. The rest is for whoever asks:
//!
//! | feature | what it adds | what it builds |
//! | --- | --- | --- |
//! | `chain` | `Chaining`: lines that show what is done to them; `Head` | sha2 |
//! | `sign` | `SigningKey`, `PublicKey`: a chain that is signed; with it `chain` | ed25519-dalek |
//! | `read` | `AuditLog`, `Query`, `verify`; with it `chain` | serde_json |
//! | `stats` | `Statistics`, `Timeline`; with it `read` | hdrhistogram |
//! | `tracing` | `TracingAuditSink` | tracing |
//! | `test-util` | `FileFaults`: a disk that fails, for tests | nothing |

mod backpressure;
mod beside;
#[cfg(feature = "chain")]
mod chain;
#[cfg(feature = "chain")]
mod chaining;
mod durability;
mod error;
mod event;
#[cfg(feature = "chain")]
mod head;
mod health;
mod hex;
mod json_lines;
#[cfg(feature = "sign")]
mod key;
mod outcome;
#[cfg(feature = "read")]
mod read;
mod rotation;
mod segments;
mod sink;
mod sinks;
mod strict;
mod timestamp;

pub use backpressure::Backpressure;
pub use beside::{Beside, BesideFields};
#[cfg(feature = "chain")]
pub use chaining::Chaining;
pub use durability::{Durability, DurableWrite};
pub use error::AuditError;
pub use event::{CallEvent, SCHEMA_VERSION};
#[cfg(feature = "chain")]
pub use head::{Head, ParseHeadError};
pub use health::Health;
pub use json_lines::{DEFAULT_AUDIT_QUEUE_CAPACITY, JsonLinesAuditSink, JsonLinesBuilder};
#[cfg(feature = "test-util")]
pub use json_lines::{FileFaults, FileOperation};
#[cfg(feature = "sign")]
pub use key::{KeyError, PublicKey, SigningKey};
pub use outcome::Outcome;
#[cfg(feature = "read")]
pub use read::{
    AuditLog, BadLine, Break, ChainReport, Entry, Fault, Follow, Matching, OutcomeKind, Position,
    Problem, Query, ReadError, Record, Records, Segment, Signatures, VerifyOptions, VerifyReport,
    parse_rfc3339, verify,
};
#[cfg(feature = "stats")]
pub use read::{Statistics, Timeline, ToolStatistics};
pub use rotation::{Retention, Rotation};
pub use sink::AuditSink;
#[cfg(feature = "tracing")]
pub use sinks::TracingAuditSink;
pub use sinks::{
    ChannelAuditSink, EventReceiver, FilterAuditSink, MemoryAuditSink, TeeAuditSink, channel,
};
pub use strict::{OUTCOME_UNKNOWN, Strict};
pub use timestamp::{now_rfc3339, rfc3339, write_rfc3339};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
