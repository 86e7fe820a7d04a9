//! What stands around a tool: before it runs, and between its end and the
//! answer.

mod redact;
mod strings;
mod truncate;

use atd_gate::Identity;
use atd_proto::{JsonText, ToolDefinition};
use atd_registry::CallId;

pub use self::redact::{PatternError, RedactPaths, RedactPatterns};
pub use self::truncate::TruncateOutput;
pub(crate) use self::truncate::truncated;

/// May refuse a call before its tool runs, and rewrite what goes out at every
/// end: success, failure, refusal, and each page. Several run in the order in
/// which they were given to the server. None of it holds up a server that has
/// none.
///
/// ```
/// use atd_proto::JsonText;
/// use atd_server::{CallInfo, Middleware};
///
/// /// Keeps the server's home directory out of what clients see.
/// struct HideHome(String);
///
/// impl Middleware for HideHome {
///     fn error(&self, _: &CallInfo<'_>, message: String) -> String {
///         message.replace(&self.0, "~")
///     }
/// }
/// ```
pub trait Middleware: Send + Sync + 'static {
    /// Whether the call may go on. Asked once its arguments fit the schema,
    /// before there are secrets for it and before its tool is entered; for each
    /// page anew.
    ///
    /// # Errors
    /// Why it may not, as the caller is told.
    fn before(&self, _call: &CallInfo<'_>, _args: &JsonText) -> Result<(), String> {
        Ok(())
    }

    /// The result of a call that succeeded, as it goes out.
    fn result(&self, _call: &CallInfo<'_>, result: JsonText) -> JsonText {
        result
    }

    /// The message of a failure or a refusal, as it goes out.
    fn error(&self, _call: &CallInfo<'_>, message: String) -> String {
        message
    }

    /// What a tool says of its progress, as it goes out; by default as
    /// [`error`](Self::error) has it.
    fn progress(&self, call: &CallInfo<'_>, message: String) -> String {
        self.error(call, message)
    }
}

/// What a middleware sees of a call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallInfo<'a> {
    /// The call's id, as in its audit record.
    pub call_id: CallId,
    /// The tool that was asked for, whether or not it exists.
    pub tool_id: &'a str,
    /// The tool's definition, where it exists.
    pub definition: Option<&'a ToolDefinition>,
    /// Who called.
    pub identity: &'a Identity,
    /// Whether this was a dry run.
    pub dry_run: bool,
}
