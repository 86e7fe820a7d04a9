//! The one pass over a frame: which fields are there, and where.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{DecodeError, nesting};
use crate::{JsonText, TraceParent};

/// Every field that some message has, unread. Each is read only once the type
/// is known, so that a field is checked by the messages that have it and
/// ignored by the others.
#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    pub(super) request_id: Raw<'a>,
    pub(super) progress: Raw<'a>,
    pub(super) client_id: Raw<'a>,
    pub(super) requested_capabilities: Raw<'a>,
    pub(super) ucan_tokens: Raw<'a>,
    pub(super) tool_id: Raw<'a>,
    pub(super) args: Raw<'a>,
    pub(super) dry_run: Raw<'a>,
    pub(super) traceparent: Raw<'a>,
    pub(super) cursor: Raw<'a>,
    pub(super) granted_capabilities: Raw<'a>,
    pub(super) server_version: Raw<'a>,
    pub(super) supported_tiers: Raw<'a>,
    pub(super) tools: Raw<'a>,
    pub(super) schema: Raw<'a>,
    pub(super) result: Raw<'a>,
    pub(super) success: Raw<'a>,
    pub(super) next_cursor: Raw<'a>,
    pub(super) message: Raw<'a>,
    pub(super) code: Raw<'a>,
    pub(super) retryable: Raw<'a>,
    pub(super) details: Raw<'a>,
    pub(super) extensions: Raw<'a>,
    pub(super) done: Raw<'a>,
    pub(super) total: Raw<'a>,
    pub(super) query: Raw<'a>,
    pub(super) domain: Raw<'a>,
    pub(super) tier: Raw<'a>,
    pub(super) visibility: Raw<'a>,
    pub(super) limit: Raw<'a>,
    pub(super) omit_schemas: Raw<'a>,
}

/// A field's text. A `null` is a field that is there.
#[derive(Clone, Copy, Default)]
pub(super) struct Raw<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(|raw| Self(Some(raw)))
    }
}

/// Finds the fields of a frame.
pub(super) fn scan(frame: &[u8]) -> Result<Fields<'_>, DecodeError> {
    let text = std::str::from_utf8(frame).map_err(|error| DecodeError::NotUtf8 {
        valid_up_to: error.valid_up_to(),
    })?;
    if text.is_empty() {
        return Err(DecodeError::Empty);
    }
    if nesting::is_deeper_than(nesting::MAX_NESTING, frame) {
        return Err(DecodeError::TooDeep);
    }
    // A derived struct would also read an array, field by field.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(DecodeError::Json(serde::de::Error::custom(
            "expected a JSON object with a `type`",
        )));
    }
    serde_json::from_str(text).map_err(DecodeError::Json)
}

impl<'a> Fields<'a> {
    /// The message's type, or the error that names what it could be.
    pub(super) fn kind(&mut self, expected: &'static str) -> Result<Cow<'a, str>, DecodeError> {
        self.kind.take().ok_or(DecodeError::NoType { expected })
    }
}

/// Reads fields for one type of message, naming it in errors.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    pub(super) message: &'static str,
}

impl Reader {
    pub(super) fn required<'a, T: Deserialize<'a>>(
        self,
        field: &'static str,
        raw: Raw<'a>,
    ) -> Result<T, DecodeError> {
        self.optional(field, raw)?.ok_or(DecodeError::MissingField {
            message: self.message,
            field,
        })
    }

    pub(super) fn or_default<'a, T: Deserialize<'a> + Default>(
        self,
        field: &'static str,
        raw: Raw<'a>,
    ) -> Result<T, DecodeError> {
        Ok(self.optional(field, raw)?.unwrap_or_default())
    }

    pub(super) fn optional<'a, T: Deserialize<'a>>(
        self,
        field: &'static str,
        raw: Raw<'a>,
    ) -> Result<Option<T>, DecodeError> {
        raw.0
            .map(|raw| serde_json::from_str(raw.get()))
            .transpose()
            .map_err(|source| DecodeError::BadField {
                message: self.message,
                field,
                source,
            })
    }

    /// The caller's trace. One that is not valid is none, as the W3C says.
    pub(super) fn trace(self, raw: Raw<'_>) -> Option<TraceParent> {
        let text = self.optional::<Cow<'_, str>>("traceparent", raw).ok()??;
        text.parse().ok()
    }

    pub(super) fn json(
        self,
        field: &'static str,
        raw: Raw<'_>,
        frame: &Bytes,
    ) -> Result<JsonText, DecodeError> {
        raw.text(frame).ok_or(DecodeError::MissingField {
            message: self.message,
            field,
        })
    }
}

impl Raw<'_> {
    /// The field's text, sharing the frame's bytes.
    pub(super) fn text(self, frame: &Bytes) -> Option<JsonText> {
        self.0.map(|raw| JsonText::slice_of(frame, raw))
    }
}

pub(super) fn unknown_type(found: &str, expected: &'static str) -> DecodeError {
    DecodeError::UnknownType {
        found: found.chars().take(64).collect(),
        expected,
    }
}
