//! What is said on an ATD connection: the messages, the tool definitions they
//! carry, capability sets, names, error codes, and the frame codec as bytes
//! in, frames out.
//!
//! The crate does no I/O, starts nothing and reads no clock. A frame is a
//! 4-byte big-endian length and that many bytes of UTF-8 JSON:
//!
//! ```
//! use atd_proto::{FrameDecoder, Request, Response, RunTool, encode_frame};
//! use bytes::BytesMut;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A client writes a request…
//! let request = Request::RunTool(RunTool::new("ref:echo.say", &["hello"])?);
//! let mut wire = Vec::new();
//! encode_frame(&mut wire, |body| request.encode(body))?;
//!
//! // …and a server takes it from whatever bytes have arrived.
//! let mut arrived = BytesMut::from(&wire[..]);
//! let frame = FrameDecoder::default().decode(&mut arrived)?.ok_or("not whole yet")?;
//! assert_eq!(Request::decode(frame)?, request);
//!
//! // Answers travel the same way.
//! let answer = Response::decode(br#"{"type":"pong"}"#.as_slice().into())?;
//! assert_eq!(answer, Response::Pong);
//! # Ok(()) }
//! ```
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `tokio` | `io::read_frame` and `io::write_frame` over tokio's streams |
//! | `schema` | `schemars::JsonSchema` for every message |

mod capability;
mod error_code;
pub mod extension;
mod frame;
#[cfg(feature = "tokio")]
pub mod io;
mod json_text;
mod message;
mod name;
pub mod proof;
mod tool;
mod trace_parent;

pub use capability::CapabilitySet;
pub use error_code::ErrorCode;
pub use frame::{FrameDecoder, FrameError, MAX_FRAME_BODY, encode_frame};
pub use json_text::JsonText;
pub use message::{
    DecodeError, ErrorBody, Hello, HelloAck, MAX_NESTING, Progress, RejectedFrame, Request,
    Response, RunTool, RunToolContinue, TaggedRequest, TaggedResponse, ToolFailure, ToolFilter,
    ToolMatcher, ToolResult, push_request_id, search_text,
};
pub use name::{InvalidToolId, NameConflict, NameTable, check_tool_id, model_name};
pub use tool::{
    BindingConfig, BindingProtocol, Capability, CliConfig, OutputFormat, Resources, Safety,
    SafetyLevel, Tier, ToolDefinition, ToolDefinitionBuilder, ToolError, ToolSummary, Trust,
    TrustLevel, Visibility,
};
pub use trace_parent::{InvalidTraceParent, TraceParent};
