//! A library begins with a page that shows how it is used.

use super::Finding;
use super::tree::Tree;

/// Every library below `crates/` opens with a crate doc that holds a code
/// block, and none of its blocks is kept from the compiler.
pub(crate) fn libraries_show_an_example(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.metadata.crates() {
        let Some(library) = package.library() else {
            continue;
        };
        let path = tree.metadata.relative(library);
        let text = tree.text(&path).unwrap_or_default();
        findings.extend(objection(text).map(|(line, what)| Finding::new(&path, line, what)));
    }
    findings
}

/// What is wrong with the crate doc of a root file, and in which line.
fn objection(text: &str) -> Option<(usize, &'static str)> {
    let doc = text.lines().map_while(|line| line.strip_prefix("//!"));
    let doc: Vec<_> = doc.map(str::trim).collect();
    if doc.is_empty() {
        return Some((
            1,
            "does not open with a crate doc: say in `//!` what it is for",
        ));
    }
    // Every other fence opens a block; what follows it says how to treat it.
    let fences = doc.iter().enumerate().filter_map(|(index, line)| {
        let tags = line.strip_prefix("```")?;
        Some((index + 1, tags))
    });
    let blocks: Vec<_> = fences.step_by(2).collect();
    if let Some((line, _)) = blocks.iter().find(|(_, tags)| has_tag(tags, "ignore")) {
        let message = "an example that nobody compiles: take `ignore` out and let it run";
        return Some((*line, message));
    }
    let example = blocks.iter().any(|(_, tags)| is_rust(tags));
    (!example).then_some((1, "the crate doc shows no example: add a block that runs"))
}

fn has_tag(tags: &str, tag: &str) -> bool {
    tags.split(',').any(|own| own.trim().starts_with(tag))
}

/// Whether rustdoc takes a block for Rust: it has no tags, or only its own.
fn is_rust(tags: &str) -> bool {
    const RUSTDOC: [&str; 5] = ["rust", "no_run", "should_panic", "compile_fail", "edition"];
    tags.is_empty() || RUSTDOC.iter().any(|tag| has_tag(tags, tag))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check_tree, tree_of_members};
    use super::*;

    const PATH: &str = "crates/atd-proto/src/lib.rs";

    fn tree_with(library: &str) -> Tree {
        let mut tree = tree_of_members(&[("atd-proto", "[]")]);
        tree.files.insert(PATH.into(), library.into());
        tree
    }

    #[test]
    fn a_crate_doc_with_an_example_is_fine() {
        let library = "//! Says.\n//!\n//! ```no_run\n//! f();\n//! ```\n//! ```text\n//! ```\n";
        check_tree(libraries_show_an_example, &tree_with(library), &[]);
    }

    #[test]
    fn a_library_without_a_crate_doc_is_found() {
        let found =
            format!("{PATH}:1: does not open with a crate doc: say in `//!` what it is for");
        let tree = tree_with("mod frame;\n");
        check_tree(libraries_show_an_example, &tree, &[&found]);
    }

    #[test]
    fn a_crate_doc_without_an_example_is_found() {
        let found = format!("{PATH}:1: the crate doc shows no example: add a block that runs");
        for library in ["//! Says.\n", "//! Says.\n//! ```text\n//! ->\n//! ```\n"] {
            check_tree(libraries_show_an_example, &tree_with(library), &[&found]);
        }
    }

    #[test]
    fn an_example_that_is_ignored_is_found_in_its_line() {
        let found =
            format!("{PATH}:2: an example that nobody compiles: take `ignore` out and let it run");
        let tree = tree_with("//! Says.\n//! ```rust,ignore\n//! f();\n//! ```\n");
        check_tree(libraries_show_an_example, &tree, &[&found]);
    }
}
