//! The strings of a JSON text, changed without a tree of it.

use std::borrow::Cow;

use atd_proto::JsonText;

/// The text with every string that `change` changes in its place, keys
/// included. Numbers, order and spaces stay as they came; a text in which
/// nothing changes is not copied.
pub(super) fn map_strings(
    text: JsonText,
    mut change: impl FnMut(&str) -> Option<String>,
) -> JsonText {
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(start) = next_quote(bytes, at) {
        let end = end_of_string(bytes, start);
        let raw = &bytes[start..end];
        if let Some(string) = read(raw)
            && let Some(changed) = change(&string)
        {
            out.extend_from_slice(&bytes[copied..start]);
            // A string has a JSON form, and a vector takes it.
            let _ = serde_json::to_writer(&mut out, &changed);
            copied = end;
        }
        at = end;
    }
    if copied == 0 {
        return text;
    }
    out.extend_from_slice(&bytes[copied..]);
    // What was JSON is JSON with other strings in it. If it were not, nothing
    // of it would go out.
    JsonText::parse(out).unwrap_or(JsonText::EMPTY_OBJECT)
}

/// The string that is written so; most hold nothing that was escaped.
fn read(raw: &[u8]) -> Option<Cow<'_, str>> {
    match raw {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
            std::str::from_utf8(inner).ok().map(Cow::Borrowed)
        }
        _ => serde_json::from_slice(raw).ok().map(Cow::Owned),
    }
}

fn next_quote(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let ahead = rest.iter().position(|byte| *byte == b'"')?;
    Some(from + ahead)
}

/// Behind the quote that ends the string which begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_change_and_nothing_else_does() {
        let check = |text: &str, expected: &str| {
            let text = JsonText::parse(text.to_owned()).unwrap();
            let mapped = map_strings(text, |string| {
                string
                    .contains("home")
                    .then(|| string.replace("home", "a \"b\""))
            });
            assert_eq!(mapped.to_string(), expected);
        };
        check("[1e999, 0.10, \"x\"]", "[1e999, 0.10, \"x\"]");
        check(r#"{"home" : "\"home\\"}"#, r#"{"a \"b\"" : "\"a \"b\"\\"}"#);
        check(r#""\u0068ome""#, r#""a \"b\"""#);
        check(r#"["a","home","b"]"#, r#"["a","a \"b\"","b"]"#);
        check("\"\"", "\"\"");
        check("7", "7");
    }
}
