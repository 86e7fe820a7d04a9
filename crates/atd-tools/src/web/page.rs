//! As much of a text as fits.

use super::WebPage;
use super::error::WebError;
use crate::text::json_len;

/// What part of a text to show.
#[derive(Debug)]
pub(super) struct Part {
    /// How many characters to leave out at the start.
    pub(super) offset: u64,
    /// How many characters to show at most.
    pub(super) max_chars: u64,
    /// The longest result, in bytes of JSON.
    pub(super) budget: usize,
}

impl Part {
    /// Puts the part of `text` into `page`, whose content is empty so far.
    pub(super) fn fill(&self, mut page: WebPage, text: &str) -> Result<WebPage, WebError> {
        let no_room = WebError::NoRoom {
            budget: self.budget,
        };
        page.total_chars = text.chars().count() as u64;
        // The longest that the rest of the page can come to.
        page.truncated = true;
        page.next_offset = Some(u64::MAX);
        let frame = serde_json::to_vec(&page).map_or(usize::MAX, |json| json.len());
        let Some(room) = self.budget.checked_sub(frame) else {
            return Err(no_room);
        };

        let rest = after(text, self.offset);
        let end = self.end(rest, room);
        if end == 0 && !rest.is_empty() {
            return Err(no_room);
        }
        page.content = rest[..end].to_owned();
        page.truncated = end < rest.len() || page.total_is_minimum;
        let next = self
            .offset
            .saturating_add(page.content.chars().count() as u64);
        page.next_offset = (end < rest.len()).then_some(next);
        Ok(page)
    }

    /// Where to end in `rest`, with `room` bytes of JSON to fill.
    fn end(&self, rest: &str, room: usize) -> usize {
        let mut left = room;
        for (shown, (index, char)) in (0..).zip(rest.char_indices()) {
            let Some(still) = left.checked_sub(json_len(char.encode_utf8(&mut [0; 4]))) else {
                return index;
            };
            if shown == self.max_chars {
                return index;
            }
            left = still;
        }
        rest.len()
    }
}

/// What of `text` comes after so many characters.
fn after(text: &str, chars: u64) -> &str {
    let chars = usize::try_from(chars).unwrap_or(usize::MAX);
    let start = text.char_indices().nth(chars);
    start.map_or("", |(start, _)| &text[start..])
}
