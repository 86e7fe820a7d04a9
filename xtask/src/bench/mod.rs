//! `cargo xtask bench`: run Criterion, then say in one table what it measured;
//! or run the comparison with what one would use instead; or count instructions.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::cargo::{Cargo, cargo};
use crate::metadata::Metadata;
use crate::report::{Outcome, Report};

mod before;
pub(crate) mod compare;
mod comparison;
mod estimates;
pub(crate) mod guard;
mod page;
mod readme;
mod table;

/// The package of the benches.
const PACKAGE: &str = "benches";

/// What to measure, and how long.
#[derive(Args, Debug, Default)]
pub(crate) struct Options {
    /// Run only the benchmarks whose name matches this regular expression
    #[arg(long, value_name = "REGEX")]
    filter: Option<String>,
    /// Measure shortly: to see that the benches run, and about how fast
    #[arg(long)]
    quick: bool,
    /// Measure ours beside what one would use instead, and nothing else
    #[arg(long)]
    compare: bool,
    /// Measure nothing: take what the last comparison found
    #[arg(long, requires = "compare", conflicts_with_all = ["filter", "quick"])]
    last: bool,
    /// Write the figures in the READMEs anew, from a whole run
    #[arg(long, requires = "compare", conflicts_with_all = ["filter", "quick"])]
    readme: bool,
    /// Count the instructions of the hot paths, and hold them against the figures
    /// that the repository keeps
    #[arg(long, conflicts_with_all = ["filter", "quick", "compare", "save", "against"])]
    guard: bool,
    /// Keep what is counted as the new figures
    #[arg(long, requires = "guard")]
    accept: bool,
    /// Keep the results under this name
    #[arg(long, value_name = "NAME", conflicts_with = "against")]
    save: Option<String>,
    /// Compare with the results kept under this name
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
}

impl Options {
    /// All benchmarks, shortly.
    pub(crate) fn quick() -> Self {
        Self {
            quick: true,
            ..Self::default()
        }
    }

    /// The command that measures. `--bench '*'` leaves out what is no Criterion
    /// bench, such as the package's library, and would not know the flags.
    fn command(&self) -> Cargo {
        let mut command = cargo("bench -p").arg(PACKAGE).args(["--bench", "*", "--"]);
        command = command.arg("--noplot");
        if self.quick {
            // Criterion stops as soon as two readings agree; this bounds the
            // wait for a benchmark whose readings never do.
            command = command.args(["--quick", "--measurement-time", "1"]);
        }
        if let Some(name) = &self.save {
            command = command.args(["--save-baseline", name]);
        }
        if let Some(name) = &self.against {
            command = command.args(["--baseline", name]);
        }
        command.args(&self.filter)
    }
}

/// Runs [`measure`] as a command's only step.
pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    match options {
        Options { accept: true, .. } => report.step("guard", guard::accept),
        Options { guard: true, .. } => report.step("guard", guard::check),
        Options { compare: true, .. } => report.step("compare", || compare::measure(options)),
        _ => report.step("bench", || measure(options)),
    }
}

/// Runs the benches and prints what they measured.
pub(crate) fn measure(options: &Options) -> Result<Outcome> {
    let metadata = Metadata::read()?;
    if !has_benches(&metadata) {
        let why = format!("the package `{PACKAGE}` has no bench");
        return Ok(Outcome::Skipped(why));
    }
    let directory = metadata.target_directory.join("criterion");
    // Results of earlier runs lie there too, of benchmarks long gone as well.
    let before = estimates::stamps(&directory);
    options.command().env("CRITERION_HOME", &directory).run()?;
    print(&directory, &before, options.against.is_some());
    Ok(Outcome::Passed)
}

fn has_benches(metadata: &Metadata) -> bool {
    let targets = metadata.member(PACKAGE).map(|package| &package.targets);
    targets.is_some_and(|targets| targets.iter().any(|target| target.is("bench")))
}

fn print(directory: &Path, before: &estimates::Stamps, compared: bool) {
    let mut rows = Vec::new();
    for new in estimates::written_since(directory, before) {
        match estimates::read(&new, compared) {
            Ok(row) => rows.push(row),
            Err(error) => eprintln!("passed over: {error:#}"),
        }
    }
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    print!("\n{}", table::render(&rows, compared));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_those_of_criterion() {
        let base = "cargo bench -p benches --bench '*' -- --noplot";
        assert_eq!(Options::default().command().to_string(), base);
        let save = Options {
            quick: true,
            save: Some("main".into()),
            ..Options::default()
        };
        assert_eq!(
            save.command().to_string(),
            format!("{base} --quick --measurement-time 1 --save-baseline main")
        );
        let against = Options {
            filter: Some("^frame".into()),
            against: Some("main".into()),
            ..Options::default()
        };
        assert_eq!(
            against.command().to_string(),
            format!("{base} --baseline main '^frame'")
        );
    }
}
