//! `cargo xtask tidy`: rules of this workspace that the compiler does not know.
//!
//! A rule is a function from the [`Tree`] to its [`Finding`]s, in the file of
//! its name below; [`RULES`] lists them. Whatever touches the disk or starts a
//! process is done before, in [`Tree::read`], so every rule is tested on text.

use anyhow::{Result, bail};

use crate::report::{Outcome, Report};

use tree::Tree;

mod crate_docs;
mod layers;
mod length;
mod light;
mod manifest;
mod manifests;
mod msrv;
mod names;
mod tree;
mod words;

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    crate_docs::libraries_show_an_example,
    layers::crates_and_rows_match,
    layers::edges_keep_the_table,
    length::files_are_short,
    light::leaves_pull_no_runtime,
    manifests::members_inherit,
    manifests::defaults_are_off,
    msrv::dependencies_keep_our_rust_version,
    names::documents_name_crates_that_exist,
    words::banned_words_are_absent,
];

/// One thing that is wrong, and what would be right.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

/// The form that editors jump from.
impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Runs [`check_workspace`] as a command's only step.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    report.step("tidy", check_workspace)
}

/// Prints what is wrong with the workspace, one line each; fails if anything is.
pub(crate) fn check_workspace() -> Result<Outcome> {
    let tree = Tree::read()?;
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(Outcome::Passed),
        1 => bail!("1 finding"),
        many => bail!("{many} findings"),
    }
}

/// What the tests of the rules share.
#[cfg(test)]
mod testing {
    use super::{Rule, Tree};
    use crate::metadata::Metadata;

    /// Asserts what a rule finds in files of these paths and texts.
    #[track_caller]
    pub(super) fn check(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
        check_tree(rule, &Tree::of(files), expected);
    }

    /// Asserts what a rule finds in a tree.
    #[track_caller]
    pub(super) fn check_tree(rule: Rule, tree: &Tree, expected: &[&str]) {
        let found: Vec<_> = rule(tree).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    /// A workspace of libraries below `crates/`, each given by its name and its
    /// dependencies as `cargo metadata` has them; the files are left to the test.
    pub(super) fn tree_of_members(members: &[(&str, &str)]) -> Tree {
        let packages: Vec<_> = members
            .iter()
            .map(|(name, dependencies)| package(name, dependencies))
            .collect();
        let ids: Vec<_> = members.iter().map(|(name, _)| name).collect();
        let metadata = format!(
            r#"{{"packages": [{}], "workspace_members": {ids:?},
                 "workspace_root": "/ws", "target_directory": "/ws/target"}}"#,
            packages.join(",")
        );
        Tree {
            metadata: Metadata::parse(&metadata).expect("the fixture is metadata"),
            ..Tree::default()
        }
    }

    fn package(name: &str, dependencies: &str) -> String {
        format!(
            r#"{{"id": "{name}", "name": "{name}", "version": "0.1.0", "features": {{}},
                 "manifest_path": "/ws/crates/{name}/Cargo.toml", "dependencies": {dependencies},
                 "targets": [{{"name": "{name}", "kind": ["lib"],
                               "src_path": "/ws/crates/{name}/src/lib.rs"}}]}}"#
        )
    }
}
