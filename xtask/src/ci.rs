//! `cargo xtask ci`: the one gate. What it asks is the table [`STEPS`].

use anyhow::{Result, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::bench;
use crate::cargo::{cargo, workspace_root};
use crate::metadata::{Metadata, Package};
use crate::report::{Outcome, Report};
use crate::tidy;

/// The version that the gate installs and that `deny.toml` was written for.
const CARGO_DENY: &str = "0.20.2";

/// Which part of the gate to run.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Run this step only; may be given more than once
    #[arg(long, value_name = "STEP", value_parser = step_names())]
    only: Vec<String>,
    /// Say what the steps are and stop
    #[arg(long)]
    list: bool,
    /// Let the step `deny` also ask the advisory database, over the network
    #[arg(long)]
    advisories: bool,
}

struct Step {
    name: &'static str,
    holds: &'static str,
    run: fn(&Options) -> Result<Outcome>,
}

/// Cheap questions first; what is built by one step is used by the next.
const STEPS: &[Step] = &[
    Step {
        name: "format",
        holds: "rustfmt has nothing to change",
        run: format,
    },
    Step {
        name: "tidy",
        holds: "layers, manifests, files and documents keep the rules of `cargo xtask tidy`",
        run: tidy,
    },
    Step {
        name: "clippy",
        holds: "no warning in any target with all features on, no panic by design outside tests",
        run: clippy,
    },
    Step {
        name: "alone",
        holds: "each crate builds alone without a warning: no features, default ones, each one",
        run: alone,
    },
    Step {
        name: "test",
        holds: "tests and doc tests pass with all features on",
        run: test,
    },
    Step {
        name: "test-alone",
        holds: "each crate's tests pass alone, with the features it asks for itself",
        run: test_alone,
    },
    Step {
        name: "docs",
        holds: "the documentation builds without a warning",
        run: docs,
    },
    Step {
        name: "deny",
        holds: "dependencies keep deny.toml",
        run: deny,
    },
    Step {
        name: "benches",
        holds: "the benches build and run",
        run: benches,
    },
    Step {
        name: "guard",
        holds: "no hot path takes 5 % more instructions than the figures of the repository say",
        run: guard,
    },
    Step {
        name: "example",
        holds: "a program outside the workspace logs, crashes and recovers with atd-audit alone",
        run: example,
    },
    Step {
        name: "compare",
        holds: "the comparison with the published crates builds without a warning",
        run: compare,
    },
    Step {
        name: "interop",
        holds: "the published crates of this protocol talk with our `atd`",
        run: interop,
    },
];

fn step_names() -> PossibleValuesParser {
    STEPS
        .iter()
        .map(|step| step.name)
        .collect::<Vec<_>>()
        .into()
}

/// Runs the steps asked for, or says what they are.
pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    if options.list {
        for Step { name, holds, .. } in STEPS {
            println!("{name:10}  {holds}");
        }
        return Ok(());
    }
    for step in STEPS {
        if options.only.is_empty() || options.only.iter().any(|name| name == step.name) {
            report.step(step.name, || (step.run)(options))?;
        }
    }
    Ok(())
}

fn format(_: &Options) -> Result<Outcome> {
    cargo("fmt --all --check").run()?;
    Ok(Outcome::Passed)
}

fn tidy(_: &Options) -> Result<Outcome> {
    tidy::check_workspace()
}

fn clippy(_: &Options) -> Result<Outcome> {
    cargo("clippy --workspace --all-targets --all-features -- -D warnings").run()?;
    // In a test a panic is the way to fail; elsewhere it needs a reason.
    cargo("clippy --workspace --lib --bins --all-features -- -D warnings")
        .args(["-D", "clippy::expect_used", "-D", "clippy::panic"])
        .args(["-D", "clippy::unwrap_used"])
        .run()?;
    Ok(Outcome::Passed)
}

/// In a workspace build each crate gets the features that any other asks for,
/// so a feature that it forgot to ask for shows only when it is built alone.
/// Clippy stands in for `cargo check`: it compiles the same and can refuse
/// warnings in our crates only, such as what a missing feature leaves unused.
fn alone(_: &Options) -> Result<Outcome> {
    for package in Metadata::read()?.crates() {
        for selection in feature_selections(package) {
            cargo("clippy -p")
                .arg(&package.name)
                .args(selection)
                .args(["--", "-D", "warnings"])
                .run()?;
        }
    }
    Ok(Outcome::Passed)
}

/// What to pass to build with no feature, the default ones, and each alone.
/// Where the default is to have none, that is said once.
fn feature_selections(package: &Package) -> Vec<Vec<&str>> {
    let default = package.features.get("default");
    let mut selections = vec![vec!["--no-default-features"]];
    if default.is_some_and(|features| !features.is_empty()) {
        selections.push(Vec::new());
    }
    for feature in package.features.keys().filter(|name| *name != "default") {
        selections.push(vec!["--no-default-features", "--features", feature]);
    }
    selections
}

fn test(_: &Options) -> Result<Outcome> {
    cargo("test --workspace --all-features").run()?;
    Ok(Outcome::Passed)
}

fn test_alone(_: &Options) -> Result<Outcome> {
    for package in Metadata::read()?.crates() {
        cargo("test -p").arg(&package.name).run()?;
    }
    Ok(Outcome::Passed)
}

fn docs(_: &Options) -> Result<Outcome> {
    cargo("doc --workspace --no-deps --all-features")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(Outcome::Passed)
}

/// Advisories are asked for apart: they need a network and change by the day,
/// and the gate says the same thing of the same commit wherever it runs.
fn deny(options: &Options) -> Result<Outcome> {
    if !cargo("deny --version").succeeds()? {
        bail!(
            "cargo-deny is missing; this installs it: \
             `cargo install --locked cargo-deny --version {CARGO_DENY}`"
        );
    }
    let checks: &[&str] = match options.advisories {
        true => &["advisories", "bans", "licenses", "sources"],
        false => &["bans", "licenses", "sources"],
    };
    cargo("deny check").args(checks).run()?;
    Ok(Outcome::Passed)
}

fn benches(_: &Options) -> Result<Outcome> {
    bench::measure(&bench::Options::quick())
}

fn guard(_: &Options) -> Result<Outcome> {
    bench::guard::check()
}

/// The package `benches/compare` is no member of the workspace. Its numbers are
/// for `cargo xtask bench --compare`: a gate says the same wherever it runs.
fn compare(_: &Options) -> Result<Outcome> {
    bench::compare::check()
}

/// The package in `crates/atd-audit/example` is no member of the workspace: it
/// stands for a program of somebody else's that has one dependency.
fn example(_: &Options) -> Result<Outcome> {
    const MANIFEST: &str = "crates/atd-audit/example/Cargo.toml";
    if !workspace_root()?.join(MANIFEST).exists() {
        return Ok(Outcome::Skipped(format!("there is no {MANIFEST}")));
    }
    let built = Metadata::read()?.target_directory.join("example");
    let place = built.join("audit-alone");
    if place.exists() {
        std::fs::remove_dir_all(&place)?;
    }
    cargo(&format!("run --manifest-path {MANIFEST} --locked --"))
        .arg(&place)
        .env("CARGO_TARGET_DIR", built)
        .run()?;
    Ok(Outcome::Passed)
}

/// The package `interop` is no member of the workspace: it leans on what is
/// published under the names that our crates have. Its tests start the binary
/// that `ATD_BIN` names.
fn interop(_: &Options) -> Result<Outcome> {
    if !workspace_root()?.join("interop/Cargo.toml").exists() {
        return Ok(Outcome::Skipped("there is no interop/Cargo.toml".into()));
    }
    cargo("build -p atd-cli --bin atd").run()?;
    cargo("build -p atd-runtime --example pages").run()?;
    let built = Metadata::read()?.target_directory;
    cargo("test --manifest-path interop/Cargo.toml --locked")
        .env("CARGO_TARGET_DIR", built.join("interop"))
        .env("ATD_BIN", built.join("debug/atd"))
        .env("ATD_PAGES_BIN", built.join("debug/examples/pages"))
        .run()?;
    Ok(Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selections(features: &str) -> Vec<String> {
        let package = serde_json::from_str(&format!(
            r#"{{"id": "x", "name": "x", "version": "1.0.0", "manifest_path": "Cargo.toml",
                 "dependencies": [], "targets": [], "features": {features}}}"#,
        ));
        let package: Package = package.expect("the fixture is a package");
        let selections = feature_selections(&package);
        selections.iter().map(|words| words.join(" ")).collect()
    }

    #[test]
    fn a_crate_is_built_with_no_default_and_each_feature() {
        assert_eq!(
            selections(r#"{"default": ["a"], "a": [], "b": ["a"]}"#),
            [
                "--no-default-features",
                "",
                "--no-default-features --features a",
                "--no-default-features --features b",
            ]
        );
    }

    #[test]
    fn a_crate_whose_default_is_no_feature_is_built_so_once() {
        assert_eq!(selections("{}"), ["--no-default-features"]);
        assert_eq!(selections(r#"{"default": []}"#), ["--no-default-features"]);
    }

    #[test]
    fn the_gate_installs_the_cargo_deny_that_the_message_names() {
        let gate = include_str!("../../.ci/run");
        assert!(gate.contains(&format!("--version {CARGO_DENY}")), "{gate}");
    }
}
