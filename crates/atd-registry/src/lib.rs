//! What can be called: [`Tool`] and the other [`Binding`]s, the
//! [`CallContext`] that a call runs in, and the live [`Registry`] with its
//! encoded catalog.
//!
//! A tool is a closure over its typed arguments, whose JSON Schema is derived
//! from the type:
//!
//! ```
//! use atd_registry::{Args, CallContext, Registry, tool_fn};
//! use atd_proto::JsonText;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Add { a: i64, b: i64 }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! registry.register(tool_fn("demo:math.add", "Adds two numbers", |add: Add, _ctx| async move {
//!     Ok(add.a + add.b)
//! }))?;
//!
//! let tool = registry.get("demo:math.add").ok_or("registered above")?;
//! let good = Args::new(JsonText::parse(r#"{"a": 1, "b": 2}"#)?);
//! let bad = Args::new(JsonText::parse(r#"{"a": "one"}"#)?);
//! assert!(tool.input_schema().check(&bad).is_err());
//! # #[cfg(feature = "test-util")] {
//! let reply = tool.binding().invoke(good, &CallContext::for_test()).await?;
//! assert_eq!(reply.body().as_bytes(), b"3");
//! # }
//! # Ok(()) }
//! ```

mod binding;
mod blocking;
mod call;
mod registry;
mod schema;
mod secrets;
mod tool;

pub use binding::{Binding, CallFuture, NativeBinding};
pub use blocking::{BlockingPool, BlockingStats, BlockingTool, blocking_fn};
pub use call::{
    Args, ArgumentError, CallContext, CallId, CallSetup, ConnectionState, FileStamp, Held,
    IntoReply, ProgressReporter, ReadTracker, Reply, StaleRead, Surroundings, ToolCallError,
};
pub use registry::{RegisterError, RegisteredTool, Registry};
pub use schema::{Schema, SchemaError, SchemaViolations};
pub use secrets::{
    BrokerError, DirectoryTokenBroker, MemoryTokenBroker, SecretBundle, SecretRequest, TokenBroker,
};
pub use tool::{FnTool, Tool, tool_fn};
