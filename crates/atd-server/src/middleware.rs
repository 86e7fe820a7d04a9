//! What stands between a call's end and its answer.

use atd_gate::Identity;
use atd_proto::{JsonText, ToolDefinition};
use atd_registry::CallId;

/// Sees every answer before it goes out, and may rewrite it. Several run in
/// the order in which they were given to the server.
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
    /// The result of a call that succeeded, as it goes out.
    fn result(&self, _call: &CallInfo<'_>, result: JsonText) -> JsonText {
        result
    }

    /// The message of a failure or a refusal, as it goes out.
    fn error(&self, _call: &CallInfo<'_>, message: String) -> String {
        message
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
