//! A fact about all packages stands once, in the workspace's manifest.

use toml::Spanned;
use toml::de::DeValue;

use super::Finding;
use super::manifest::{Manifest, is_inherited};
use super::tree::Tree;

const INHERITED: &[[&str; 2]] = &[
    ["package", "version"],
    ["package", "edition"],
    ["package", "rust-version"],
    ["package", "license"],
];

/// Members take version, edition, Rust version, licence, lints and the version
/// of every dependency from the workspace.
pub(crate) fn members_inherit(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in Manifest::of_members(tree) {
        let mut report = |line, message: String| {
            findings.push(Finding::new(manifest.path, line, message));
        };
        for [table, key] in INHERITED {
            let value = manifest.get(&[table, key]);
            if !value.is_some_and(|value| is_inherited(value.get_ref())) {
                let line = match value {
                    Some(_) => manifest.line_of(&[table, key]),
                    None => manifest.line_of(&[table]),
                };
                report(
                    line,
                    format!("`{key}` is its own: write `{key}.workspace = true`"),
                );
            }
        }
        let lints = manifest.get(&["lints"]);
        if !lints.is_some_and(|lints| is_inherited(lints.get_ref())) {
            let wanted = "the lints are its own: write `[lints]` with `workspace = true`";
            report(manifest.line_of(&["lints"]), wanted.into());
        }
        for dependency in manifest.dependencies() {
            if !is_inherited(dependency.value) {
                let key = dependency.key;
                let wanted = format!(
                    "`{key}` has a version of its own: name it in `[workspace.dependencies]` \
                     and write `{key} = {{ workspace = true, … }}`"
                );
                report(dependency.line, wanted);
            }
        }
    }
    findings
}

/// The workspace turns default features off, since a member cannot; each then
/// names what it uses.
pub(crate) fn defaults_are_off(tree: &Tree) -> Vec<Finding> {
    let manifest = Manifest::of_workspace(tree);
    let defaults_on = manifest.workspace_dependencies().filter(|dependency| {
        let defaults = dependency.value.get("default-features");
        defaults.map(Spanned::get_ref).and_then(DeValue::as_bool) != Some(false)
    });
    defaults_on
        .map(|dependency| {
            let message = format!(
                "`{}` brings its default features to every member: write \
                 `default-features = false` here and the features a member uses there",
                dependency.key
            );
            Finding::new(manifest.path, dependency.line, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, check_tree, tree_of_members};
    use super::*;

    #[test]
    fn a_member_that_inherits_everything_is_fine() {
        let mut tree = tree_of_members(&[("atd-proto", "[]")]);
        let manifest = "[package]\nname = \"atd-proto\"\nversion.workspace = true\n\
            edition.workspace = true\nrust-version.workspace = true\n\
            license.workspace = true\n[dependencies]\nserde = { workspace = true }\n\
            [lints]\nworkspace = true\n";
        tree.files
            .insert("crates/atd-proto/Cargo.toml".into(), manifest.into());
        check_tree(members_inherit, &tree, &[]);
    }

    #[test]
    fn a_fact_that_a_member_repeats_is_found_in_its_line() {
        let mut tree = tree_of_members(&[("atd-proto", "[]")]);
        let manifest = "[package]\nname = \"atd-proto\"\nversion = \"0.1.0\"\n\
            edition.workspace = true\nrust-version.workspace = true\n\
            [lints.rust]\nmissing_docs = \"allow\"\n\
            [dev-dependencies]\nserde = \"1\"\n";
        tree.files
            .insert("crates/atd-proto/Cargo.toml".into(), manifest.into());
        check_tree(
            members_inherit,
            &tree,
            &[
                "crates/atd-proto/Cargo.toml:3: `version` is its own: write \
                 `version.workspace = true`",
                "crates/atd-proto/Cargo.toml:1: `license` is its own: write \
                 `license.workspace = true`",
                "crates/atd-proto/Cargo.toml:6: the lints are its own: write `[lints]` with \
                 `workspace = true`",
                "crates/atd-proto/Cargo.toml:9: `serde` has a version of its own: name it in \
                 `[workspace.dependencies]` and write `serde = { workspace = true, … }`",
            ],
        );
    }

    #[test]
    fn default_features_that_are_on_are_found() {
        let root = "[workspace.dependencies]\nserde = \"1\"\n\
            time = { version = \"1\", default-features = true }\n\
            bytes = { version = \"1\", default-features = false }\n";
        let says = |line, name| {
            format!(
                "Cargo.toml:{line}: `{name}` brings its default features to every member: \
                 write `default-features = false` here and the features a member uses there"
            )
        };
        check(
            defaults_are_off,
            &[("Cargo.toml", root)],
            &[&says(2, "serde"), &says(3, "time")],
        );
    }
}
