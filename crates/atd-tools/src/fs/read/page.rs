//! As many lines as fit.

use std::io::Read;

use super::error::ReadError;
use super::lines::{Lines, Reached};
use super::{ReadArgs, ReadResult};
use crate::fs::patience::Patience;
use crate::text::json_len;

/// How far after the page lines are counted, in bytes.
const COUNT_AT_MOST: u64 = 256 * 1024 * 1024;

/// What stands where a line was cut.
const CUT: &str = " … [line cut]";

/// Reads the lines that `args` ask for, into a result of at most `budget`
/// bytes of JSON.
pub(super) fn read_page(
    file: impl Read,
    args: &ReadArgs,
    budget: usize,
    patience: &Patience<'_>,
) -> Result<ReadResult, ReadError> {
    let before = args.offset.get() - 1;
    let mut lines = Lines::new(file, patience);
    let mut page = Page::new(&args.path, budget)?;
    let too_far = |lines: &Lines<'_, _>| ReadError::TooFar {
        line: args.offset.get(),
        passed: lines.count(),
    };

    let mut reached = lines.skip(before, u64::MAX)?;
    if reached == Reached::GivenUp {
        return Err(too_far(&lines));
    }
    let mut line = Vec::new();
    while reached == Reached::Goal && page.count < args.limit.get() && !page.has_cut {
        reached = lines.read(&mut line, page.room)?;
        if reached == Reached::Goal && !page.push(before + page.count + 1, &line)? {
            break;
        }
    }
    if reached == Reached::GivenUp && page.count == 0 {
        return Err(too_far(&lines));
    }
    drop(line);
    if reached == Reached::Goal {
        reached = lines.skip(u64::MAX, COUNT_AT_MOST)?;
    }

    let total_is_minimum = reached != Reached::End;
    let more = lines.count() > before.saturating_add(page.count);
    Ok(ReadResult {
        path: args.path.clone(),
        line_count: page.count,
        total_lines: lines.count(),
        truncated: more || page.has_cut || total_is_minimum,
        total_is_minimum,
        content: page.content,
    })
}

/// Numbered lines, and how much more may come.
struct Page {
    content: String,
    count: u64,
    has_cut: bool,
    /// How many bytes of JSON `content` may still grow by.
    room: usize,
    budget: usize,
}

impl Page {
    fn new(path: &str, budget: usize) -> Result<Self, ReadError> {
        let longest_frame = ReadResult {
            path: path.to_owned(),
            content: String::new(),
            line_count: u64::MAX,
            total_lines: u64::MAX,
            truncated: false,
            total_is_minimum: true,
        };
        let frame = serde_json::to_vec(&longest_frame).map_or(usize::MAX, |json| json.len());
        let room = budget
            .checked_sub(frame)
            .ok_or(ReadError::NoRoom { budget })?;
        Ok(Self {
            content: String::new(),
            count: 0,
            has_cut: false,
            room,
            budget,
        })
    }

    /// Adds a line and says true, or finds no room for it and says false. The
    /// first line is cut to the room that there is.
    fn push(&mut self, number: u64, line: &[u8]) -> Result<bool, ReadError> {
        let (start, room) = (self.content.len(), self.room);
        let newline = if self.count == 0 { "" } else { "\n" };
        let fits = self.write(&format!("{newline}{number:>6}\t")) && self.write_lossy(line);
        if !fits && self.count > 0 {
            self.content.truncate(start);
            self.room = room;
            return Ok(false);
        }
        if !fits {
            self.cut()?;
        }
        self.count += 1;
        Ok(true)
    }

    /// Adds what `bytes` say in UTF-8, with U+FFFD for what they do not; else as
    /// [`write`](Self::write).
    fn write_lossy(&mut self, bytes: &[u8]) -> bool {
        bytes.utf8_chunks().all(|chunk| {
            let broken = !chunk.invalid().is_empty();
            self.write(chunk.valid()) && (!broken || self.write("\u{fffd}"))
        })
    }

    /// Adds text as far as there is room, and says whether there was for all
    /// of it.
    fn write(&mut self, text: &str) -> bool {
        let length = json_len(text);
        let fits = length <= self.room;
        if fits {
            self.content.push_str(text);
            self.room -= length;
        } else {
            self.write_what_fits(text);
        }
        fits
    }

    fn write_what_fits(&mut self, text: &str) {
        for char in text.chars() {
            let length = json_len(char.encode_utf8(&mut [0; 4]));
            if length > self.room {
                return;
            }
            self.content.push(char);
            self.room -= length;
        }
    }

    /// Puts the marker at the end of the only line, in place of as much of its
    /// text as that takes.
    fn cut(&mut self) -> Result<(), ReadError> {
        let budget = self.budget;
        let text = self.content.find('\t').map(|tab| tab + 1);
        while self.room < json_len(CUT) {
            // Whether any text is left to give up.
            let last = match text {
                Some(text) if text < self.content.len() => self.content.pop(),
                _ => None,
            };
            let last = last.ok_or(ReadError::NoRoom { budget })?;
            self.room += json_len(last.encode_utf8(&mut [0; 4]));
        }
        self.has_cut = true;
        self.write(CUT);
        Ok(())
    }
}
