//! What `cargo metadata` says, as far as we ask.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cargo::cargo;

/// The workspace and everything in its lock file.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Metadata {
    /// Our packages and all they lean on, for every platform.
    pub(crate) packages: Vec<Package>,
    /// The ids of our packages.
    pub(crate) workspace_members: Vec<String>,
    /// Where cargo builds.
    pub(crate) target_directory: PathBuf,
    /// The directory of the workspace's manifest.
    pub(crate) workspace_root: PathBuf,
}

/// One package of the lock file.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// What `workspace_members` calls it.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// The oldest Rust it says it compiles with.
    pub(crate) rust_version: Option<String>,
    /// The absolute path of its manifest.
    pub(crate) manifest_path: PathBuf,
    /// What its manifest asks for, optional ones included.
    pub(crate) dependencies: Vec<Dependency>,
    /// Its features and what each turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// What is built from it.
    pub(crate) targets: Vec<Target>,
}

/// One line of a `[dependencies]` table.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The name of the package.
    pub(crate) name: String,
    /// The name it goes by in the manifest, where that is another.
    pub(crate) rename: Option<String>,
    /// Which table it stands in.
    #[serde(default)]
    pub(crate) kind: Kind,
    /// Whether it comes with a feature only.
    pub(crate) optional: bool,
}

/// Which of a manifest's three tables a dependency stands in.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(from = "Option<KindName>")]
pub(crate) enum Kind {
    /// `[dependencies]`, for whoever uses the crate.
    #[default]
    Normal,
    /// `[build-dependencies]`, for its build script.
    Build,
    /// `[dev-dependencies]`, for its tests, examples and benches.
    Dev,
}

/// How cargo spells a [`Kind`]; a normal dependency's is `null`.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    Build,
    Dev,
}

impl From<Option<KindName>> for Kind {
    fn from(name: Option<KindName>) -> Self {
        match name {
            None => Self::Normal,
            Some(KindName::Build) => Self::Build,
            Some(KindName::Dev) => Self::Dev,
        }
    }
}

/// One library, binary, test, example, bench or build script.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    /// What it is, such as `lib`, `bin` or `bench`.
    pub(crate) kind: Vec<String>,
    /// The absolute path of its root source file.
    pub(crate) src_path: PathBuf,
}

impl Metadata {
    /// Asks cargo.
    pub(crate) fn read() -> Result<Self> {
        let json = cargo("metadata --format-version 1").capture()?;
        Self::parse(&json)
    }

    /// Reads what cargo wrote.
    pub(crate) fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).context("cargo metadata has a shape that xtask does not know")
    }

    /// Our own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.is_member(package))
    }

    /// The member of that name.
    pub(crate) fn member(&self, name: &str) -> Option<&Package> {
        self.members().find(|package| package.name == name)
    }

    /// Our packages below `crates/`: all but the tooling.
    pub(crate) fn crates(&self) -> impl Iterator<Item = &Package> {
        self.members()
            .filter(|package| self.relative(&package.manifest_path).starts_with("crates/"))
    }

    /// Whether a package is ours.
    pub(crate) fn is_member(&self, package: &Package) -> bool {
        self.workspace_members.contains(&package.id)
    }

    /// A path as a finding names it: from the workspace's root, with `/`.
    pub(crate) fn relative(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.workspace_root).unwrap_or(path);
        path.to_string_lossy().replace('\\', "/")
    }
}

impl Package {
    /// The root source file of its library.
    pub(crate) fn library(&self) -> Option<&Path> {
        let library = self.targets.iter().find(|target| target.is("lib"))?;
        Some(&library.src_path)
    }
}

impl Target {
    /// Whether it is of that kind.
    pub(crate) fn is(&self, kind: &str) -> bool {
        self.kind.iter().any(|own| own == kind)
    }
}
