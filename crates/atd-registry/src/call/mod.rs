//! What goes into a call and what comes out.

mod args;
mod context;
mod error;
mod id;
mod progress;
mod read_tracker;
mod reply;
mod state;

pub use args::Args;
pub use context::{CallContext, CallSetup, Held, Surroundings};
pub use error::{ArgumentError, ToolCallError};
pub use id::CallId;
pub use progress::ProgressReporter;
pub use read_tracker::{FileStamp, ReadTracker, StaleRead};
pub use reply::{IntoReply, Reply};
pub use state::ConnectionState;
