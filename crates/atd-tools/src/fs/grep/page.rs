//! As many lines as fit.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fs::walk::SearchError;

/// How much of a line is shown, in bytes.
const SHOWN: usize = 500;

/// How much of a line is shown before what was found in it, where that is far
/// into the line.
const BEFORE: usize = 100;

/// What was found.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(super) struct GrepResult {
    /// The lines, in the order of their files' paths.
    pub(super) matches: Vec<Found>,
    /// Whether there may be more, on the next page.
    pub(super) truncated: bool,
    /// Files that were not searched to their end: their lines are too long, or
    /// they are too long for a call; left out when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unfinished: Vec<String>,
    /// How many files could not be read and directories not be looked into;
    /// left out when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) skipped: Option<u64>,
}

/// A line that matches.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(super) struct Found {
    /// Its file, relative to the server's root directory.
    pub(super) path: String,
    /// Its number, counted from 1.
    pub(super) line: u64,
    /// Its text, or the part of it around the first match when it is long.
    pub(super) text: String,
    /// The lines before it, if asked for, but for those that were given with
    /// the match before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) before: Vec<String>,
    /// The lines after it, if asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) after: Vec<String>,
}

/// What was found, and how much more may come.
pub(super) struct Page {
    pub(super) result: GrepResult,
    limit: u64,
    budget: usize,
    /// How many bytes of JSON more may come.
    room: Option<usize>,
}

impl Page {
    pub(super) fn new(limit: u64, budget: usize) -> Self {
        let longest = GrepResult {
            skipped: Some(u64::MAX),
            // With the brackets of a list, which come with its first name.
            unfinished: vec![String::new()],
            ..GrepResult::default()
        };
        Self {
            result: GrepResult::default(),
            limit,
            budget,
            room: budget.checked_sub(json_len(&longest)),
        }
    }

    /// Adds a line and says true, or finds the page full and says false.
    pub(super) fn push(&mut self, found: Found) -> Result<bool, SearchError> {
        if self.result.matches.len() as u64 >= self.limit {
            return Ok(false);
        }
        // With the brackets of the lines after it, should any come.
        let has_room = self.take(json_len(&found) + r#","after":[]"#.len())?;
        if has_room {
            self.result.matches.push(found);
        }
        Ok(has_room)
    }

    /// Adds a line after the last one, if there is room for it.
    pub(super) fn push_after(&mut self, line: String) {
        let room = self
            .room
            .and_then(|room| room.checked_sub(json_len(&line) + 1));
        if let (Some(last), Some(_)) = (self.result.matches.last_mut(), room) {
            last.after.push(line);
            self.room = room;
        }
    }

    /// Adds a file that was not searched to its end and says true, or finds the
    /// page full and says false.
    pub(super) fn push_unfinished(&mut self, path: String) -> Result<bool, SearchError> {
        let has_room = self.take(json_len(&path))?;
        if has_room {
            self.result.unfinished.push(path);
        }
        Ok(has_room)
    }

    /// Takes room for so many bytes and a comma, if there is as much. A page
    /// without room for anything is no page.
    fn take(&mut self, length: usize) -> Result<bool, SearchError> {
        let room = self.room.and_then(|room| room.checked_sub(length + 1));
        if room.is_some() {
            self.room = room;
        } else if self.result.matches.is_empty() && self.result.unfinished.is_empty() {
            let budget = self.budget;
            return Err(SearchError::NoRoom { budget });
        }
        Ok(room.is_some())
    }
}

fn json_len(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX / 2, |json| json.len())
}

/// A line as it is shown: without its end, with U+FFFD for what is no UTF-8,
/// and of a long one the part around `focus`, with `…` for the rest.
pub(super) fn shown(line: &[u8], focus: Range<usize>) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() <= SHOWN {
        return String::from_utf8_lossy(line).into_owned();
    }
    let is_near = focus.end <= SHOWN;
    let mut start = if is_near {
        0
    } else {
        focus.start.saturating_sub(BEFORE)
    };
    start = start.min(line.len() - SHOWN);
    let mut end = start + SHOWN;
    // Not amid a character.
    let is_inside = |at: usize| line.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    start += (0..3)
        .take_while(|more| start > 0 && is_inside(start + more))
        .count();
    end -= (0..3).take_while(|less| is_inside(end - less)).count();
    format!(
        "{}{}{}",
        if start > 0 { "…" } else { "" },
        String::from_utf8_lossy(&line[start..end]),
        if end < line.len() { "…" } else { "" }
    )
}
