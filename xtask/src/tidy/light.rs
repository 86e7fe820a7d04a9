//! The leaves of the workspace stay light: whoever wants the messages or the
//! audit sinks alone builds no async runtime for them.

use super::Finding;
use super::tree::Tree;

/// Crates that must stay light.
pub(crate) const LIGHT: &[&str] = &["atd-proto", "atd-audit"];

/// What is not light: a runtime, or what only a runtime uses.
const RUNTIMES: &[&str] = &["async-std", "mio", "smol", "tokio", "tokio-util"];

/// With default features, a light crate builds no runtime for its users.
pub(crate) fn leaves_pull_no_runtime(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for &name in LIGHT {
        let built = tree.built_for_users.get(name).map_or("", String::as_str);
        for runtime in RUNTIMES.iter().filter(|runtime| builds(built, runtime)) {
            let message = format!(
                "`{name}` builds `{runtime}` by default: put what needs it behind a feature; \
                 `cargo tree -p {name} -e normal -i {runtime}` shows who asks for it"
            );
            findings.push(Finding::new(
                &format!("crates/{name}/Cargo.toml"),
                1,
                message,
            ));
        }
    }
    findings
}

/// Whether a package is in the output of `cargo tree --prefix none`.
fn builds(cargo_tree: &str, name: &str) -> bool {
    let mut packages = cargo_tree.lines().filter_map(|line| line.split(' ').next());
    packages.any(|package| package == name)
}

#[cfg(test)]
mod tests {
    use super::super::testing::check_tree;
    use super::*;

    fn tree_with(built: &str) -> Tree {
        let mut tree = Tree::default();
        tree.built_for_users
            .insert("atd-proto".into(), built.into());
        tree
    }

    #[test]
    fn a_runtime_anywhere_in_the_tree_is_found() {
        check_tree(
            leaves_pull_no_runtime,
            &tree_with("atd-proto v0.1.0 (crates/atd-proto)\nbytes v1.12.2\ntokio v1.54.1\n"),
            &[
                "crates/atd-proto/Cargo.toml:1: `atd-proto` builds `tokio` by default: put what \
                 needs it behind a feature; `cargo tree -p atd-proto -e normal -i tokio` shows \
                 who asks for it",
            ],
        );
    }

    #[test]
    fn a_name_that_only_begins_alike_is_fine() {
        let tree = tree_with("atd-proto v0.1.0\ntokio-macros-like v1.0.0\n");
        check_tree(leaves_pull_no_runtime, &tree, &[]);
    }
}
