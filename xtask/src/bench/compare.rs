//! `cargo xtask bench --compare`: the package `benches/compare`, which is no
//! member of the workspace, since none of what it compares with is to enter
//! our lock file.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::Options;
use crate::cargo::{Cargo, cargo};
use crate::metadata::Metadata;
use crate::report::Outcome;

const MANIFEST: &str = "benches/compare/Cargo.toml";

/// Where it is built and what it finds is written.
struct Places {
    target: PathBuf,
    json: PathBuf,
}

/// Builds and runs it.
pub(super) fn measure(options: &Options) -> Result<Outcome> {
    let places = Places::of(&Metadata::read()?);
    fs::create_dir_all(places.json.with_file_name(""))?;
    command(options, &places).run()?;
    println!("All that was measured is in {}.", places.json.display());
    Ok(Outcome::Passed)
}

/// Builds it without a warning and runs its tests, but measures nothing.
pub(crate) fn check() -> Result<Outcome> {
    let places = Places::of(&Metadata::read()?);
    let manifest = |command: &str| {
        let command = cargo(command).args(["--manifest-path", MANIFEST]);
        command.env("CARGO_TARGET_DIR", &places.target)
    };
    manifest("fmt").arg("--check").run()?;
    let clippy = manifest("clippy").args(["--locked", "--all-targets"]);
    clippy.args(["--", "-D", "warnings"]).run()?;
    manifest("test").arg("--locked").run()?;
    Ok(Outcome::Passed)
}

fn command(options: &Options, places: &Places) -> Cargo {
    let mut command = cargo("run --release --locked --manifest-path")
        .arg(MANIFEST)
        .env("CARGO_TARGET_DIR", &places.target)
        .args(["--", "--json"])
        .arg(&places.json);
    if options.quick {
        command = command.arg("--quick");
    }
    if let Some(filter) = &options.filter {
        command = command.args(["--filter", filter]);
    }
    command
}

impl Places {
    fn of(metadata: &Metadata) -> Self {
        let built = &metadata.target_directory;
        Self {
            target: built.join("compare"),
            json: built.join("bench/compare.json"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_those_of_the_comparison() {
        let places = Places {
            target: "/t/compare".into(),
            json: "/t/bench/compare.json".into(),
        };
        let options = Options {
            quick: true,
            filter: Some("^sink/".into()),
            ..Options::default()
        };
        assert_eq!(
            command(&options, &places).to_string(),
            "CARGO_TARGET_DIR=/t/compare cargo run --release --locked --manifest-path \
             benches/compare/Cargo.toml -- --json /t/bench/compare.json --quick --filter '^sink/'"
        );
    }
}
