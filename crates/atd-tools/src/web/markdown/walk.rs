//! From tags to what they mean for the text.

use url::Url;

use super::Style;
use super::capture::Capture;
use super::table::Table;
use super::tag::{Start, Tag, Token};
use super::writer::{Gap, Writer};

/// How many elements may be open at once. What is opened beyond is taken for
/// its text.
const MOST_OPEN: usize = 64;

/// The longest title that is kept, in bytes.
const LONGEST_TITLE: usize = 4096;

/// Walks along the tokens of a page and writes what they come to.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) out: Writer,
    pub(super) style: Style,
    pub(super) base: Url,
    pub(super) open: Vec<Open>,
    /// The element that hides all until it ends, and how often it was begun.
    hidden: Option<(Vec<u8>, usize)>,
    /// Code that is being read.
    pub(super) capture: Option<Capture>,
    title: Option<String>,
    is_title_open: bool,
}

/// An element that has begun and not ended.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) tag: Tag,
    pub(super) also: Also,
}

/// What an open element has on it.
#[derive(Debug)]
pub(super) enum Also {
    Nothing,
    /// A mark around the words.
    Mark,
    /// A mark, and the line is not to end before it does.
    FlatMark,
    /// A prefix of a line that is not to end before it does.
    FlatPrefix,
    Prefix,
    /// A list, with the number of the next item where they are counted.
    Count(Option<u64>),
    Table(Table),
}

impl Walk {
    pub(super) fn new(base: &Url, style: Style) -> Self {
        Self {
            out: Writer::new(style),
            style,
            base: base.clone(),
            open: Vec::new(),
            hidden: None,
            capture: None,
            title: None,
            is_title_open: false,
        }
    }

    /// How long the text is so far, in bytes.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn take(&mut self, token: Token) {
        if self.is_hidden(&token) {
            return;
        }
        match token {
            Token::Start(start) => self.start(&start),
            Token::End { tag, .. } => self.end(tag),
            Token::Text(text) => self.text(&text),
        }
    }

    /// Ends what is open. The title, and the text.
    pub(super) fn finish(mut self) -> (Option<String>, String) {
        self.close_down_to(0);
        self.write_capture();
        let title = self.title.as_deref().map(|title| {
            let words: Vec<&str> = title.split_whitespace().collect();
            words.join(" ")
        });
        let title = title.filter(|title| !title.is_empty());
        (title, self.out.into_text())
    }

    /// Whether the token is inside of something that is not shown, or is its
    /// tag.
    fn is_hidden(&mut self, token: &Token) -> bool {
        match (&mut self.hidden, token) {
            (Some((hiding, depth)), Token::Start(start)) => {
                if *hiding == start.name && !start.is_empty() {
                    *depth += 1;
                }
            }
            (Some((hiding, depth)), Token::End { name, .. }) => {
                if hiding == name {
                    *depth -= 1;
                }
                if *depth == 0 {
                    self.hidden = None;
                }
            }
            (Some(_), Token::Text(_)) => {}
            (hidden @ None, Token::Start(start)) if start.is_hidden() => {
                if !start.is_empty() {
                    *hidden = Some((start.name.clone(), 1));
                }
            }
            (None, _) => return false,
        }
        true
    }

    fn text(&mut self, text: &str) {
        if self.is_title_open {
            if let Some(title) = &mut self.title
                && title.len() + text.len() <= LONGEST_TITLE
            {
                title.push_str(text);
            }
        } else if let Some(capture) = &mut self.capture {
            capture.text.push_str(text);
        } else {
            self.out.text(text);
        }
    }

    fn start(&mut self, start: &Start) {
        if self.is_captured(start) {
            return;
        }
        match start.tag {
            Tag::Title => {
                self.is_title_open = true;
                self.title.get_or_insert_default();
            }
            Tag::Base => self.rebase(start),
            Tag::Block => self.out.gap(Gap::Block),
            Tag::Break => self.out.gap(Gap::Line),
            Tag::Rule => self.rule(),
            Tag::Image => self.image(start),
            Tag::Preformatted | Tag::Code => self.open_code(start),
            Tag::Heading(level) => self.open_heading(level),
            Tag::Strong => self.open_mark(start.tag, "**"),
            Tag::Emphasis => self.open_mark(start.tag, "*"),
            Tag::Strike => self.open_mark(start.tag, "~~"),
            Tag::Link => self.open_link(start),
            Tag::Quote => self.open_quote(),
            Tag::List { ordered } => self.open_list(start, ordered),
            Tag::Item => self.open_item(),
            Tag::Table => self.open_table(),
            Tag::Row => self.open_row(),
            Tag::Cell => self.open_cell(),
            Tag::Hidden | Tag::Other => {}
        }
    }

    fn end(&mut self, tag: Tag) {
        match tag {
            Tag::Title => self.is_title_open = false,
            Tag::Preformatted | Tag::Code => {
                let is_block = tag == Tag::Preformatted;
                if self
                    .capture
                    .as_ref()
                    .is_some_and(|open| open.is_block == is_block)
                {
                    self.write_capture();
                }
            }
            _ if self.capture.as_ref().is_some_and(|open| open.is_block) => {
                if let Some(capture) = &mut self.capture
                    && matches!(tag, Tag::Block | Tag::Item | Tag::Row)
                {
                    capture.end_line();
                }
            }
            _ => {
                if !tag.is_inline() {
                    self.write_capture();
                }
                if let Some(at) = self.position(tag) {
                    self.close_down_to(at);
                } else if tag == Tag::Block {
                    self.out.gap(Gap::Block);
                }
            }
        }
    }

    /// Whether a start tag is inside code, where it means nothing but a new
    /// line. What cannot be inside code within a line ends it.
    fn is_captured(&mut self, start: &Start) -> bool {
        let Some(capture) = &mut self.capture else {
            return false;
        };
        capture.note_language(start.class.as_deref());
        let is_within = match start.tag {
            Tag::Break => {
                capture.text.push('\n');
                true
            }
            tag if capture.is_block => {
                if matches!(tag, Tag::Block | Tag::Item | Tag::Row) {
                    capture.end_line();
                }
                true
            }
            tag => tag.is_inline() || matches!(tag, Tag::Image | Tag::Other),
        };
        if !is_within {
            self.write_capture();
        }
        is_within
    }

    /// Where the innermost element is that an end tag ends. Marks within a line
    /// end where they are; nothing in a table ends what is around it.
    pub(super) fn position(&self, end: Tag) -> Option<usize> {
        for (at, open) in self.open.iter().enumerate().rev() {
            if open.tag.is_closed_by(end) {
                return Some(at);
            }
            let is_barrier = if end.is_inline() {
                !open.tag.is_inline()
            } else {
                open.tag == Tag::Table
            };
            if is_barrier {
                return None;
            }
        }
        None
    }

    pub(super) fn push(&mut self, tag: Tag, also: Also) {
        self.open.push(Open { tag, also });
    }

    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= MOST_OPEN
    }

    /// Closes all that is inside of the element at `at`, and that.
    pub(super) fn close_down_to(&mut self, at: usize) {
        while self.open.len() > at {
            self.close_last();
        }
    }

    fn close_last(&mut self) {
        let Some(closed) = self.open.pop() else {
            return;
        };
        match closed.also {
            Also::Nothing => {}
            Also::Mark => self.out.close_mark(),
            Also::FlatMark => {
                self.out.close_mark();
                self.out.leave_flat();
            }
            Also::FlatPrefix => {
                self.out.close_prefix();
                self.out.leave_flat();
            }
            Also::Prefix => self.out.close_prefix(),
            Also::Count(_) => {}
            Also::Table(_) => self.out.gap(Gap::Block),
        }
        match closed.tag {
            Tag::Heading(_) | Tag::Quote => self.out.gap(Gap::Block),
            Tag::List { .. } => self.out.gap(self.gap_around_list()),
            Tag::Item => self.out.gap(Gap::Line),
            Tag::Row | Tag::Cell => self.close_in_table(closed.tag),
            _ => {}
        }
    }

    fn close_in_table(&mut self, tag: Tag) {
        let style = self.style;
        if let (Some(table), out) = self.table() {
            if tag == Tag::Cell {
                table.close_cell(out, style);
            } else {
                table.close_row(out, style);
            }
        }
    }

    /// The innermost table, and where it is written to.
    pub(super) fn table(&mut self) -> (Option<&mut Table>, &mut Writer) {
        let table = self
            .open
            .iter_mut()
            .rev()
            .find_map(|open| match &mut open.also {
                Also::Table(table) => Some(table),
                _ => None,
            });
        (table, &mut self.out)
    }

    /// Closes an element that ends where another of its kind begins, if one is
    /// open inside of the innermost `within`.
    pub(super) fn close_implied(&mut self, tag: Tag, within: Tag) {
        for (at, open) in self.open.iter().enumerate().rev() {
            if open.tag.is_closed_by(tag) {
                return self.close_down_to(at);
            }
            if open.tag.is_closed_by(within) || open.tag == Tag::Table {
                return;
            }
        }
    }

    /// Closes marks, links and headings: what begins now is not inside of them.
    pub(super) fn close_lines(&mut self) {
        while let Some(Open { tag, .. }) = self.open.last() {
            if !tag.is_inline() && !matches!(tag, Tag::Heading(_)) {
                return;
            }
            self.close_last();
        }
    }
}
