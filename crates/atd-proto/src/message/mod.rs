//! The messages, one JSON object a frame, tagged by `type`.

mod fields;
mod filter;
pub(crate) mod nesting;
mod request;
mod response;
pub(crate) mod skim;
mod tagged;

pub use filter::{ToolFilter, ToolMatcher, search_text};
pub use nesting::MAX_NESTING;
pub use request::{Hello, Request, RunTool, RunToolContinue};
pub use response::{ErrorBody, HelloAck, Progress, Response, ToolFailure, ToolResult};
pub use tagged::{RejectedFrame, TaggedRequest, TaggedResponse, push_request_id};

/// What an error says, which may repeat what the peer sent: cut and escaped.
fn short(error: &serde_json::Error) -> String {
    const LONGEST: usize = 200;
    let said = error.to_string();
    let mut shown: String = said
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if said.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// Why a whole frame is no message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are no UTF-8.
    #[error("the frame is not UTF-8 from byte {valid_up_to} on")]
    NotUtf8 {
        /// Bytes that were good.
        valid_up_to: usize,
    },
    /// The frame has nothing in it.
    #[error("the frame is empty; it should hold one JSON object with a `type`")]
    Empty,
    /// Arrays and objects nest too deeply.
    #[error("the frame nests deeper than {MAX_NESTING} arrays and objects")]
    TooDeep,
    /// The text is no JSON object, or a field is repeated.
    #[error("the frame is no message: {}", short(.0))]
    Json(#[source] serde_json::Error),
    /// The object has no `type`.
    #[error("the frame has no `type`; it should be one of {expected}")]
    NoType {
        /// What would be understood, comma-separated.
        expected: &'static str,
    },
    /// The object's `type` is none of those that are known here.
    #[error("the type `{}` is not known here; it should be one of {expected}", .found.escape_debug())]
    UnknownType {
        /// The type that was sent, cut to a length that can be shown.
        found: String,
        /// What would be understood, comma-separated.
        expected: &'static str,
    },
    /// A field that this type needs is absent.
    #[error("`{message}` lacks its field `{field}`")]
    MissingField {
        /// The message's type.
        message: &'static str,
        /// The field's name.
        field: &'static str,
    },
    /// A field holds something else than it should.
    #[error("the field `{field}` of `{message}` does not fit: {}", short(source))]
    BadField {
        /// The message's type.
        message: &'static str,
        /// The field's name.
        field: &'static str,
        /// What was found and what was expected.
        source: serde_json::Error,
    },
}
