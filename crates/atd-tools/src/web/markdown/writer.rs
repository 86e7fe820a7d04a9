//! Text with its gaps, markers and prefixes.

use super::Style;

/// What is to come before the next word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    None,
    Space,
    Line,
    Block,
}

/// What every line begins with inside of something.
#[derive(Debug)]
struct Prefix {
    /// For the first line, until it is written.
    first: Option<String>,
    rest: String,
}

/// A mark around words, such as `**`. It is written with the first word, so
/// that none stands around nothing or before a space, and anew in each
/// paragraph.
#[derive(Debug)]
struct Mark {
    open: &'static str,
    close: String,
    is_written: bool,
}

/// Writes words, and the gaps between them when it is known what follows.
#[derive(Debug)]
pub(super) struct Writer {
    out: String,
    style: Style,
    gap: Gap,
    prefixes: Vec<Prefix>,
    marks: Vec<Mark>,
    /// Inside how many things it is that have to stay on one line.
    flat: usize,
    /// Inside how many cells of tables it is, where a `|` would end one.
    cells: usize,
    is_line_start: bool,
    /// Whether nothing but prefixes stands in the line.
    is_before_words: bool,
}

impl Writer {
    pub(super) fn new(style: Style) -> Self {
        Self {
            out: String::new(),
            style,
            gap: Gap::None,
            prefixes: Vec::new(),
            marks: Vec::new(),
            flat: 0,
            cells: 0,
            is_line_start: true,
            is_before_words: true,
        }
    }

    /// How long the text is so far, in bytes.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn into_text(mut self) -> String {
        let end = self.out.trim_end().len();
        self.out.truncate(end);
        self.out
    }

    /// Leaves at least this gap before what comes next.
    pub(super) fn gap(&mut self, gap: Gap) {
        let gap = if self.is_flat() {
            gap.min(Gap::Space)
        } else {
            gap
        };
        if gap >= Gap::Line {
            self.suspend_marks();
        }
        self.gap = self.gap.max(gap);
    }

    /// Words, with any white space between them.
    pub(super) fn text(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.trim_start_matches(is_space);
            if word.len() < rest.len() {
                self.gap(Gap::Space);
            }
            let end = word.find(is_space).unwrap_or(word.len());
            if end > 0 {
                self.begin();
                self.write_marks();
                self.escape(&word[..end]);
            }
            rest = &word[end..];
        }
    }

    /// Text as it is, in the line that is being written.
    pub(super) fn verbatim(&mut self, text: &str) {
        self.begin();
        self.write_marks();
        if self.cells > 0 {
            self.push(&text.replace('|', "\\|"));
        } else {
            self.push(text);
        }
    }

    /// Lines as they are.
    pub(super) fn lines(&mut self, lines: &str) {
        for line in lines.split('\n') {
            self.begin();
            self.push(line);
            self.gap = Gap::None;
            self.new_line();
        }
        self.gap = Gap::None;
    }

    /// Begins what `close` ends, around the words in between.
    pub(super) fn open_mark(&mut self, open: &'static str, close: String) {
        self.marks.push(Mark {
            open,
            close,
            is_written: false,
        });
    }

    /// Ends the mark that was opened last.
    pub(super) fn close_mark(&mut self) {
        if let Some(mark) = self.marks.pop()
            && mark.is_written
        {
            self.push(&mark.close);
        }
    }

    /// Begins each line from here with `rest`, the first with `first`.
    pub(super) fn open_prefix(&mut self, first: String, rest: String) {
        let first = Some(first);
        self.prefixes.push(Prefix { first, rest });
    }

    /// Ends the prefix that was opened last.
    pub(super) fn close_prefix(&mut self) {
        self.prefixes.pop();
    }

    /// Stays on one line until [`leave_flat`](Self::leave_flat).
    pub(super) fn enter_flat(&mut self) {
        self.flat += 1;
    }

    pub(super) fn leave_flat(&mut self) {
        self.flat = self.flat.saturating_sub(1);
    }

    pub(super) fn is_flat(&self) -> bool {
        self.flat > 0
    }

    /// Begins a cell of a table.
    pub(super) fn open_cell(&mut self) {
        self.bar("| ");
        self.flat += 1;
        self.cells += 1;
    }

    /// Ends a cell of a table.
    pub(super) fn close_cell(&mut self) {
        self.gap = Gap::None;
        self.push(" ");
        self.forget_cell();
    }

    /// What stands between the cells of a row or after them, close to what was
    /// before.
    pub(super) fn bar(&mut self, bar: &str) {
        if self.gap == Gap::Space {
            self.gap = Gap::None;
        }
        self.begin();
        self.push(bar);
    }

    /// Goes on as if the cell had not begun, though what it holds stays.
    pub(super) fn forget_cell(&mut self) {
        self.flat = self.flat.saturating_sub(1);
        self.cells = self.cells.saturating_sub(1);
    }

    /// Takes back the bar that a cell without words began with.
    pub(super) fn take_bar_back(&mut self) {
        if self.out.ends_with("| ") {
            self.out.truncate(self.out.len() - 2);
            // Nor is a line begun that has nothing but an indent.
            let line = self.out.trim_end_matches(' ').len();
            if line == 0 || self.out[..line].ends_with('\n') {
                self.out.truncate(line);
                self.is_line_start = true;
            }
        }
    }

    /// Writes the gap that is due, and what its line begins with.
    fn begin(&mut self) {
        match self.gap {
            Gap::None => {}
            // One is there already after the bar of a cell.
            Gap::Space if self.is_line_start || self.out.ends_with(' ') => {}
            Gap::Space => self.out.push(' '),
            Gap::Line => self.new_line(),
            Gap::Block => {
                self.new_line();
                self.blank_line();
            }
        }
        self.gap = Gap::None;
        if self.is_line_start {
            for prefix in &mut self.prefixes {
                match prefix.first.take() {
                    Some(first) => self.out.push_str(&first),
                    None => self.out.push_str(&prefix.rest),
                }
            }
            self.is_line_start = false;
            self.is_before_words = true;
        }
    }

    /// Ends the line, if one was begun.
    fn new_line(&mut self) {
        if !self.is_line_start {
            let end = self.out.trim_end_matches(' ').len();
            self.out.truncate(end);
            self.out.push('\n');
            self.is_line_start = true;
        }
    }

    /// Writes a line without words, if any was written before.
    fn blank_line(&mut self) {
        if self.out.is_empty() || self.out.ends_with("\n\n") {
            return;
        }
        let begun = self
            .prefixes
            .iter()
            .take_while(|prefix| prefix.first.is_none());
        let line: String = begun.map(|prefix| prefix.rest.as_str()).collect();
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn write_marks(&mut self) {
        for mark in &mut self.marks {
            if !mark.is_written {
                self.out.push_str(mark.open);
                self.is_before_words = false;
                mark.is_written = true;
            }
        }
    }

    /// Closes the marks here; the next word opens them again.
    fn suspend_marks(&mut self) {
        for mark in self.marks.iter_mut().rev() {
            if mark.is_written {
                self.out.push_str(&mark.close);
                mark.is_written = false;
            }
        }
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.is_before_words = false;
    }

    /// A word of the page, so that none of it reads as Markdown.
    fn escape(&mut self, word: &str) {
        if self.style == Style::Text {
            self.push(word);
            return;
        }
        let word = match line_marker(word) {
            Some(marker) if self.is_before_words => {
                self.push(&word[..marker]);
                self.push("\\");
                self.push(&word[marker..=marker]);
                &word[marker + 1..]
            }
            _ => word,
        };
        self.is_before_words = false;
        let mut before = ' ';
        let mut chars = word.chars().peekable();
        while let Some(char) = chars.next() {
            let after = chars.peek().copied().unwrap_or(' ');
            let means_something = match char {
                '\\' | '`' | '*' | '[' | ']' => true,
                '<' => after.is_ascii_alphabetic() || matches!(after, '/' | '!' | '?'),
                '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
                '|' => self.cells > 0,
                _ => false,
            };
            if means_something {
                self.out.push('\\');
            }
            self.out.push(char);
            before = char;
        }
    }
}

/// Where the character is by which a word, as the first of a line, would make a
/// heading, a quote, a list or a rule of it.
fn line_marker(word: &str) -> Option<usize> {
    let all = |marker: char| word.chars().all(|char| char == marker);
    if word.starts_with('>') || all('#') || all('-') || all('+') || all('=') {
        return Some(0);
    }
    let number = word.strip_suffix(['.', ')'])?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(number.len())
}

/// The white space of HTML, which is one space however much there is of it.
fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r' | '\x0c')
}
