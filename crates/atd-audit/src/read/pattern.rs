//! Names with `*` in them.

/// A name, in which each `*` stands for any text, and for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(String);

impl Pattern {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Each part is looked for behind the one before it, where it comes first:
    /// if there is a place for all of them, these are such places.
    pub(super) fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else {
            return self.0 == name;
        };
        let Some(mut name) = name.strip_prefix(first) else {
            return false;
        };
        let (middle, last) = match rest.rsplit_once('*') {
            Some((middle, last)) => (Some(middle), last),
            None => (None, rest),
        };
        for part in middle.into_iter().flat_map(|parts| parts.split('*')) {
            match name.find(part) {
                Some(found) => name = &name[found + part.len()..],
                None => return false,
            }
        }
        name.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let check = |pattern: &str, name, expected| {
            assert_eq!(
                Pattern::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        };
        check("ref:fs.read", "ref:fs.read", true);
        check("ref:fs.read", "ref:fs.reader", false);
        check("ref:*", "ref:fs.read", true);
        check("ref:*", "ref:", true);
        check("*", "", true);
        check("*.read", "ref:fs.read", true);
        check("*.read", "ref:fs.reader", false);
        check("r*f*d", "ref:fs.read", true);
        check("a*a", "a", false);
        check("a*bc*bc", "abcbc", true);
        check("a*bc*bc", "abc", false);
        check("a**b", "ab", true);
        check("*é*", "caféine", true);
    }
}
