//! A value, and what is said of one that is not as it should be.

use std::fmt::Display;
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use toml::Spanned;
use toml::de::DeValue;

use super::document::Source;
use super::problem::cut;
use super::{FromItem, Place, Section};
use crate::cli::size;

/// A value in a file. What reads it says what is wrong, and returns `None`.
#[derive(Clone, Debug)]
pub(crate) struct Item<'a> {
    source: Source<'a>,
    name: String,
    value: &'a DeValue<'a>,
    span: Range<usize>,
}

impl<'a> Item<'a> {
    pub(super) fn new(source: Source<'a>, name: String, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            source,
            name,
            value: value.get_ref(),
            span: value.span(),
        }
    }

    /// As TOML has it.
    pub(crate) fn value(&self) -> &'a DeValue<'a> {
        self.value
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        self.source.place(&self.span)
    }

    /// Says what is wrong with it.
    pub(crate) fn problem(&self, what: impl Display) {
        let name = cut(&self.name);
        self.source.problem(&self.span, format!("`{name}`: {what}"));
    }

    /// Says what it should be.
    pub(crate) fn expected(&self, what: &str) {
        let (name, shown) = (cut(&self.name), shown(self.value));
        let said = format!("`{name}` is {shown}: it should be {what}");
        self.source.problem(&self.span, said);
    }

    /// Its text.
    pub(crate) fn text(&self) -> Option<&'a str> {
        self.text_of("a text in quotes")
    }

    fn text_of(&self, expected: &str) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.expected(expected);
        }
        text
    }

    /// What its text means.
    pub(crate) fn meaning<T>(
        &self,
        expected: &str,
        meaning: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let meant = meaning(self.text_of(expected)?);
        if meant.is_none() {
            self.expected(expected);
        }
        meant
    }

    /// What its text means to a type that says itself what it should be.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&self) -> Option<T> {
        let parsed = self.text()?.parse();
        parsed.map_err(|error| self.problem(error)).ok()
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.meaning(&one_of(&names), |text| {
            let word = words.iter().find(|(word, _)| *word == text);
            word.map(|(_, meant)| *meant)
        })
    }

    /// One of the words that the flag of that name takes.
    pub(crate) fn choice<T: ValueEnum>(&self) -> Option<T> {
        let values = T::value_variants().iter();
        let names: Vec<String> = values
            .filter_map(|value| Some(value.to_possible_value()?.get_name().to_owned()))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.meaning(&one_of(&names), |text| T::from_str(text, false).ok())
    }

    /// A number of bytes above 0.
    pub(crate) fn size(&self) -> Option<NonZeroU64> {
        self.meaning("a size above 0, such as \"64MiB\"", |text| size(text).ok())
    }

    /// A time that is more than none.
    pub(crate) fn time_above_zero(&self) -> Option<Duration> {
        let time = Duration::from_item(self)?;
        if time.is_zero() {
            self.expected("more than no time");
            return None;
        }
        Some(time)
    }

    /// A path; a relative one is relative to the file.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.meaning("a path in quotes", |text| {
            let usable = !text.is_empty() && !text.contains('\0');
            usable.then(|| self.source.directory().join(text))
        })
    }

    /// A path that must lead somewhere; `open` is what will be done with it.
    pub(crate) fn usable_path<T, E: Display>(
        &self,
        open: impl FnOnce(&PathBuf) -> Result<T, E>,
    ) -> Option<PathBuf> {
        let path = self.path()?;
        match open(&path) {
            Ok(_) => Some(path),
            Err(error) => {
                let path = path.display();
                self.problem(format_args!("{path} cannot be used: {error}"));
                None
            }
        }
    }

    /// What is read of each of its items, if it is an array.
    pub(crate) fn list<T>(
        &self,
        expected: &str,
        read: impl FnMut(&Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.items();
        if items.is_none() {
            self.expected(expected);
        }
        Some(items?.iter().filter_map(read).collect())
    }

    /// Its items, if it is an array; says nothing otherwise.
    pub(super) fn items(&self) -> Option<Vec<Self>> {
        let DeValue::Array(array) = self.value else {
            return None;
        };
        let items = array.iter();
        let own = |item| Self::new(self.source, self.name.clone(), item);
        Some(items.map(own).collect())
    }

    /// What is read of each entry of a table whose keys are the user's words.
    pub(crate) fn each<T, C: FromIterator<T>>(
        &self,
        read: impl Fn(&Key<'a>, &Self) -> Option<T>,
    ) -> Option<C> {
        let DeValue::Table(table) = self.value else {
            self.expected("a table");
            return None;
        };
        let entries = table.iter().filter_map(|(key, value)| {
            let name = format!("{}.{}", self.name, key.get_ref());
            let key = Key {
                source: self.source,
                text: key.get_ref(),
                name: name.clone(),
                span: key.span(),
            };
            read(&key, &Self::new(self.source, name, value))
        });
        Some(entries.collect())
    }

    /// What a JSON Pointer leads to in it, as far as it does.
    pub(crate) fn at_pointer(&self, pointer: &str) -> Self {
        let mut at = Self::clone(self);
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = match at.value {
                DeValue::Table(table) => table.get(step.as_str()),
                DeValue::Array(array) => step.parse::<usize>().ok().and_then(|n| array.get(n)),
                _ => None,
            };
            let Some(next) = next else { break };
            at = Self::new(self.source, format!("{}.{step}", at.name), next);
        }
        at
    }

    /// Reads it as a table.
    pub(crate) fn section<T>(&self, read: impl FnOnce(&mut Section<'a>) -> T) -> Option<T> {
        let DeValue::Table(table) = self.value else {
            self.expected("a table");
            return None;
        };
        let name = self.name.clone();
        let mut section = Section::new(self.source, name, self.span.clone(), table);
        let made = read(&mut section);
        section.finish();
        Some(made)
    }
}

/// A key that is the user's own word.
#[derive(Debug)]
pub(crate) struct Key<'a> {
    source: Source<'a>,
    pub(crate) text: &'a str,
    name: String,
    span: Range<usize>,
}

impl Key<'_> {
    /// Says what is wrong with it.
    pub(crate) fn problem(&self, what: impl Display) {
        let name = cut(&self.name);
        self.source.problem(&self.span, format!("`{name}`: {what}"));
    }
}

/// `a`, `b` or `c`, in quotes as they are written.
fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The value, as it is shown to who wrote it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{:?}", cut(text)),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
