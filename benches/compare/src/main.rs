//! Ours beside what one would use instead: the published `atd-runtime` and
//! `atd-server`, `tracing-appender`, and a bare echo server as the floor.
//! `cargo xtask bench --compare` builds and runs it.
//!
//! A case gives each of them the same work, in rounds: each has one round in
//! turn, so whatever else the machine does meets all of them. The ratio is
//! taken of each round by itself; the table has its median, least and
//! greatest. What each case measures, and what it leaves out, is said in the
//! module that makes it: [`sinks`], [`gate`], [`dispatch`], [`socket`].
//!
//! All are one build: one optimisation level and one allocator, and one set of
//! features for what they share, such as `serde_json` and tokio.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table goes to stdout, and what is being done to stderr"
)]

mod bars;
mod clock;
mod dispatch;
mod echo;
mod gate;
mod json;
mod latencies;
mod measure;
mod names;
mod place;
mod process;
mod rounds;
mod rows;
mod serve;
mod sinks;
mod socket;
mod statistics;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use regex_lite::Regex;

use crate::measure::Case;
use crate::place::Place;
use crate::rounds::Effort;

/// Ours beside what one would use instead.
#[derive(Debug, Parser)]
struct Compare {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What this program starts itself as, to be measured
    #[command(hide = true)]
    Serve(serve::Options),
}

#[derive(Args, Debug)]
struct Options {
    /// Run only the cases whose name matches this regular expression
    #[arg(long, value_name = "REGEX")]
    filter: Option<Regex>,
    /// Measure only ours, as for a profile
    #[arg(long)]
    alone: bool,
    /// How many rounds each has [default: 9, or 3 if quick]
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Short rounds, few of them, and the longest cases only where a filter names them
    #[arg(long)]
    quick: bool,
    /// Write all that was measured there too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// A folder on a disk for the audit logs [default: beside this program]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Say what the cases are and stop
    #[arg(long)]
    list: bool,
}

impl Options {
    fn effort(&self) -> Effort {
        let (rounds, slice) = match self.quick {
            true => (3, Duration::from_millis(100)),
            false => (9, Duration::from_millis(500)),
        };
        Effort {
            rounds: self.rounds.unwrap_or(rounds).max(1),
            slice,
        }
    }

    fn wants(&self, case: &Case) -> bool {
        match &self.filter {
            None => case.quick || !self.quick,
            Some(filter) => filter.is_match(&case.name),
        }
    }
}

fn main() -> Result<()> {
    let Compare { options, command } = Compare::parse();
    match command {
        Some(Command::Serve(served)) => serve::run(&served),
        None => compare(&options),
    }
}

/// All that is compared, in the order of the table.
fn cases() -> Vec<Case> {
    [
        sinks::cases(),
        gate::cases(),
        dispatch::cases(),
        socket::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn compare(options: &Options) -> Result<()> {
    let cases: Vec<_> = cases()
        .into_iter()
        .filter(|case| options.wants(case))
        .collect();
    ensure!(!cases.is_empty(), "no case has such a name: see --list");
    if options.list {
        cases.iter().for_each(|case| println!("{}", case.name));
        return Ok(());
    }
    process::raise_file_limit()?;
    let place = Place::new(options.dir.as_deref())?;
    let effort = options.effort();
    let mut rows = Vec::new();
    for (number, case) in cases.into_iter().enumerate() {
        eprintln!("{:>3}  {}", number + 1, case.name);
        let mut subjects = (case.make)(&place).with_context(|| case.name.clone())?;
        if options.alone {
            subjects.truncate(1);
        }
        let series = rounds::run(subjects, case.most, effort);
        let series = series.with_context(|| case.name.clone())?;
        rows.extend(rows::rows(&case.name, &case.shown, &series));
    }
    println!("\n{}", table::render(&rows));
    println!(
        "Ratios are of ours to the other's: the median of {} rounds [least – greatest].",
        effort.rounds
    );
    if let Some(file) = &options.json {
        json::write(file, &rows, effort)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Compare::command().debug_assert();
    }

    #[test]
    fn no_two_cases_have_one_name() {
        let mut names: Vec<_> = cases().into_iter().map(|case| case.name).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
