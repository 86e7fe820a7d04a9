//! Texts of others, made fit to be shown.

/// The longest text of a client's that is repeated, in bytes.
const MAX_SHOWN: usize = 256;

/// A text of a client's, cut and escaped to be shown.
pub(crate) fn shown(text: &str) -> String {
    let end = boundary(text, MAX_SHOWN);
    let mark = if end < text.len() { "…" } else { "" };
    let mut shown = String::with_capacity(end + mark.len());
    for c in text[..end].chars() {
        match c {
            '"' | '\'' => shown.push(c),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown.push_str(mark);
    shown
}

/// The text, or as much of it as `limit` bytes hold, and a mark.
pub(crate) fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        text.truncate(boundary(&text, limit));
        text.push('…');
    }
    text
}

/// The last place up to `limit` where a character begins.
pub(crate) fn boundary(text: &str, limit: usize) -> usize {
    let limit = limit.min(text.len());
    (0..=limit)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}
