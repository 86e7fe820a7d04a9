//! What goes into a call and what comes out.

mod args;
mod context;
mod error;
mod id;
mod reply;

pub use args::Args;
pub use context::{CallContext, CallSetup, Held};
pub use error::{ArgumentError, ToolCallError};
pub use id::CallId;
pub use reply::Reply;
