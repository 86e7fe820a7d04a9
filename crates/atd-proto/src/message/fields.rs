//! The one pass over a frame: which fields are there, and where.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::skim::{plain, skim};
use super::{DecodeError, nesting};
use crate::{JsonText, TraceParent};

/// Every field that some message has, but for `type`.
const NAMES: [&str; 32] = [
    "args",
    "client_id",
    "code",
    "cursor",
    "details",
    "domain",
    "done",
    "dry_run",
    "extensions",
    "granted_capabilities",
    "limit",
    "message",
    "next_cursor",
    "omit_schemas",
    "progress",
    "proof",
    "query",
    "request_id",
    "requested_capabilities",
    "result",
    "retryable",
    "schema",
    "server_version",
    "success",
    "supported_tiers",
    "tier",
    "tool_id",
    "tools",
    "total",
    "traceparent",
    "ucan_tokens",
    "visibility",
];

/// More than any message has. Beyond it, to look for each field among those
/// before would take long, and the slow way keeps the known ones only.
const MOST: usize = 16;

/// The fields of a frame, unread. Each is read only once the type is known, so
/// that a field is checked by the messages that have it and ignored by the
/// others.
#[derive(Default)]
pub(super) struct Fields<'a> {
    kind: Option<Cow<'a, str>>,
    /// The name of each, and its text, which is JSON. A `null` is a field that
    /// is there.
    found: Vec<(&'a str, &'a str)>,
}

/// The slow way, which knows the words for what is wrong.
impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Whole)
    }
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object with a `type`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        let mut has_kind = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "type" {
                if std::mem::replace(&mut has_kind, true) {
                    return Err(A::Error::duplicate_field("type"));
                }
                fields.kind = map.next_value::<Option<String>>()?.map(Cow::Owned);
                continue;
            }
            let Some(name) = NAMES.into_iter().find(|known| *known == name) else {
                map.next_value::<serde::de::IgnoredAny>()?;
                continue;
            };
            if fields.get(name).is_some() {
                return Err(A::Error::duplicate_field(name));
            }
            let value: &RawValue = map.next_value()?;
            fields.found.push((name, value.get()));
        }
        Ok(fields)
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
    if !text.trim_ascii_start().starts_with('{') {
        return Err(DecodeError::Json(serde_json::Error::custom(
            "expected a JSON object with a `type`",
        )));
    }
    serde_json::from_str(text).map_err(DecodeError::Json)
}

/// The fields of a frame that is as it should be: most are.
fn skimmed(text: &str) -> Option<Fields<'_>> {
    let mut fields = Fields {
        kind: None,
        found: Vec::with_capacity(MOST / 2),
    };
    let all = skim(text, |name, value| {
        if name == "type" {
            let kind = plain_text(value).map(Cow::Borrowed);
            return kind.is_some() && std::mem::replace(&mut fields.kind, kind).is_none();
        }
        let is_new = fields.found.len() < MOST && fields.get(name).is_none();
        fields.found.push((name, value));
        is_new
    });
    all.then_some(fields)
}

/// What a string says that is written without escapes.
fn plain_text(json: &str) -> Option<&str> {
    let text = json.strip_prefix('"')?;
    // The first byte that does not stand for itself is the one that ends it.
    let end = plain(text.as_bytes())?;
    text.get(..end).filter(|_| end + 1 == text.len())
}

impl<'a> Fields<'a> {
    /// The message's type, or the error that names what it could be.
    pub(super) fn kind(&self, expected: &'static str) -> Result<&str, DecodeError> {
        self.kind.as_deref().ok_or(DecodeError::NoType { expected })
    }

    /// Reads them as those of a message of this type, which errors name.
    pub(super) fn of(&self, message: &'static str) -> Reader<'_, 'a> {
        Reader {
            message,
            fields: self,
        }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let mut found = self.found.iter();
        found.find(|field| field.0 == name).map(|field| field.1)
    }
}

/// Reads the fields of one message.
#[derive(Clone, Copy)]
pub(super) struct Reader<'f, 'a> {
    message: &'static str,
    fields: &'f Fields<'a>,
}

impl<'a> Reader<'_, 'a> {
    pub(super) fn required<T: Deserialize<'a>>(
        self,
        field: &'static str,
    ) -> Result<T, DecodeError> {
        self.optional(field)?.ok_or_else(|| self.lacks(field))
    }

    pub(super) fn or_default<T: Deserialize<'a> + Default>(
        self,
        field: &'static str,
    ) -> Result<T, DecodeError> {
        Ok(self.optional(field)?.unwrap_or_default())
    }

    pub(super) fn optional<T: Deserialize<'a>>(
        self,
        field: &'static str,
    ) -> Result<Option<T>, DecodeError> {
        let text = self.fields.get(field);
        text.map(serde_json::from_str)
            .transpose()
            .map_err(|source| DecodeError::BadField {
                message: self.message,
                field,
                source,
            })
    }

    /// A string that has to be there. One without escapes, as most ids are, is
    /// there to be copied.
    pub(super) fn text(self, field: &'static str) -> Result<String, DecodeError> {
        match self.fields.get(field).and_then(plain_text) {
            Some(text) => Ok(text.to_owned()),
            None => self.required(field),
        }
    }

    /// A flag, which is down where it is absent.
    pub(super) fn flag(self, field: &'static str) -> Result<bool, DecodeError> {
        match self.fields.get(field) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => self.required(field),
        }
    }

    /// A number that may be absent.
    pub(super) fn number(self, field: &'static str) -> Result<Option<u64>, DecodeError> {
        match self.fields.get(field).map(str::parse) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => self.required(field).map(Some),
        }
    }

    /// The caller's trace. One that is not valid is none, as the W3C says.
    pub(super) fn trace(self) -> Option<TraceParent> {
        let text = self.optional::<Cow<'_, str>>("traceparent").ok()??;
        text.parse().ok()
    }

    /// A field's text, sharing the frame's bytes.
    pub(super) fn json(self, field: &'static str, frame: &Bytes) -> Option<JsonText> {
        let text = self.fields.get(field)?;
        Some(JsonText::slice_of(frame, text))
    }

    /// The error that a field is absent.
    pub(super) fn lacks(self, field: &'static str) -> DecodeError {
        DecodeError::MissingField {
            message: self.message,
            field,
        }
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

    /// The type, and the known fields in their order.
    fn known(fields: Fields<'_>) -> (Option<String>, Vec<(&str, &str)>) {
        let kind = fields.kind.map(Cow::into_owned);
        let found = fields.found.into_iter();
        (
            kind,
            found.filter(|(name, _)| NAMES.contains(name)).collect(),
        )
    }

    /// What the quick pass takes, the slow way takes, and for the same.
    fn check(text: &str) {
        if let Some(fields) = skimmed(text) {
            let slowly = serde_json::from_str(text).ok().map(known);
            assert_eq!(Some(known(fields)), slowly, "{text}");
        }
    }

    #[test]
    fn many_fields_are_left_to_who_keeps_the_known_ones() {
        let others: String = (0..MOST).map(|n| format!(r#""x{n}":{n},"#)).collect();
        let text = format!(r#"{{{others}"args":[1],"type":"ping"}}"#);
        assert!(skimmed(&text).is_none());
        let fields = scan(text.as_bytes()).expect("the slow way takes it");
        assert_eq!(known(fields), (Some("ping".into()), vec![("args", "[1]")]));
    }

    #[test]
    fn a_field_that_is_not_known_may_be_repeated() {
        let fields = scan(br#"{"type":"ping","x":1,"x":2}"#).expect("it is no field of ours");
        assert_eq!(known(fields), (Some("ping".into()), Vec::new()));
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
