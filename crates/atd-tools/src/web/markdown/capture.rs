//! Code, whose text is known only as a whole.

/// The text of something that is written when it has ended.
#[derive(Debug)]
pub(super) struct Capture {
    /// Whether it is lines of code, not code within a line.
    pub(super) is_block: bool,
    pub(super) text: String,
    /// The language that the page says it is in.
    pub(super) language: Option<String>,
}

/// The longest name of a language, in bytes.
const LONGEST_LANGUAGE: usize = 32;

impl Capture {
    pub(super) fn new(is_block: bool) -> Self {
        Self {
            is_block,
            text: String::new(),
            language: None,
        }
    }

    /// Takes the language that the classes of an element name, if none was
    /// named before.
    pub(super) fn note_language(&mut self, class: Option<&str>) {
        if self.language.is_none() {
            self.language = class.and_then(language).map(str::to_owned);
        }
    }

    /// Ends the line, where one was begun.
    pub(super) fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Code within a line, between as many backticks as it takes.
    pub(super) fn within_line(&self) -> String {
        let text = self.words();
        let fence = "`".repeat(longest_run(&text) + 1);
        let is_open = text.starts_with('`') || text.ends_with('`');
        let space = if is_open { " " } else { "" };
        format!("{fence}{space}{text}{space}{fence}")
    }

    /// The text as one line.
    pub(super) fn words(&self) -> String {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        words.join(" ")
    }

    /// The lines, without empty ones before and after.
    pub(super) fn code(&self) -> &str {
        let text = self.text.trim_end();
        let skipped = text.len() - text.trim_start().len();
        let first_line = text[..skipped].rfind('\n').map_or(0, |newline| newline + 1);
        &text[first_line..]
    }

    /// The lines between fences that none of them looks like.
    pub(super) fn fenced(&self) -> String {
        let fence = "`".repeat(longest_run(&self.text).max(2) + 1);
        let language = self.language.as_deref().unwrap_or_default();
        format!("{fence}{language}\n{}\n{fence}", self.code())
    }
}

/// How many backticks there are in a row at most.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|char| char != '`').map(str::len);
    runs.max().unwrap_or(0)
}

/// The language in classes such as `highlight language-rust`.
fn language(class: &str) -> Option<&str> {
    let named = class.split_ascii_whitespace().find_map(|class| {
        let prefixes = ["language-", "lang-", "highlight-source-"];
        prefixes
            .iter()
            .find_map(|prefix| class.strip_prefix(prefix))
    })?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-#._".contains(&byte);
    let fits = (1..=LONGEST_LANGUAGE).contains(&named.len());
    (fits && named.bytes().all(is_plain)).then_some(named)
}
