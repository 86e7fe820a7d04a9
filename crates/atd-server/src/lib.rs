//! How a call runs: the dispatch pipeline, and the Unix socket in front of it.
//!
//! A [`Server`] holds a registry of tools, a gate, and where its audit records
//! go. It serves a socket:
//!
//! ```
//! use std::sync::Arc;
//! use atd_audit::MemoryAuditSink;
//! use atd_client::Client;
//! use atd_gate::Gate;
//! use atd_proto::Hello;
//! use atd_registry::{Registry, tool_fn};
//! use atd_server::Server;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Add { a: i64, b: i64 }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! registry.register(
//!     tool_fn("demo:math.add", "Adds two numbers", |add: Add, _ctx| async move { Ok(add.a + add.b) })
//!         .define(|definition| definition.requires(["math"])),
//! )?;
//! let audit = Arc::new(MemoryAuditSink::new());
//! let server = Server::builder(registry)
//!     .gate(Gate::builder().allow(["math"]).build())
//!     .audit(audit.clone())
//!     .build()?;
//!
//! let folder = tempfile::tempdir()?;
//! let serving = server.serve_unix(folder.path().join("atd.sock")).await?;
//!
//! let client = Client::connect(serving.path()).await?;
//! client.hello(Hello { requested_capabilities: ["math"].into_iter().collect(), ..Hello::default() }).await?;
//! let sum = client.call("demo:math.add", &serde_json::json!({"a": 1, "b": 2})).await?;
//! assert_eq!(sum.parse::<i64>()?, 3);
//!
//! let report = serving.shutdown().await;
//! assert_eq!(report.cut_calls, 0);
//! assert_eq!(audit.events().len(), 1);
//! # Ok(()) }
//! ```
//!
//! Another transport turns its bytes into [`Request`](atd_proto::Request)s and
//! gives them to [`Dispatcher::handle`]; it needs to know nothing of tools,
//! gates or audit.
//!
//! # What is to be seen
//!
//! [`Server::metrics_snapshot`] tells what is counted;
//! [`MetricsSnapshot::write_prometheus`] writes it as a page and lists its
//! metrics.
//!
//! Each call is a span of `tracing` at level `info`, named `call`, of target
//! `atd::call`; what a tool, a middleware or the server logs meanwhile is
//! within it. When the call ends, so does its span, with one event of the same
//! level and target that repeats the last two fields. Where no subscriber wants
//! the target, nothing is made. No argument, result, secret or message of a
//! failure is in them, and what a client named is escaped and cut.
//!
//! | field | |
//! | --- | --- |
//! | `call_id` | the ULID that the audit has, too |
//! | `tool_id` | the id that was asked for |
//! | `caller_id` | the name of whoever asked, if there is one |
//! | `dry_run` | whether the call was to change nothing |
//! | `trace_id`, `parent_id` | of the caller's `traceparent`: the trace that the call is part of and the span that it was made from, in hex; left out without one |
//! | `outcome` | what became of the call, in the words of [`CallEnding`] |
//! | `duration_us` | how long it took from when it entered dispatch, in microseconds |

mod answer;
mod builder;
mod clock;
mod control;
mod cursor;
mod dispatch;
mod metrics;
mod middleware;
mod output;
mod server;
mod session;
mod text;
mod tier;
mod unix;

pub use answer::Answer;
pub use builder::{BuildError, ServerBuilder};
pub use control::{CallControl, StopReason};
pub use cursor::{CursorKey, CursorKeyError};
pub use dispatch::{CallError, Dispatcher};
pub use metrics::{AuditMetrics, CallEnding, LatencyHistogram, MetricsSnapshot, ToolMetrics};
pub use middleware::{
    CallInfo, Middleware, PatternError, RedactPaths, RedactPatterns, TruncateOutput,
};
pub use output::OutputCheck;
pub use server::Server;
pub use session::{Phase, Session};
pub use tier::{TierLimits, TierPolicy};
pub use unix::{BindError, BoundSocket, ServerHandle, ShutdownReport};
