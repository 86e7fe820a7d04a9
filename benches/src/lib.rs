//! What the benches share: the calls that they make, the tools that they
//! register, an audit file that never grows large, and the one place that
//! reads the clock.
//!
//! Each bench makes what it needs before it measures, and looks once at what
//! comes out, so that no error is ever measured for an answer:
//!
//! ```
//! use atd_runtime::proto::{Response, ToolResult};
//! use benches::{args_of, echo_call, echo_registry, echoed, time_in_batches};
//!
//! let args = args_of(64 * 1024);
//! assert_eq!(args.as_bytes().len(), 64 * 1024);
//! let call = echo_call(&args);
//! assert!(echo_registry().get(&call.tool_id).is_some());
//! assert!(matches!(echoed(&args), Response::ToolResult(ToolResult { success: true, .. })));
//!
//! // Ten iterations, at most four at a time, with something between that is
//! // not counted.
//! let mut batches = Vec::new();
//! time_in_batches(10, 4, || (), |size| batches.push(size));
//! assert_eq!(batches, [4, 4, 2]);
//! ```
#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure, and should end and say why"
)]

mod audit_file;
mod calls;
mod clock;
mod tools;

pub use audit_file::AuditFile;
pub use calls::{ECHO, args_of, echo_call, echoed, frame, small_args};
pub use clock::{time, time_in_batches};
pub use tools::{definition, echo_registry, registry_of, replace_one};
