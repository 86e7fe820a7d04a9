//! The Rust version that the workspace declares is one it compiles with.

use super::Finding;
use super::manifest::Manifest;
use super::tree::Tree;

/// The workspace declares a Rust version, and nothing in the lock file, for
/// whatever platform, asks for a newer one.
pub(crate) fn dependencies_keep_our_rust_version(tree: &Tree) -> Vec<Finding> {
    let manifest = Manifest::of_workspace(tree);
    let declared = manifest.get(&["workspace", "package", "rust-version"]);
    let Some(ours) = declared.and_then(|declared| declared.get_ref().as_str()) else {
        let message = "no Rust version is declared: write `rust-version` in `[workspace.package]`";
        return vec![Finding::new("Cargo.toml", 1, message)];
    };
    let mut findings = Vec::new();
    for package in &tree.metadata.packages {
        let Some(theirs) = &package.rust_version else {
            continue;
        };
        if !tree.metadata.is_member(package) && parts(theirs) > parts(ours) {
            let (name, version) = (&package.name, &package.version);
            let message = format!(
                "{name} {version} asks for Rust {theirs}, we promise {ours}: \
                 take an older one with `cargo update {name} --precise`, or raise `rust-version`"
            );
            let line = lock_line(tree.text("Cargo.lock").unwrap_or_default(), name, version);
            findings.push(Finding::new("Cargo.lock", line, message));
        }
    }
    findings
}

/// `1.88` as numbers, so that 1.9 comes before 1.10; a missing part is 0.
fn parts(version: &str) -> [u32; 3] {
    let mut parts = [0; 3];
    for (part, digits) in parts.iter_mut().zip(version.split('.')) {
        *part = digits.parse().unwrap_or(0);
    }
    parts
}

fn lock_line(lock: &str, name: &str, version: &str) -> usize {
    let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
    let start = lock.find(&entry).unwrap_or(0);
    1 + lock[..start].matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, check_tree, tree_of_members};
    use super::*;
    use crate::metadata::Metadata;

    const ROOT: &str = "[workspace.package]\nrust-version = \"1.88\"\n";

    fn tree_with_dependency(rust_version: &str) -> Tree {
        let mut tree = tree_of_members(&[]);
        tree.metadata = Metadata::parse(&format!(
            r#"{{"workspace_members": [], "target_directory": "target", "workspace_root": "",
                 "packages": [{{"id": "new", "name": "new", "version": "2.0.0", "targets": [],
                 "manifest_path": "new/Cargo.toml", "dependencies": [], "features": {{}},
                 "rust_version": "{rust_version}"}}]}}"#
        ))
        .expect("the fixture is metadata");
        tree.files.insert("Cargo.toml".into(), ROOT.into());
        let lock = "version = 4\n\n[[package]]\nname = \"new\"\nversion = \"2.0.0\"\n";
        tree.files.insert("Cargo.lock".into(), lock.into());
        tree
    }

    #[test]
    fn a_dependency_newer_than_our_promise_is_found_in_the_lock_file() {
        check_tree(
            dependencies_keep_our_rust_version,
            &tree_with_dependency("1.88.1"),
            &[
                "Cargo.lock:4: new 2.0.0 asks for Rust 1.88.1, we promise 1.88: \
                 take an older one with `cargo update new --precise`, or raise `rust-version`",
            ],
        );
    }

    #[test]
    fn an_older_or_equal_rust_version_is_fine() {
        for version in ["1.9", "1.88", "1.88.0"] {
            let tree = tree_with_dependency(version);
            check_tree(dependencies_keep_our_rust_version, &tree, &[]);
        }
    }

    #[test]
    fn a_workspace_that_promises_nothing_is_found() {
        check(
            dependencies_keep_our_rust_version,
            &[("Cargo.toml", "[workspace.package]\n")],
            &[
                "Cargo.toml:1: no Rust version is declared: write `rust-version` in \
                 `[workspace.package]`",
            ],
        );
    }
}
