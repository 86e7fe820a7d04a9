//! A search through one file.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use grep_matcher::{LineTerminator, Matcher};
use grep_regex::RegexMatcher;
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkContextKind, SinkMatch,
};

use super::page::{Found, Page, shown};
use super::position::At;
use crate::fs::patience::Patience;
use crate::fs::walk::SearchError;

/// How files are searched.
pub(super) struct Search<'a> {
    pub(super) matcher: RegexMatcher,
    /// The longest line that is searched, in bytes. It is held in memory.
    pub(super) longest_line: usize,
    /// Whether to take the first line of each file only.
    pub(super) one_per_file: bool,
    pub(super) context: usize,
    pub(super) patience: &'a Patience<'a>,
}

/// Where a search through a file came to.
#[derive(Debug)]
pub(super) enum Searched {
    /// To its end, or to all of it that is text.
    Whole,
    /// To a line for which the page has no room.
    PageFull(At),
    /// To the end of the call's time, and after the last match to this line.
    OutOfTime(At),
    /// To a line that is too long, and after the last match to this one.
    LongLine(At),
    /// To where the system failed.
    Unreadable,
}

impl Search<'_> {
    /// Adds to the page what it finds in a file from there on. A file is
    /// searched as far as it holds no NUL.
    pub(super) fn through(
        &self,
        searcher: &mut Searcher,
        file: &mut (impl Read + Seek),
        path: &str,
        from: At,
        page: &mut Page,
    ) -> Result<Searched, SearchError> {
        if from.offset > 0 && file.seek(SeekFrom::Start(from.offset)).is_err() {
            return Ok(Searched::Unreadable);
        }
        let mut input = Timed {
            input: file,
            patience: self.patience,
            is_over: false,
        };
        let mut finds = Finds {
            search: self,
            page,
            path,
            from,
            after_last: from,
            before: Vec::new(),
            count: 0,
            stopped: None,
        };
        let searched = searcher.search_reader(&self.matcher, &mut input, &mut finds);
        match (finds.stopped.take(), searched) {
            (Some(stopped), _) => stopped,
            (None, Ok(())) => Ok(Searched::Whole),
            // Nothing but lines after the one that was asked for.
            (None, Err(_)) if finds.has_enough() => Ok(Searched::Whole),
            (None, Err(_)) if input.is_over => Ok(Searched::OutOfTime(finds.after_last)),
            // What the searcher itself says, which only runs out of room.
            (None, Err(error)) if error.raw_os_error().is_none() => {
                Ok(Searched::LongLine(finds.after_last))
            }
            (None, Err(_)) => Ok(Searched::Unreadable),
        }
    }

    /// What does it. It holds a buffer, so there is one for all files.
    pub(super) fn searcher(&self) -> Searcher {
        SearcherBuilder::new()
            .binary_detection(BinaryDetection::quit(0))
            .bom_sniffing(false)
            .heap_limit(Some(self.longest_line))
            .line_number(true)
            .line_terminator(LineTerminator::crlf())
            .before_context(self.context)
            .after_context(self.context)
            .build()
    }
}

/// A file that is read until patience is over.
struct Timed<'a, R> {
    input: R,
    patience: &'a Patience<'a>,
    is_over: bool,
}

impl<R: Read> Read for Timed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.is_over = self.patience.is_over();
        if self.is_over {
            return Err(ErrorKind::TimedOut.into());
        }
        self.input.read(buffer)
    }
}

/// Takes what the searcher finds.
struct Finds<'a> {
    search: &'a Search<'a>,
    page: &'a mut Page,
    path: &'a str,
    from: At,
    after_last: At,
    /// The lines before the next one that matches.
    before: Vec<String>,
    count: u64,
    /// Why it wants no more.
    stopped: Option<Result<Searched, SearchError>>,
}

impl Finds<'_> {
    fn has_enough(&self) -> bool {
        self.search.one_per_file && self.count > 0
    }
}

impl Sink for Finds<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        if self.has_enough() {
            return Ok(false);
        }
        let line = found.bytes();
        let at = At {
            offset: self.from.offset + found.absolute_byte_offset(),
            line: self.from.line + found.line_number().unwrap_or(1) - 1,
        };
        let place = self.search.matcher.find(line).ok().flatten();
        let pushed = self.page.push(Found {
            path: self.path.to_owned(),
            line: at.line,
            text: shown(line, place.map_or(0..0, |place| place.start()..place.end())),
            before: std::mem::take(&mut self.before),
            after: Vec::new(),
        });
        match pushed {
            Ok(true) => {}
            Ok(false) => self.stopped = Some(Ok(Searched::PageFull(at))),
            Err(error) => self.stopped = Some(Err(error)),
        }
        self.count += 1;
        self.after_last = At {
            offset: at.offset + line.len() as u64,
            line: at.line + 1,
        };
        let is_done = self.has_enough() && self.search.context == 0;
        Ok(self.stopped.is_none() && !is_done)
    }

    fn context(&mut self, _: &Searcher, context: &SinkContext<'_>) -> io::Result<bool> {
        let line = shown(context.bytes(), 0..0);
        match context.kind() {
            SinkContextKind::Before => self.before.push(line),
            SinkContextKind::After => self.page.push_after(line),
            SinkContextKind::Other => {}
        }
        Ok(true)
    }
}
