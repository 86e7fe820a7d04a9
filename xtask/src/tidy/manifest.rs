//! A `Cargo.toml` whose values know their lines.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::tree::Tree;
use crate::metadata::Kind;

/// A manifest as it is written, before cargo fills in what it inherits.
pub(crate) struct Manifest<'t> {
    /// Its path from the workspace's root.
    pub(crate) path: &'t str,
    text: &'t str,
    root: DeValue<'t>,
}

/// One line of a table of dependencies.
pub(crate) struct Declared<'m> {
    /// Which table it stands in.
    pub(crate) kind: Kind,
    /// What stands left of the `=`.
    pub(crate) key: &'m str,
    /// What stands right of it.
    pub(crate) value: &'m DeValue<'m>,
    /// The line of the key.
    pub(crate) line: usize,
}

impl<'t> Manifest<'t> {
    /// Reads a manifest. Cargo has accepted it before, or there would be no
    /// metadata; so what cannot be read here is passed over.
    pub(crate) fn read(path: &'t str, text: &'t str) -> Self {
        let (root, _) = DeTable::parse_recoverable(text);
        let root = DeValue::Table(root.into_inner());
        Self { path, text, root }
    }

    /// The manifest of the workspace.
    pub(crate) fn of_workspace(tree: &'t Tree) -> Self {
        Self::read("Cargo.toml", tree.text("Cargo.toml").unwrap_or_default())
    }

    /// The manifests of the workspace's members.
    pub(crate) fn of_members(tree: &'t Tree) -> impl Iterator<Item = Self> {
        tree.metadata.members().filter_map(|member| {
            let path = tree.metadata.relative(&member.manifest_path);
            let (path, text) = tree.files.get_key_value(&path)?;
            Some(Self::read(path, text))
        })
    }

    /// The value below these keys.
    pub(crate) fn get(&self, keys: &[&str]) -> Option<&Spanned<DeValue<'t>>> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.root.get(*first)?, |value, key| {
            value.get_ref().get(*key)
        })
    }

    /// The line that the value below these keys begins in, or the first.
    pub(crate) fn line_of(&self, keys: &[&str]) -> usize {
        self.get(keys).map_or(1, |value| self.line(value.span()))
    }

    /// Everything this package declares that it depends on, for any platform.
    pub(crate) fn dependencies(&self) -> Vec<Declared<'_>> {
        let platforms = self
            .root
            .get("target")
            .and_then(|it| it.get_ref().as_table());
        let platforms = platforms.into_iter().flat_map(|table| table.values());
        std::iter::once(&self.root)
            .chain(platforms.map(Spanned::get_ref))
            .flat_map(|scope| {
                let normal = self.declared(scope.get("dependencies"), Kind::Normal);
                let build = self.declared(scope.get("build-dependencies"), Kind::Build);
                let dev = self.declared(scope.get("dev-dependencies"), Kind::Dev);
                normal.chain(build).chain(dev)
            })
            .collect()
    }

    /// What `[workspace.dependencies]` holds.
    pub(crate) fn workspace_dependencies(&self) -> impl Iterator<Item = Declared<'_>> {
        let table = self.get(&["workspace", "dependencies"]);
        self.declared(table, Kind::Normal)
    }

    fn declared<'m>(
        &'m self,
        table: Option<&'m Spanned<DeValue<'t>>>,
        kind: Kind,
    ) -> impl Iterator<Item = Declared<'m>> {
        let table = table.and_then(|table| table.get_ref().as_table());
        table
            .into_iter()
            .flatten()
            .map(move |(key, value)| Declared {
                kind,
                key: key.get_ref(),
                value: value.get_ref(),
                line: self.line(key.span()),
            })
    }

    fn line(&self, span: Range<usize>) -> usize {
        1 + self.text[..span.start].matches('\n').count()
    }
}

/// Whether a value says `workspace = true`.
pub(crate) fn is_inherited(value: &DeValue<'_>) -> bool {
    let workspace = value.get("workspace").map(Spanned::get_ref);
    workspace.and_then(DeValue::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_every_table_and_platform_are_seen_in_their_lines() {
        let manifest = Manifest::read(
            "Cargo.toml",
            "[dependencies]\na = \"1\"\n\n[dev-dependencies.b]\nworkspace = true\n\n\
             [target.'cfg(unix)'.build-dependencies]\nc.workspace = true\n",
        );
        let found: Vec<_> = manifest
            .dependencies()
            .iter()
            .map(|it| (it.kind, it.key, it.line, is_inherited(it.value)))
            .collect();
        assert_eq!(
            found,
            [
                (Kind::Normal, "a", 2, false),
                (Kind::Dev, "b", 4, true),
                (Kind::Build, "c", 8, true),
            ]
        );
    }
}
