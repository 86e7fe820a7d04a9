//! A runtime for the ATD protocol (Agent Tool Dispatch): the place that every
//! tool call of an agent passes through. It holds tools, lets through only the
//! callers with the capability and within the limits, ends what overruns, and
//! leaves one audit record for every call, whatever its end.
//!
//! ```
//! use atd_runtime::prelude::*;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Add { a: i64, b: i64 }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A tool, served…
//! let registry = Registry::new();
//! registry.register(tool_fn("demo:math.add", "Adds two numbers", |add: Add, _ctx| async move {
//!     Ok(add.a + add.b)
//! }))?;
//! let folder = tempfile::tempdir()?;
//! let server = Server::builder(registry).build()?;
//! let serving = server.serve_unix(folder.path().join("atd.sock")).await?;
//!
//! // …and called.
//! let client = Client::connect(serving.path()).await?;
//! let sum = client.call("demo:math.add", &serde_json::json!({"a": 1, "b": 2})).await?;
//! assert_eq!(sum.parse::<i64>()?, 3);
//! serving.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! A result may come in pages. A tool says what the next page goes on from;
//! callers hold a sealed cursor, and [`Client::call_all`] walks to the end:
//!
//! ```
//! use atd_runtime::client::{CallAllOptions, MergePolicy};
//! use atd_runtime::prelude::*;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Count { to: u32 }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! registry.register(tool_fn("demo:math.count", "Counts, ten numbers a page", |count: Count, ctx| async move {
//!     let from = ctx.page_state().and_then(|state| state.try_into().ok());
//!     let from = from.map_or(1, u32::from_be_bytes);
//!     let last = count.to.min(from + 9);
//!     let numbers: Vec<u32> = (from..=last).collect();
//!     if last < count.to {
//!         Reply::page(&numbers, (last + 1).to_be_bytes().to_vec())
//!     } else {
//!         Reply::json(&numbers)
//!     }
//! }))?;
//! # let folder = tempfile::tempdir()?;
//! # let server = Server::builder(registry).build()?;
//! # let serving = server.serve_unix(folder.path().join("atd.sock")).await?;
//! # let client = Client::connect(serving.path()).await?;
//! // …served as above…
//! let all = CallAllOptions::new(MergePolicy::ConcatArray);
//! let numbers = client.call_all("demo:math.count", &serde_json::json!({"to": 25}), all).await?;
//! assert_eq!(numbers.to_value::<Vec<u32>>()?, (1..=25).collect::<Vec<_>>());
//! # serving.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! This crate only lays the layers out under one roof. Each is a feature, and
//! a crate of its own for whoever needs nothing else:
//!
//! | feature | module | crate | it answers |
//! | --- | --- | --- | --- |
//! | always | [`proto`] | `atd-proto` | what is said |
//! | `audit` | `audit` | `atd-audit` | what happened |
//! | `audit-chain` | `audit` | `atd-audit` | that nobody changed it since |
//! | `audit-tracing` | `audit` | `atd-audit` | the same, as events of `tracing` |
//! | `audit-read` | `audit` | `atd-audit` | what had happened, and whether it was so |
//! | `gate` | `gate` | `atd-gate` | who may, and how often |
//! | `gate-bearer` | `gate` | `atd-gate` | who bears a credential |
//! | `gate-ucan` | `gate::ucan` | `atd-gate` | who was given a capability token |
//! | `registry` | `registry` | `atd-registry` | what can be called |
//! | `process` | `process` | `atd-process` | how a program is a tool |
//! | `server` (default) | `server` | `atd-server` | how a call runs |
//! | `client` (default) | `client` | `atd-client` | the other end of the wire |
//! | `tools-…` | `tools` | `atd-tools` | tools worth having |

pub mod prelude;

#[doc(no_inline)]
#[cfg(feature = "audit")]
pub use atd_audit as audit;
#[doc(no_inline)]
#[cfg(feature = "client")]
pub use atd_client as client;
#[doc(no_inline)]
#[cfg(feature = "gate")]
pub use atd_gate as gate;
#[doc(no_inline)]
#[cfg(feature = "process")]
pub use atd_process as process;
#[doc(no_inline)]
pub use atd_proto as proto;
#[doc(no_inline)]
#[cfg(feature = "registry")]
pub use atd_registry as registry;
#[doc(no_inline)]
#[cfg(feature = "server")]
pub use atd_server as server;
#[doc(no_inline)]
#[cfg(any(
    feature = "tools-conformance",
    feature = "tools-echo",
    feature = "tools-fs",
    feature = "tools-shell",
    feature = "tools-web"
))]
pub use atd_tools as tools;

#[cfg(feature = "audit")]
pub use atd_audit::{AuditSink, CallEvent, JsonLinesAuditSink, MemoryAuditSink, Outcome};
#[cfg(feature = "client")]
pub use atd_client::{Client, ClientError};
#[cfg(feature = "gate")]
pub use atd_gate::{Gate, Identity};
#[cfg(feature = "process")]
pub use atd_process::{CliBinding, Program, Supervisor};
pub use atd_proto::{
    CapabilitySet, ErrorCode, JsonText, Tier, ToolDefinition, ToolSummary, Visibility,
};
#[cfg(feature = "registry")]
pub use atd_registry::{
    Args, Binding, BlockingTool, CallContext, NativeBinding, RegisteredTool, Registry, Reply,
    SecretBundle, TokenBroker, Tool, ToolCallError, blocking_fn, tool_fn,
};
#[cfg(feature = "server")]
pub use atd_server::{
    Dispatcher, MetricsSnapshot, Middleware, Server, ServerBuilder, ServerHandle, TierPolicy,
};

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadmeExamples;
