//! What kind of content it is, and its characters.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::error::WebError;
use crate::text::shown;

/// How far into a document it may say its own encoding, in bytes (WHATWG HTML,
/// 13.2.3.2).
const PRESCAN: usize = 1024;

/// What can be made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Html,
    /// JSON, which is UTF-8 whatever it says (RFC 8259, 8.1).
    Json,
    Text,
}

/// The header of that name.
#[derive(Debug, Default)]
pub(super) struct ContentType {
    /// Type and subtype in lower case; empty where there is no header.
    pub(super) essence: String,
    charset: Option<&'static Encoding>,
}

impl ContentType {
    pub(super) fn parse(header: Option<&str>) -> Self {
        let mut parts = header.unwrap_or_default().split(';');
        let essence = parts.next().unwrap_or_default().trim();
        let charset = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let value = value.trim().trim_matches('"');
            let is_charset = name.trim().eq_ignore_ascii_case("charset");
            is_charset.then(|| Encoding::for_label(value.as_bytes()))?
        });
        Self {
            essence: essence.to_ascii_lowercase(),
            charset,
        }
    }

    /// What it says that the content is, if it says anything.
    pub(super) fn kind(&self) -> Result<Option<Kind>, WebError> {
        let essence = self.essence.as_str();
        let kind = match essence {
            "" => return Ok(None),
            "text/html" | "application/xhtml+xml" => Kind::Html,
            "application/json" | "text/json" => Kind::Json,
            "application/ecmascript"
            | "application/graphql"
            | "application/javascript"
            | "application/jsonl"
            | "application/sql"
            | "application/toml"
            | "application/typescript"
            | "application/x-javascript"
            | "application/x-ndjson"
            | "application/x-sh"
            | "application/x-yaml"
            | "application/xml"
            | "application/yaml" => Kind::Text,
            _ if essence.ends_with("+json") => Kind::Json,
            _ if essence.starts_with("text/") || essence.ends_with("+xml") => Kind::Text,
            _ => {
                let essence = shown(essence);
                return Err(WebError::UnsupportedType(format!("of type {essence}")));
            }
        };
        Ok(Some(kind))
    }

    /// The content's characters. What is broken is shown as U+FFFD.
    pub(super) fn decode(&self, kind: Kind, bytes: &[u8]) -> String {
        let declared = match kind {
            Kind::Json => Some(UTF_8),
            Kind::Html => self.charset.or_else(|| declared_within(bytes)),
            Kind::Text => self.charset,
        };
        let fallback = || match std::str::from_utf8(bytes) {
            Ok(_) => UTF_8,
            Err(_) => WINDOWS_1252,
        };
        // A byte order mark comes before all that is declared.
        let (text, _, _) = declared.unwrap_or_else(fallback).decode(bytes);
        text.into_owned()
    }
}

impl Kind {
    /// What content is that does not say so.
    pub(super) fn guess(bytes: &[u8]) -> Result<Self, WebError> {
        let start = &bytes[..bytes.len().min(PRESCAN)];
        let is_binary = |byte: &u8| matches!(byte, 0..=8 | 14..=26 | 28..=31);
        if start.iter().any(is_binary) {
            return Err(WebError::UnsupportedType(
                "of no type that its server names, and no text".to_owned(),
            ));
        }
        let start = start.trim_ascii_start().to_ascii_lowercase();
        if start.starts_with(b"<!doctype html") || start.starts_with(b"<html") {
            Ok(Self::Html)
        } else {
            Ok(Self::Text)
        }
    }
}

/// The encoding that a document says in a `meta` element near its start.
fn declared_within(bytes: &[u8]) -> Option<&'static Encoding> {
    const NAME: &[u8] = b"charset=";
    let start = bytes[..bytes.len().min(PRESCAN)].to_ascii_lowercase();
    let meta = find(&start, b"<meta")?;
    let after = &start[meta..];
    let label = &after[find(after, NAME)? + NAME.len()..];
    let label = label.trim_ascii_start();
    let label = label
        .strip_prefix(b"\"")
        .or(label.strip_prefix(b"'"))
        .unwrap_or(label);
    let end = label
        .iter()
        .position(|byte| b"\"'; \t\r\n/>".contains(byte))?;
    let declared = Encoding::for_label(&label[..end])?;
    // It could not have been read so far, had it been that.
    let is_wide = declared == UTF_16LE || declared == UTF_16BE;
    Some(if is_wide { UTF_8 } else { declared })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
