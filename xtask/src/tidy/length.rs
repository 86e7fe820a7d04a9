//! A file is one idea, so it is short.

use super::Finding;
use super::tree::Tree;

/// The most lines that a Rust source may have.
const LIMIT: usize = 500;

/// Sources that may be longer, each with the reason why it is still one idea.
const LONGER: &[(&str, &str)] = &[];

/// No source is longer than the limit, and no exception is there for nothing.
pub(crate) fn files_are_short(tree: &Tree) -> Vec<Finding> {
    findings(tree, LONGER)
}

fn findings(tree: &Tree, longer: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.sources() {
        let lines = text.lines().count();
        let excepted = longer.iter().any(|(excepted, _)| *excepted == path);
        if lines > LIMIT && !excepted {
            let message = format!(
                "{lines} lines, {LIMIT} are the limit: look for the idea that wants a file of \
                 its own, or give the reason in xtask/src/tidy/length.rs"
            );
            findings.push(Finding::new(path, LIMIT + 1, message));
        }
    }
    for (path, _) in longer {
        let text = tree.text(path).unwrap_or_default();
        if text.lines().count() <= LIMIT {
            let message = "is not longer than the limit: \
                 take its exception out of xtask/src/tidy/length.rs";
            findings.push(Finding::new(path, 1, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn a_source_over_the_limit_is_found_and_one_at_the_limit_is_not() {
        check(
            files_are_short,
            &[
                ("long.rs", &"\n".repeat(501)),
                ("long.txt", &"\n".repeat(501)),
                ("short.rs", &"\n".repeat(500)),
            ],
            &[
                "long.rs:501: 501 lines, 500 are the limit: look for the idea that wants a file \
                 of its own, or give the reason in xtask/src/tidy/length.rs",
            ],
        );
    }

    #[test]
    fn an_exception_lets_a_long_source_pass_and_a_short_one_not() {
        let long = "\n".repeat(501);
        let tree = Tree::of(&[("long.rs", &long), ("short.rs", "")]);
        let longer = [("long.rs", "one table"), ("short.rs", "was one table")];
        let found = findings(&tree, &longer);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, "short.rs");
    }
}
