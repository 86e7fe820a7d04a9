//! A table that is read key by key.

use std::ops::Range;

use toml::de::DeTable;

use super::document::Source;
use super::problem::cut;
use super::{FromItem, Item};

/// A table that is read key by key.
///
/// ```text
/// section.set("root", &mut settings.root);
/// section.within("limits", |section| {
///     section.set("max_in_flight", &mut settings.limits.in_flight);
/// });
/// ```
///
/// Each key of the table that was not asked for is a problem, which says what
/// may have been meant.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    source: Source<'a>,
    /// With dots, such as `tool.cli`; empty for the whole file.
    name: String,
    span: Range<usize>,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn whole(source: Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self::new(source, String::new(), 0..0, table)
    }

    pub(super) fn new(
        source: Source<'a>,
        name: String,
        span: Range<usize>,
        table: &'a DeTable<'a>,
    ) -> Self {
        Self {
            source,
            name,
            span,
            table,
            asked: Vec::new(),
        }
    }

    /// The value of a key, as it stands there.
    pub(crate) fn item(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.asked.push(key);
        let value = self.table.get(key)?;
        Some(Item::new(self.source, self.name_of(key), value))
    }

    /// The value of a key, if it is there and is as it should be.
    pub(crate) fn get<T: FromItem>(&mut self, key: &'static str) -> Option<T> {
        self.get_with(key, T::from_item)
    }

    /// The same, read in another way.
    pub(crate) fn get_with<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Item<'a>) -> Option<T>,
    ) -> Option<T> {
        read(&self.item(key)?)
    }

    /// The value of a key that must be there.
    pub(crate) fn need<T: FromItem>(&mut self, key: &'static str) -> Option<T> {
        self.need_with(key, T::from_item)
    }

    /// The same, read in another way.
    pub(crate) fn need_with<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Item<'a>) -> Option<T>,
    ) -> Option<T> {
        if !self.table.contains_key(key) {
            let lacks = format!("`{}` is missing", self.name_of(key));
            self.source.problem(&self.span, lacks);
        }
        self.get_with(key, read)
    }

    /// Puts the value of a key there, if it is as it should be.
    pub(crate) fn set<T: FromItem>(&mut self, key: &'static str, to: &mut T) {
        self.set_with(key, to, T::from_item);
    }

    /// The same, read in another way.
    pub(crate) fn set_with<T>(
        &mut self,
        key: &'static str,
        to: &mut T,
        read: impl FnOnce(&Item<'a>) -> Option<T>,
    ) {
        if let Some(value) = self.get_with(key, read) {
            *to = value;
        }
    }

    /// Reads the table of a key, if there is one.
    pub(crate) fn within<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        self.item(key)?.section(read)
    }

    /// Reads each of the tables of a key: `[[key]]`.
    pub(crate) fn each<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let Some(item) = self.item(key) else {
            return Vec::new();
        };
        let Some(tables) = item.items() else {
            item.expected(&format!("`[[{key}]]`, once for each"));
            return Vec::new();
        };
        let read = tables.iter().filter_map(|table| table.section(&mut read));
        read.collect()
    }

    /// Says of each key that was not asked for that it is unknown.
    pub(super) fn finish(self) {
        for key in self.table.keys() {
            let known = self.asked.iter().any(|known| *known == key.get_ref());
            if !known {
                let name = cut(&self.name_of(key.get_ref()));
                let advice = advice(key.get_ref(), &self.asked);
                let what = format!("`{name}` is unknown: {advice}");
                self.source.problem(&key.span(), what);
            }
        }
    }

    fn name_of(&self, key: &str) -> String {
        match self.name.as_str() {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }
}

/// The longest key that is compared with those that are known, in bytes.
const COMPARED: usize = 64;

/// What may have been meant by a key that nobody knows.
fn advice(key: &str, known: &[&str]) -> String {
    let meant = key.to_lowercase().replace('-', "_");
    let near = known.iter().map(|known| (distance(&meant, known), known));
    match near.filter(|_| meant.len() <= COMPARED).min() {
        Some((distance, known)) if distance <= known.len().div_ceil(3) => {
            format!("did you mean `{known}`?")
        }
        _ => format!("it should be one of {}", known.join(", ")),
    }
}

/// How far a key is from one that is known; one that holds the other is near.
fn distance(key: &str, known: &str) -> usize {
    let holds = key.len() > 3 && known.len() > 3 && (key.contains(known) || known.contains(key));
    if holds {
        return 1;
    }
    strsim::osa_distance(key, known)
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn a_key_that_is_nearly_known_is_what_was_meant() {
        let known = ["max_in_flight", "caller_rate", "root"];
        for (key, meant) in [
            ("max-in-flight", "max_in_flight"),
            ("in_flight", "max_in_flight"),
            ("max_inflight", "max_in_flight"),
            ("Root", "root"),
            ("calller_rate", "caller_rate"),
        ] {
            assert_eq!(advice(key, &known), format!("did you mean `{meant}`?"));
        }
        let listed = "it should be one of max_in_flight, caller_rate, root";
        assert_eq!(advice("colour", &known), listed);
    }
}
