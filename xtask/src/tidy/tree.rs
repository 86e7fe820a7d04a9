//! All that the rules look at, read once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::light::LIGHT;
use crate::cargo::{cargo, workspace_root};
use crate::metadata::Metadata;

/// What holds nothing of ours, whatever it lies in; in a linked working tree
/// `.git` is a file.
const NOT_OURS: &[&str] = &[".git", "target"];

/// The workspace as text and data.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// The text files by their path from the root, with `/`.
    pub(crate) files: BTreeMap<String, String>,
    /// What `cargo metadata` says.
    pub(crate) metadata: Metadata,
    /// What `cargo tree` says of the crates in [`LIGHT`]: all that a user of
    /// the crate's default features builds, a line a package.
    pub(crate) built_for_users: BTreeMap<String, String>,
}

impl Tree {
    /// Reads the workspace that this xtask belongs to.
    pub(crate) fn read() -> Result<Self> {
        let mut tree = Self {
            metadata: Metadata::read()?,
            ..Self::default()
        };
        for &name in LIGHT {
            let built = cargo("tree --edges normal --prefix none --package").arg(name);
            tree.built_for_users
                .insert(name.to_owned(), built.capture()?);
        }
        let root = workspace_root()?;
        tree.read_directory(root, "")
            .context("the workspace could not be read")?;
        Ok(tree)
    }

    /// The file of that path, if it is there.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// The Rust sources, by path.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .filter(|(path, _)| Path::new(path).extension().is_some_and(|ext| ext == "rs"))
    }

    fn read_directory(&mut self, directory: &Path, prefix: &str) -> Result<()> {
        let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let (file, kind) = (entry.path(), entry.file_type()?);
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if NOT_OURS.contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                self.read_directory(&file, &format!("{path}/"))?;
            } else if kind.is_file() {
                let bytes = fs::read(&file).with_context(|| path.clone())?;
                // What is no text has no lines to point at.
                if let Ok(text) = String::from_utf8(bytes) {
                    self.files.insert(path, text);
                }
            }
        }
        Ok(())
    }

    /// A tree of these paths and texts, and nothing else.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|&(path, text)| (path.into(), text.into()));
        Self {
            files: files.collect(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_and_what_is_built_or_no_text_is_not() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path();
        for directory in ["src", "fuzz/target"] {
            fs::create_dir_all(root.join(directory)).expect("a directory");
        }
        for file in ["src/lib.rs", "fuzz/target/built.rs"] {
            fs::write(root.join(file), "text").expect("a file");
        }
        fs::write(root.join("image.png"), [0xff]).expect("a file");
        let mut tree = Tree::default();
        tree.read_directory(root, "").expect("all can be read");
        assert!(tree.files.keys().eq(["src/lib.rs"]), "{:?}", tree.files);
    }
}
