//! What each element comes to where it begins.

use url::Position;

use super::Style;
use super::capture::Capture;
use super::table::Table;
use super::tag::{Start, Tag};
use super::walk::{Also, Open, Walk};
use super::writer::Gap;

/// The longest URL that a page may say its own is, in bytes: it is a part of
/// each link that is written.
const LONGEST_BASE: usize = 2048;

impl Walk {
    pub(super) fn open_heading(&mut self, level: u8) {
        self.close_implied(Tag::Heading(level), Tag::Item);
        self.out.gap(Gap::Block);
        if self.is_full() {
            return;
        }
        // A link around a heading stays one line.
        let is_marked = self.style == Style::Markdown && !self.out.is_flat();
        let hashes = if is_marked { usize::from(level) } else { 0 };
        let marker = format!("{} ", "#".repeat(hashes));
        let marker = marker.trim_start().to_owned();
        self.out.open_prefix(marker, String::new());
        self.out.enter_flat();
        self.push(Tag::Heading(level), Also::FlatPrefix);
    }

    pub(super) fn open_mark(&mut self, tag: Tag, mark: &'static str) {
        if self.is_full() {
            return;
        }
        // Twice the same is no more than once.
        let is_open = self.open.iter().any(|open| open.tag == tag);
        if self.style == Style::Text || is_open {
            self.push(tag, Also::Nothing);
        } else {
            self.out.open_mark(mark, mark.to_owned());
            self.push(tag, Also::Mark);
        }
    }

    pub(super) fn open_link(&mut self, start: &Start) {
        if let Some(at) = self.position(Tag::Link) {
            self.close_down_to(at);
        }
        let target = start.href.as_deref().and_then(|href| self.resolve(href));
        if let Some(target) = target
            && self.style == Style::Markdown
            && !self.is_full()
            && !self.open.iter().any(|open| open.tag == Tag::Link)
        {
            self.out.open_mark("[", format!("]({target})"));
            self.out.enter_flat();
            self.push(Tag::Link, Also::FlatMark);
        }
    }

    pub(super) fn open_quote(&mut self) {
        self.close_lines();
        self.out.gap(Gap::Block);
        if self.style == Style::Text || self.out.is_flat() || self.is_full() {
            return;
        }
        self.out.open_prefix("> ".to_owned(), "> ".to_owned());
        self.push(Tag::Quote, Also::Prefix);
    }

    pub(super) fn open_list(&mut self, start: &Start, ordered: bool) {
        self.close_lines();
        self.out.gap(self.gap_around_list());
        if self.is_full() {
            return;
        }
        let first = start.start.as_deref().and_then(|start| start.parse().ok());
        let count = ordered.then(|| first.unwrap_or(1));
        self.push(Tag::List { ordered }, Also::Count(count));
    }

    /// A list in a list stands close.
    pub(super) fn gap_around_list(&self) -> Gap {
        let is_inner = self.open.iter().any(|open| open.tag == Tag::Item);
        if is_inner { Gap::Line } else { Gap::Block }
    }

    pub(super) fn open_item(&mut self) {
        self.close_implied(Tag::Item, Tag::List { ordered: false });
        self.close_lines();
        self.out.gap(Gap::Line);
        if self.out.is_flat() || self.is_full() {
            return;
        }
        let marker = match self.open.last_mut() {
            Some(Open {
                also: Also::Count(Some(next)),
                ..
            }) => {
                let marker = format!("{next}. ");
                *next = next.saturating_add(1);
                marker
            }
            _ => "- ".to_owned(),
        };
        let indent = " ".repeat(marker.len());
        self.out.open_prefix(marker, indent);
        self.push(Tag::Item, Also::Prefix);
    }

    pub(super) fn open_table(&mut self) {
        self.close_lines();
        if self.is_full() {
            return;
        }
        let style = self.style;
        if let (Some(around), out) = self.table() {
            around.hold_another(out, style);
        }
        let table = Table::new(&mut self.out);
        self.push(Tag::Table, Also::Table(table));
    }

    pub(super) fn open_row(&mut self) {
        self.close_implied(Tag::Row, Tag::Table);
        self.close_lines();
        if self.is_full() {
            return;
        }
        if let (Some(table), out) = self.table() {
            table.open_row(out);
            self.push(Tag::Row, Also::Nothing);
        }
    }

    pub(super) fn open_cell(&mut self) {
        self.close_implied(Tag::Cell, Tag::Row);
        self.close_lines();
        let is_in_row = self.open.iter().rev().find_map(|open| match open.tag {
            Tag::Row => Some(true),
            Tag::Table => Some(false),
            _ => None,
        });
        if is_in_row == Some(false) {
            self.open_row();
        }
        if self.is_full() {
            return;
        }
        let style = self.style;
        if let (Some(table), out) = self.table() {
            table.open_cell(out, style);
            self.push(Tag::Cell, Also::Nothing);
        }
    }

    pub(super) fn open_code(&mut self, start: &Start) {
        let is_block = start.tag == Tag::Preformatted;
        if is_block {
            self.out.gap(Gap::Block);
        }
        let mut capture = Capture::new(is_block);
        capture.note_language(start.class.as_deref());
        self.capture = Some(capture);
    }

    /// Writes the code that was read.
    pub(super) fn write_capture(&mut self) {
        let Some(capture) = self.capture.take() else {
            return;
        };
        if capture.text.trim().is_empty() {
            return self.out.gap(Gap::Space);
        }
        match self.style {
            Style::Markdown if capture.is_block && !self.out.is_flat() => {
                self.out.lines(&capture.fenced());
            }
            Style::Text if capture.is_block && !self.out.is_flat() => {
                self.out.lines(capture.code());
            }
            Style::Markdown => {
                self.space_at(capture.text.chars().next());
                self.out.verbatim(&capture.within_line());
                self.space_at(capture.text.chars().next_back());
            }
            Style::Text => self.out.text(&capture.text),
        }
        if capture.is_block {
            self.out.gap(Gap::Block);
        }
    }

    fn space_at(&mut self, edge: Option<char>) {
        if edge.is_some_and(char::is_whitespace) {
            self.out.gap(Gap::Space);
        }
    }

    pub(super) fn rule(&mut self) {
        self.out.gap(Gap::Block);
        if self.style == Style::Markdown && !self.out.is_flat() {
            self.out.verbatim("---");
            self.out.gap(Gap::Block);
        }
    }

    /// An image that says what it shows, as that.
    pub(super) fn image(&mut self, start: &Start) {
        let alt = start.alt.as_deref().unwrap_or_default();
        if alt.trim().is_empty() {
            return;
        }
        let source = start.src.as_deref().and_then(|source| self.resolve(source));
        match source {
            Some(source) if self.style == Style::Markdown => {
                self.out.open_mark("![", format!("]({source})"));
                self.out.enter_flat();
                self.out.text(alt);
                self.out.close_mark();
                self.out.leave_flat();
            }
            _ => self.out.text(alt),
        }
    }

    /// Where a link leads, if it is one to follow; not so a place on the same
    /// page, a script or data.
    fn resolve(&self, href: &str) -> Option<String> {
        let href = href.trim();
        if href.is_empty() {
            return None;
        }
        let url = self.base.join(href).ok()?;
        let is_followed = matches!(url.scheme(), "http" | "https" | "mailto");
        let page = &url[..Position::AfterQuery];
        let is_here = url.fragment().is_some() && page == &self.base[..Position::AfterQuery];
        if !is_followed || is_here {
            return None;
        }
        // What would end the link, or the cell that it stands in.
        let url = url.as_str().replace('<', "%3C").replace('>', "%3E");
        let url = url.replace('|', "%7C");
        if url.contains(['(', ')', ' ']) {
            return Some(format!("<{url}>"));
        }
        Some(url)
    }

    pub(super) fn rebase(&mut self, start: &Start) {
        let base = start
            .href
            .as_deref()
            .and_then(|href| self.base.join(href).ok());
        if let Some(base) = base
            && matches!(base.scheme(), "http" | "https")
            && base.as_str().len() <= LONGEST_BASE
        {
            self.base = base;
        }
    }
}
