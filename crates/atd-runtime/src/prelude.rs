//! What most programs that serve or call tools need: `use
//! atd_runtime::prelude::*`.

#[cfg(feature = "audit")]
pub use atd_audit::{AuditSink as _, JsonLinesAuditSink};
#[cfg(feature = "client")]
pub use atd_client::Client;
#[cfg(feature = "gate")]
pub use atd_gate::Gate;
#[cfg(feature = "process")]
pub use atd_process::CliBinding;
pub use atd_proto::{Hello, Tier};
#[cfg(feature = "registry")]
pub use atd_registry::{
    Args, CallContext, Registry, Reply, Tool, ToolCallError, blocking_fn, tool_fn,
};
#[cfg(feature = "server")]
pub use atd_server::Server;
