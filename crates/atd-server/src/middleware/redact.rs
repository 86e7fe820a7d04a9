//! Keeping what should not go out from going out.

use atd_proto::JsonText;
use regex::Regex;

use super::strings::map_strings;
use super::{CallInfo, Middleware};

/// Replaces directories by names in everything that goes out, so that clients
/// do not learn how the server's disk is laid out.
///
/// ```
/// use atd_server::RedactPaths;
///
/// let redact = RedactPaths::new([("/srv/agents", "work:"), ("/srv", "~")]);
/// assert_eq!(redact.redacted("no file /srv/agents/a.txt").unwrap(), "no file work:/a.txt");
/// assert_eq!(redact.redacted("/srv2/a.txt"), None);
/// ```
#[derive(Clone, Debug)]
pub struct RedactPaths {
    /// The longest first.
    hidden: Vec<(String, String)>,
}

impl RedactPaths {
    /// Hides each of these directories, and what stands below it keeps its way
    /// from there. Of two that fit, the longer is taken. The root directory
    /// cannot be hidden.
    pub fn new<D, N>(directories: impl IntoIterator<Item = (D, N)>) -> Self
    where
        D: Into<String>,
        N: Into<String>,
    {
        let mut hidden: Vec<(String, String)> = directories
            .into_iter()
            .map(|(directory, name)| {
                let directory: String = directory.into();
                (directory.trim_end_matches('/').to_owned(), name.into())
            })
            .filter(|(directory, _)| !directory.is_empty())
            .collect();
        hidden.sort_by_key(|(directory, _)| std::cmp::Reverse(directory.len()));
        Self { hidden }
    }

    /// The text with its paths replaced, if there are any.
    pub fn redacted(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut copied = 0;
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let found = self.hidden.iter().find(|(directory, _)| {
                rest.starts_with(directory.as_str())
                    && !rest[directory.len()..].starts_with(is_of_a_name)
            });
            if let Some((directory, name)) = found
                && !text[..at].ends_with(is_of_a_name)
            {
                out.push_str(&text[copied..at]);
                out.push_str(name);
                at += directory.len();
                copied = at;
            } else {
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
        (copied > 0).then(|| {
            out.push_str(&text[copied..]);
            out
        })
    }
}

/// Whether a path's component goes on with this character.
fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

impl Middleware for RedactPaths {
    fn result(&self, _: &CallInfo<'_>, result: JsonText) -> JsonText {
        map_strings(result, |string| self.redacted(string))
    }

    fn error(&self, _: &CallInfo<'_>, message: String) -> String {
        self.redacted(&message).unwrap_or(message)
    }
}

/// Replaces whatever fits a pattern in everything that goes out, such as keys
/// and numbers of cards. Patterns are looked for in each string of a result by
/// itself; numbers are left alone. They take time in proportion to the text,
/// whatever they are.
///
/// ```
/// use atd_server::RedactPatterns;
///
/// let redact = RedactPatterns::new([r"sk-[A-Za-z0-9]{8,}"], "[key]")?;
/// assert_eq!(redact.redacted("use sk-abcdefgh now").unwrap(), "use [key] now");
/// # Ok::<(), atd_server::PatternError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RedactPatterns {
    patterns: Vec<Regex>,
    instead: String,
}

/// A pattern that is no regular expression, or too large a one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern `{pattern}` cannot be used: {message}")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub message: String,
}

impl RedactPatterns {
    /// Replaces what fits any of these regular expressions by `instead`.
    ///
    /// # Errors
    /// [`PatternError`] for the first that is none.
    pub fn new<P: AsRef<str>>(
        patterns: impl IntoIterator<Item = P>,
        instead: impl Into<String>,
    ) -> Result<Self, PatternError> {
        let compile = |pattern: P| {
            let pattern = pattern.as_ref();
            Regex::new(pattern).map_err(|error| PatternError {
                pattern: pattern.to_owned(),
                message: error.to_string(),
            })
        };
        let patterns: Result<_, _> = patterns.into_iter().map(compile).collect();
        Ok(Self {
            patterns: patterns?,
            instead: instead.into(),
        })
    }

    /// The text with what fits replaced, if anything does.
    pub fn redacted(&self, text: &str) -> Option<String> {
        let mut changed: Option<String> = None;
        for pattern in &self.patterns {
            let text = changed.as_deref().unwrap_or(text);
            if pattern.is_match(text) {
                // `instead` is no template.
                let instead = regex::NoExpand(&self.instead);
                changed = Some(pattern.replace_all(text, instead).into_owned());
            }
        }
        changed
    }
}

impl Middleware for RedactPatterns {
    fn result(&self, _: &CallInfo<'_>, result: JsonText) -> JsonText {
        map_strings(result, |string| self.redacted(string))
    }

    fn error(&self, _: &CallInfo<'_>, message: String) -> String {
        self.redacted(&message).unwrap_or(message)
    }
}
