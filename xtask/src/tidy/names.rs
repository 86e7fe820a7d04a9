//! The documents speak of crates that exist.

use super::Finding;
use super::tree::Tree;

/// The documents that tell a reader what is where.
const DOCUMENTS: &[&str] = &["ARCHITECTURE.md", "README.md"];

/// Names of that form that are no members, and what they are.
const NOT_MEMBERS: &[(&str, &str)] = &[
    ("atd-cap", "the command of a UCAN token"),
    (
        "atd-conformance",
        "published: its suite runs against our server",
    ),
    ("atd-mcp-bridge", "published: it talks to our server"),
    (
        "atd-protocol",
        "published: the messages as atd-sdk has them",
    ),
    ("atd-sdk", "published: a client of our server"),
];

/// Every `atd-…` that stands alone between backticks, or below `crates/`, is a
/// member.
pub(crate) fn documents_name_crates_that_exist(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for &path in DOCUMENTS {
        let Some(text) = tree.text(path) else {
            findings.push(Finding::new(path, 1, "is missing: a reader starts there"));
            continue;
        };
        for (line, name) in crate_names(text) {
            let known = NOT_MEMBERS.iter().any(|(known, _)| *known == name)
                || tree.metadata.member(name).is_some();
            if !known {
                let message = format!(
                    "`{name}` is no crate of this workspace: name one that is, or add it to the \
                     list in xtask/src/tidy/names.rs"
                );
                findings.push(Finding::new(path, line, message));
            }
        }
    }
    findings
}

/// The crates named in a document's prose, each with its line.
fn crate_names(text: &str) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    let mut in_fence = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        let spans = line.split('`').skip(1).step_by(2);
        let names_here = spans
            .map(|span| span.trim_start_matches("crates/").trim_end_matches('/'))
            .filter(|span| is_crate_name(span));
        names.extend(names_here.map(|name| (index + 1, name)));
    }
    names
}

fn is_crate_name(span: &str) -> bool {
    span.strip_prefix("atd-").is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, check_tree, tree_of_members};
    use super::*;

    #[test]
    fn a_crate_long_gone_is_found_in_its_line() {
        let mut tree = tree_of_members(&[("atd-proto", "[]")]);
        tree.files.insert("README.md".into(), String::new());
        tree.files.insert(
            "ARCHITECTURE.md".into(),
            "`atd-proto` speaks as `atd-sdk` does,\n`atd call` calls, `crates/atd-old/` rots\n\
             ```\n`atd-in-code`\n```\n"
                .into(),
        );
        check_tree(
            documents_name_crates_that_exist,
            &tree,
            &[
                "ARCHITECTURE.md:2: `atd-old` is no crate of this workspace: name one that is, \
                 or add it to the list in xtask/src/tidy/names.rs",
            ],
        );
    }

    #[test]
    fn a_missing_document_is_found() {
        check(
            documents_name_crates_that_exist,
            &[("ARCHITECTURE.md", "")],
            &["README.md:1: is missing: a reader starts there"],
        );
    }
}
