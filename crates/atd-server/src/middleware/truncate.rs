//! Cutting long results, so that everybody sees that they were cut.

use atd_proto::JsonText;
use serde_json::json;

use super::{CallInfo, Middleware};
use crate::text::boundary;

/// The least that a cut result may be, in bytes: there is room for the marker.
const LEAST: usize = 256;

/// Cuts results that are longer than a limit, and marks them: a string ends in
/// `… [cut: 1000 of 50000 bytes]`, and anything else becomes
/// `{"truncated": true, "bytes": 50000, "beginning": "…"}` with the beginning
/// of its JSON text.
///
/// What a model is to read is better cut than refused, but no program can go
/// on from the beginning of an object: this is for servers whose clients are
/// models, or for tools that ask for it with
/// [`Reply::may_be_cut`](atd_registry::Reply::may_be_cut).
#[derive(Clone, Copy, Debug)]
pub struct TruncateOutput {
    limit: usize,
}

impl TruncateOutput {
    /// Cuts results of more than `limit` bytes of JSON, which is taken as 256
    /// where it is less.
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(LEAST),
        }
    }
}

impl Middleware for TruncateOutput {
    fn result(&self, _: &CallInfo<'_>, result: JsonText) -> JsonText {
        truncated(result, self.limit)
    }
}

/// The result in at most `limit` bytes of JSON, marked where that cuts it.
pub(crate) fn truncated(result: JsonText, limit: usize) -> JsonText {
    let bytes = result.as_bytes().len();
    if bytes <= limit {
        return result;
    }
    if limit < LEAST {
        // There is no room for more than to say so.
        return JsonText::from_value("… [cut]").unwrap_or(JsonText::EMPTY_OBJECT);
    }
    let text = String::from_utf8_lossy(result.as_bytes());
    let string = text
        .starts_with('"')
        .then(|| result.to_value::<String>().ok());
    let string = string.flatten();
    let whole = string.as_deref().unwrap_or(&text);
    // What is escaped grows: taken off until it fits.
    let mut room = limit - LEAST / 2;
    loop {
        let beginning = &whole[..boundary(whole, room)];
        let cut = match string {
            Some(_) => json!(format!(
                "{beginning}… [cut: {} of {} bytes]",
                beginning.len(),
                whole.len()
            )),
            None => json!({"truncated": true, "bytes": bytes, "beginning": beginning}),
        };
        match JsonText::from_value(&cut) {
            Ok(cut) if cut.as_bytes().len() <= limit || room == 0 => return cut,
            Ok(cut) => room = room.saturating_sub((cut.as_bytes().len() - limit).max(1)),
            Err(_) => return JsonText::EMPTY_OBJECT,
        }
    }
}
