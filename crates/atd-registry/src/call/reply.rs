//! What a tool returns.

use atd_proto::JsonText;
use serde::Serialize;

use super::error::ToolCallError;

/// What a tool returns when it did what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    body: JsonText,
}

impl Reply {
    /// A reply with this value.
    ///
    /// # Errors
    /// [`ToolCallError::Internal`] when the value has no JSON form.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, ToolCallError> {
        JsonText::from_value(value)
            .map(Self::text)
            .map_err(|error| {
                ToolCallError::internal(format!("the result has no JSON form: {error}"))
            })
    }

    /// A reply with JSON that is text already.
    pub fn text(body: JsonText) -> Self {
        Self { body }
    }

    /// The result.
    pub fn body(&self) -> &JsonText {
        &self.body
    }

    /// The result, taken out.
    pub fn into_body(self) -> JsonText {
        self.body
    }
}
