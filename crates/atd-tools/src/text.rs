//! Text that goes into results and messages.

/// How many characters of a text a message repeats.
const SHOWN: usize = 256;

/// A text that came from elsewhere, quoted, in one line, and no longer than one
/// wants to read.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// How many bytes `text` takes within a JSON string, as `serde_json` writes it.
pub(crate) fn json_len(text: &str) -> usize {
    let lengths = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | b'\x08' | b'\x0c' => 2,
        0..=0x1f => 6,
        _ => 1,
    });
    lengths.sum()
}
