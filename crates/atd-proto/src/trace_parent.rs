//! The trace that a call is part of.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The W3C `traceparent` of whoever makes a call: the trace that the call is
/// part of, and the span that it is made from.
///
/// ```
/// use atd_proto::TraceParent;
///
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let parent: TraceParent = text.parse()?;
/// assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_eq!(parent.to_string(), text);
/// # Ok::<(), atd_proto::InvalidTraceParent>(())
/// ```
///
/// The form is that of the W3C Recommendation "Trace Context", level 1. What
/// follows the four known fields in a later version is left out.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent([u8; LENGTH]);

/// The text is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a traceparent is 00-, 32 hex digits, -, 16 hex digits, -, 2 hex digits, in lower case, the \
     two ids not all zeros"
)]
#[non_exhaustive]
pub struct InvalidTraceParent;

const LENGTH: usize = 55;

impl TraceParent {
    /// The id of the trace: 32 digits of lower-case hex.
    pub fn trace_id(&self) -> &str {
        self.part(3, 35)
    }

    /// The id of the span that the call is made from: 16 digits of lower-case
    /// hex.
    pub fn parent_id(&self) -> &str {
        self.part(36, 52)
    }

    /// Whether the caller may have recorded its part of the trace.
    pub fn is_sampled(&self) -> bool {
        let last = char::from(self.0[LENGTH - 1]);
        last.to_digit(16).is_some_and(|flags| flags & 1 == 1)
    }

    fn part(&self, from: usize, to: usize) -> &str {
        // It is ASCII: nothing else is let in.
        std::str::from_utf8(&self.0[from..to]).unwrap_or_default()
    }
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let (known, rest) = text
            .as_bytes()
            .split_first_chunk::<LENGTH>()
            .ok_or(InvalidTraceParent)?;
        let is_hex = |bytes: &[u8]| {
            let mut bytes = bytes.iter();
            bytes.all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_id = |bytes: &[u8]| is_hex(bytes) && bytes.iter().any(|byte| *byte != b'0');
        let (version, rest_may_be) = (&known[..2], rest.is_empty() || rest[0] == b'-');
        let is_valid = is_hex(version)
            && version != b"ff"
            && (version != b"00" || rest.is_empty())
            && rest_may_be
            && [known[2], known[35], known[52]] == [b'-'; 3]
            && is_id(&known[3..35])
            && is_id(&known[36..52])
            && is_hex(&known[53..]);
        is_valid.then_some(Self(*known)).ok_or(InvalidTraceParent)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.part(0, LENGTH))
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceParent({self})")
    }
}

impl Serialize for TraceParent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for TraceParent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TraceParent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_and_nothing_that_only_looks_like_one() {
        let whole = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let later = format!("cc{}-what-the-future-brings", &whole[2..]);
        for text in [whole, &later] {
            let parent: TraceParent = text.parse().unwrap();
            assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
            assert_eq!(parent.parent_id(), "00f067aa0ba902b7");
            assert!(parent.is_sampled());
        }
        for bad in [
            "",
            &whole[..54],
            &format!("{whole}-more"),
            &format!("cc{}more", &whole[2..]),
            &format!("ff{}", &whole[2..]),
            &whole.to_uppercase(),
            &whole.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &whole.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &whole.replace('-', "_"),
            &whole.replace("4b", "é"),
        ] {
            assert_eq!(bad.parse::<TraceParent>(), Err(InvalidTraceParent), "{bad}");
        }
    }
}
