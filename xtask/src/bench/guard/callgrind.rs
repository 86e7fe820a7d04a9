//! What callgrind counts of a program.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What is counted: this function of the program, on the thread that calls it.
const COUNTED: &str = "*hot_paths*counted*";

/// A program that goes one path at a time.
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// The file that callgrind writes.
    pub(super) out: PathBuf,
}

/// Whether there is a valgrind to count with.
pub(super) fn exists() -> bool {
    let mut version = Command::new("valgrind");
    let status = version.arg("--version").stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Program {
    /// The paths that it has.
    pub(super) fn paths(&self) -> Result<Vec<String>> {
        let names = output(&self.path, [""; 0])?;
        let names: Vec<_> = names.lines().map(str::to_owned).collect();
        ensure!(!names.is_empty(), "{} names no path", self.path.display());
        Ok(names)
    }

    /// How many instructions one time along this path takes.
    pub(super) fn count(&self, path: &str) -> Result<u64> {
        if let Some(folder) = self.out.parent() {
            fs::create_dir_all(folder)?;
        }
        let out = format!("--callgrind-out-file={}", self.out.display());
        let toggle = format!("--toggle-collect={COUNTED}");
        let program = self.path.display().to_string();
        let arguments = ["--tool=callgrind", "-q", &toggle, &out, &program, path];
        let times: u64 = output("valgrind", arguments)?.trim().parse()?;
        ensure!(times > 0, "it did nothing");
        let profile = fs::read_to_string(&self.out)?;
        let total = total(&profile).context("callgrind wrote no total")?;
        ensure!(total > 0, "the program has no function like {COUNTED}");
        Ok(total / times)
    }
}

/// What a program says; its ending other than well is an error.
pub(super) fn output<A: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = A>,
) -> Result<String> {
    let name = program.as_ref().to_string_lossy().into_owned();
    let mut command = Command::new(program);
    let output = command.args(arguments).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("`{name}` did not start"))?;
    ensure!(
        output.status.success(),
        "`{name}` ended with {}",
        output.status
    );
    String::from_utf8(output.stdout).with_context(|| format!("`{name}` wrote no UTF-8"))
}

/// The instructions of a whole profile.
fn total(profile: &str) -> Option<u64> {
    let line = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals:"));
    line?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found_below_the_lines_of_the_functions() {
        let profile = "version: 1\nevents: Ir\nsummary: 7\n\nfn=(1)\n12 7\n\ntotals: 7\n";
        assert_eq!(total(profile), Some(7));
        assert_eq!(total("version: 1\nevents: Ir\n"), None);
    }

    #[test]
    fn a_program_that_fails_is_named() {
        let error = output("false", [""; 0]).expect_err("it always fails");
        assert!(
            error.to_string().starts_with("`false` ended with"),
            "{error}"
        );
    }
}
