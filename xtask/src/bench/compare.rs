//! `cargo xtask bench --compare`: the package `benches/compare`, which is no
//! member of the workspace, since none of what it compares with is to enter
//! our lock file.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::comparison::Comparison;
use super::{Options, before, page, readme};
use crate::cargo::{Cargo, cargo, workspace_root};
use crate::metadata::Metadata;
use crate::report::Outcome;

const MANIFEST: &str = "benches/compare/Cargo.toml";

/// Where it is built and what it finds is written.
struct Places {
    target: PathBuf,
    json: PathBuf,
    /// The same for people.
    page: PathBuf,
}

/// Builds and runs it.
pub(super) fn measure(options: &Options) -> Result<Outcome> {
    let places = Places::of(&Metadata::read()?);
    fs::create_dir_all(places.json.with_file_name(""))?;
    // Asked for first: a run takes long, and what it is held against may be missing.
    let against = options.against.as_deref();
    let before = against.map(|name| before::load(&places.json, name));
    let before = before.transpose()?;
    if !options.last {
        command(options, &places).run()?;
    }
    let comparison = Comparison::read(&places.json)?;
    report(&comparison, options, &places)?;
    if let Some(before) = before {
        print!(
            "\nOurs, before and now:\n{}",
            before::table(&before, &comparison)
        );
    }
    if let Some(name) = &options.save {
        before::save(&places.json, name)?;
    }
    if options.readme {
        readme::write(&comparison, &typed(&comparison, options), workspace_root()?)?;
    }
    Ok(Outcome::Passed)
}

/// Writes the page of what was measured.
fn report(comparison: &Comparison, options: &Options, places: &Places) -> Result<()> {
    let data = places.json.file_name().unwrap_or_default();
    let page = page::render(
        comparison,
        &data.to_string_lossy(),
        &typed(comparison, options),
    );
    fs::write(&places.page, page)?;
    println!(
        "All that was measured is in {}, and to be looked at in {}.",
        places.json.display(),
        places.page.display()
    );
    Ok(())
}

/// What to type for such a run.
fn typed(comparison: &Comparison, options: &Options) -> String {
    let mut command = cargo("xtask bench --compare");
    // Of the last run the options are not known, but how long its rounds were.
    if comparison.is_quick() {
        command = command.arg("--quick");
    }
    if let Some(filter) = &options.filter {
        command = command.args(["--filter", filter]);
    }
    command.to_string()
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
            page: built.join("bench/report.html"),
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
            page: "/t/bench/report.html".into(),
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
