//! `cargo xtask test`: the tests, as README.md tells users to run them.

use std::ffi::OsString;

use anyhow::Result;
use clap::Args;

use crate::cargo::{Cargo, cargo};
use crate::report::{Outcome, Report};

/// What to hand on.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Handed to `cargo test --workspace`
    #[arg(allow_hyphen_values = true)]
    args: Vec<OsString>,
    /// Handed to the test binaries
    #[arg(last = true, value_name = "BINARY_ARGS")]
    binary_args: Vec<OsString>,
}

impl Options {
    fn command(&self) -> Cargo {
        let command = cargo("test --workspace").args(&self.args);
        if self.binary_args.is_empty() {
            return command;
        }
        command.arg("--").args(&self.binary_args)
    }
}

/// Runs `cargo test --workspace` with the arguments given.
pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    report.step("test", || {
        options.command().run()?;
        Ok(Outcome::Passed)
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn arguments_reach_cargo_as_they_were_typed() {
        for typed in [
            "",
            "a_filter",
            "--no-run --test frames",
            "-p atd-proto a_filter -- --nocapture",
            "-- --nocapture a_filter",
        ] {
            let words = typed.split_whitespace();
            let line = Line::try_parse_from(["test"].into_iter().chain(words));
            let command = line.expect("anything goes").options.command();
            let expected = format!("cargo test --workspace {typed}");
            assert_eq!(command.to_string(), expected.trim_end());
        }
    }
}
