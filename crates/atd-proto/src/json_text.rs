//! JSON that is carried along as text.

use std::cell::Cell;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::message::nesting::is_deeper_than;
use crate::message::skim::plain;

/// One JSON value as text, kept as it came: numbers of any length, key order
/// and repeated keys survive. Cloning is cheap and shares the bytes.
///
/// ```
/// use atd_proto::JsonText;
///
/// let exact = JsonText::parse(r#"{"n": 123456789012345678901234567890}"#)?;
/// assert_eq!(exact.as_bytes(), br#"{"n": 123456789012345678901234567890}"#);
/// let typed: Vec<u8> = JsonText::from_value(&[1, 2])?.to_value()?;
/// assert_eq!(typed, [1, 2]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct JsonText(Bytes);

impl JsonText {
    /// The text `{}`.
    pub const EMPTY_OBJECT: Self = Self(Bytes::from_static(b"{}"));

    /// Takes `text` as JSON, checking that it is exactly one value.
    ///
    /// # Errors
    /// What is wrong with the text, and at which line and column.
    pub fn parse(text: impl Into<Bytes>) -> serde_json::Result<Self> {
        let text = text.into();
        let inner = {
            let raw: &RawValue = serde_json::from_slice(&text)?;
            text.slice_ref(raw.get().as_bytes())
        };
        Ok(Self(inner))
    }

    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// When the value has no JSON form, such as a map with keys that are no
    /// strings.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Self> {
        serde_json::to_vec(value).map(|text| Self(text.into()))
    }

    /// Writes `value` as JSON, if that takes no more than `limit` bytes; `None`
    /// as soon as it takes more, so a value without an end is no trouble.
    ///
    /// # Errors
    /// As [`from_value`](Self::from_value).
    pub fn from_value_within<T: Serialize + ?Sized>(
        value: &T,
        limit: usize,
    ) -> serde_json::Result<Option<Self>> {
        let mut out = Bounded {
            bytes: SCRATCH.try_with(Cell::take).unwrap_or_default(),
            limit,
            full: false,
        };
        let written = serde_json::to_writer(&mut out, value);
        let full = out.full;
        let text = if out.bytes.len() <= SHORT {
            let text = Bytes::copy_from_slice(&out.bytes);
            out.bytes.clear();
            // A thread that is ending keeps nothing.
            let _ = SCRATCH.try_with(|scratch| scratch.set(out.bytes));
            text
        } else {
            out.bytes.into()
        };
        match written {
            Ok(()) => Ok(Some(Self(text))),
            Err(_) if full => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the text into a type of the caller's.
    ///
    /// # Errors
    /// When the text does not fit the type, or nests too deeply for it.
    pub fn to_value<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.0)
    }

    /// The text's bytes, which are UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the text is a JSON object.
    pub fn is_object(&self) -> bool {
        self.0.first() == Some(&b'{')
    }

    /// Whether arrays and objects stand deeper inside one another than `levels`.
    pub fn nests_deeper_than(&self, levels: usize) -> bool {
        // What is opened is closed again: that takes two bytes a level.
        self.0.len() / 2 > levels && is_deeper_than(levels, &self.0)
    }

    /// The slice of `frame` that `raw` was read from, shared.
    pub(crate) fn slice_of(frame: &Bytes, raw: &str) -> Self {
        Self(frame.slice_ref(raw.as_bytes()))
    }
}

/// A text of so many bytes is copied from where it was written, for the next
/// one to be written there.
const SHORT: usize = 4 * 1024;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Takes bytes up to a limit.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.full || bytes.len() > self.limit - self.bytes.len() {
            self.full = true;
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Display for JsonText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl std::fmt::Debug for JsonText {
    /// The length alone: arguments and results are no business of a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JsonText({} bytes)", self.0.len())
    }
}

impl From<Box<RawValue>> for JsonText {
    fn from(raw: Box<RawValue>) -> Self {
        Self(String::from(Box::<str>::from(raw)).into())
    }
}

/// What `serde_json` knows its [`RawValue`] by. A `RawValue` can only be made by
/// reading the text once more; a test holds both to the same outcome.
const RAW: &str = "$serde_json::private::RawValue";

/// Only `serde_json` can write the text as it is.
impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(&self.0).map_err(serde::ser::Error::custom)?;
        let mut raw = serializer.serialize_struct(RAW, 1)?;
        raw.serialize_field(RAW, text)?;
        raw.end()
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}

/// Appends `value` as JSON. For what travels, whose shapes always have a JSON
/// form and whose writer never fails.
pub(crate) fn write_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "a message has a JSON form: {written:?}");
}

/// Appends a string as JSON: mostly an id, which stands for itself.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    if plain(text.as_bytes()).is_some() {
        return write_json(out, text);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for JsonText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Json".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}
