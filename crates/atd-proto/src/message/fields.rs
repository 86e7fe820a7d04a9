//! The one pass over a frame: which fields are there, and where.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::skim::skim;
use super::{DecodeError, nesting};
use crate::{JsonText, TraceParent};

macro_rules! fields {
    ($($name:ident,)*) => {
        /// Every field that some message has, unread. Each is read only once
        /// the type is known, so that a field is checked by the messages that
        /// have it and ignored by the others.
        #[derive(Default, Deserialize)]
        #[cfg_attr(test, derive(Debug, PartialEq))]
        #[serde(default, bound(deserialize = "'de: 'a"))]
        pub(super) struct Fields<'a> {
            #[serde(borrow, rename = "type")]
            kind: Option<Cow<'a, str>>,
            $(pub(super) $name: Raw<'a>,)*
        }

        impl<'a> Fields<'a> {
            fn field(&mut self, name: &str) -> Option<&mut Raw<'a>> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)*
                    _ => None,
                }
            }
        }
    };
}

// Those of calls first: a name is compared with one after the other.
fields! {
    tool_id,
    args,
    dry_run,
    request_id,
    result,
    success,
    progress,
    client_id,
    requested_capabilities,
    ucan_tokens,
    proof,
    traceparent,
    cursor,
    granted_capabilities,
    server_version,
    supported_tiers,
    tools,
    schema,
    next_cursor,
    message,
    code,
    retryable,
    details,
    extensions,
    done,
    total,
    query,
    domain,
    tier,
    visibility,
    limit,
    omit_schemas,
}

/// A field's text, which is JSON. A `null` is a field that is there.
#[derive(Clone, Copy, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) struct Raw<'a>(Option<&'a str>);

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(|raw| Self(Some(raw.get())))
    }
}

/// Finds the fields of a frame.
pub(super) fn scan(frame: &[u8]) -> Result<Fields<'_>, DecodeError> {
    let text = std::str::from_utf8(frame).map_err(|error| DecodeError::NotUtf8 {
        valid_up_to: error.valid_up_to(),
    })?;
    if let Some(fields) = skimmed(text) {
        return Ok(fields);
    }
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

/// The fields of a frame that is as it should be: most are.
fn skimmed(text: &str) -> Option<Fields<'_>> {
    let mut fields = Fields::default();
    let all = skim(text, |name, value| {
        if name == "type" {
            let kind = plain_text(value).map(Cow::Borrowed);
            return kind.is_some() && std::mem::replace(&mut fields.kind, kind).is_none();
        }
        let field = fields.field(name);
        field.is_none_or(|field| field.0.replace(value).is_none())
    });
    all.then_some(fields)
}

/// What a string says that is written without escapes.
fn plain_text(json: &str) -> Option<&str> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then_some(text)
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

    /// A string that has to be there. One without escapes, as most ids are, is
    /// there to be copied.
    pub(super) fn text(self, field: &'static str, raw: Raw<'_>) -> Result<String, DecodeError> {
        match raw.0.and_then(plain_text) {
            Some(text) => Ok(text.to_owned()),
            None => self.required(field, raw),
        }
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
            .map(serde_json::from_str)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the slow way reads it.
    fn slowly(text: &str) -> Option<Fields<'_>> {
        serde_json::from_str(text).ok()
    }

    /// What the quick pass takes, the slow way takes, and for the same.
    fn check(text: &str) {
        if let Some(fields) = skimmed(text) {
            assert_eq!(Some(fields), slowly(text), "{text}");
        }
    }

    #[test]
    fn what_is_as_it_should_be_is_taken_quickly() {
        for text in [
            r#"{"type":"run_tool","tool_id":"a:b.c","args":{"n":[1,-2.5e+9,{}],"é":"\u00e9"}}"#,
            " {\t\"type\" : \"ping\" ,\r\n\"request_id\":null, \"other\":[ [ ] , true,false ] } ",
            "{}",
        ] {
            assert!(skimmed(text).is_some(), "{text}");
            check(text);
        }
    }

    #[test]
    fn what_is_not_is_left_to_who_can_say_why() {
        let deep = |levels| format!("{{\"args\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(skimmed(&deep(126)).is_some());
        let cases = [
            "",
            " ",
            "{",
            "}",
            "[]",
            "{} {}",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{"a":}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":.5}"#,
            r#"{"a":1e}"#,
            r#"{"a":-}"#,
            r#"{"a":+1}"#,
            r#"{"a":tru}"#,
            r#"{"a":nul1}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[1}"#,
            r#"{"a":{"b"}}"#,
            r#"{"a":{"b":1]}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u12g4"}"#,
            "{\"a\":\"\n\"}",
            r#"{"type":"ping","type":"ping"}"#,
            r#"{"type":5}"#,
            r#"{"type":null}"#,
            r#"{"args":1,"args":1}"#,
            r#"{"\u0061rgs":1}"#,
            r#"{"type":"p\u0069ng"}"#,
            "\u{feff}{}",
        ];
        for text in cases.into_iter().chain([&*deep(127), &*deep(200)]) {
            assert!(skimmed(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_taken_otherwise_than_the_slow_way_does(
            text in r#"\{("(type|args|tool_id|x)" ?: ?([0-9]{1,2}|-?[0-9.eE+]{1,5}|"[a-z\\"u0-9]{0,6}"|\[[0-9,\[\]]{0,6}\]|\{("a":[0-9,{}]{0,4})?\}|null|true),?){0,4}\}"#,
        ) {
            check(&text);
        }

        #[test]
        fn nor_is_a_message_with_a_byte_changed(at in 0_usize..200, to in 0_u8..128) {
            let mut text = br#"{"type":"run_tool","tool_id":"a:b.c","args":{"n":[1,-2.5e+9,{}],"e":"\u00e9\n"},"dry_run":false,"request_id":18446744073709551615}"#.to_vec();
            let at = at % text.len();
            text[at] = to;
            check(std::str::from_utf8(&text).expect("ASCII"));
        }
    }
}
