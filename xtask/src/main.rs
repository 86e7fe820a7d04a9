//! What a maintainer of this workspace types: `cargo xtask --help`.
//!
//! This file is the table of commands. Each command lives in the module of its
//! name; [`report`] times its steps, and [`cargo`] runs cargo for it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a maintainer reads what a command found on stdout and what it does on stderr"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::Report;

mod bench;
mod cargo;
mod ci;
mod conformance;
mod metadata;
mod report;
mod soak;
mod test;
mod tidy;

/// What a maintainer of this workspace types.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", arg_required_else_help = true)]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything a change must pass, in the order that finds a mistake soonest
    Ci(ci::Options),
    /// Run the tests as README.md tells users to
    Test(test::Options),
    /// Measure with Criterion and print one table
    Bench(bench::Options),
    /// The long forms of what the tests promise: many connections, many calls, many cursors
    Soak(soak::Options),
    /// Ten million frames that are nearly right, against the decoders
    Fuzz,
    /// The published conformance suite against our `atd`; installs it where it is missing
    Conformance,
    /// Check what the compiler does not: layers, manifests, files, documents
    Tidy,
}

fn main() -> ExitCode {
    let command = Xtask::parse().command;
    let mut report = Report::default();
    let result = match command {
        Command::Ci(options) => ci::run(&options, &mut report),
        Command::Test(options) => test::run(&options, &mut report),
        Command::Bench(options) => bench::run(&options, &mut report),
        Command::Soak(options) => soak::run(&options, &mut report),
        Command::Fuzz => soak::fuzz(&mut report),
        Command::Conformance => conformance::run(&mut report),
        Command::Tidy => tidy::run(&mut report),
    };
    report.print_times();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Xtask::command().debug_assert();
    }
}
