//! `cargo xtask soak`: the long forms of the promises whose short forms run
//! with the tests. The tests are the same; `ATD_LONG` makes them large.

use anyhow::Result;
use clap::Args;

use crate::cargo::cargo;
use crate::report::{Outcome, Report};

/// Which of them to run.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Run these only; all of them if none is named
    #[arg(value_parser = names())]
    only: Vec<String>,
}

/// Where the tests of each are.
const SOAKS: &[(&str, &[&str])] = &[
    (
        "audit",
        &["-p", "atd-audit", "--all-features", "--test", "logs"],
    ),
    ("connections", &["-p", "atd-server", "--test", "soak"]),
    ("cursors", &["-p", "atd-server", "--lib"]),
    ("fuzz", &["-p", "atd-proto", "--test", "fuzz"]),
];

fn names() -> clap::builder::PossibleValuesParser {
    SOAKS
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .into()
}

/// Runs the long forms, one test at a time: they look at the whole process.
pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    for (name, tests) in SOAKS {
        if options.only.is_empty() || options.only.iter().any(|only| only == name) {
            report.step(name, || long_form(tests))?;
        }
    }
    Ok(())
}

/// `cargo xtask fuzz` is the soak of that name.
pub(crate) fn fuzz(report: &mut Report) -> Result<()> {
    let only = vec!["fuzz".to_owned()];
    run(&Options { only }, report)
}

fn long_form(tests: &[&str]) -> Result<Outcome> {
    cargo("test --release")
        .args(tests)
        .args(["--", "--test-threads=1", "--nocapture"])
        .env("ATD_LONG", "1")
        .run()?;
    Ok(Outcome::Passed)
}
