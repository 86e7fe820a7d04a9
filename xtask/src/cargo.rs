//! Running cargo: every command is echoed before it starts.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// The directory of the workspace's own `Cargo.toml`.
pub(crate) fn workspace_root() -> Result<&'static Path> {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().context("xtask has no parent directory")
}

/// A cargo command to be run in the workspace's root.
#[derive(Debug, Default)]
pub(crate) struct Cargo {
    args: Vec<OsString>,
    envs: Vec<(&'static str, OsString)>,
}

/// Starts a command from words that hold no blanks: `cargo("fmt --check")`.
pub(crate) fn cargo(words: &str) -> Cargo {
    Cargo::default().args(words.split_whitespace())
}

impl Cargo {
    /// Adds one argument as it is.
    pub(crate) fn arg(self, arg: impl AsRef<OsStr>) -> Self {
        self.args([arg])
    }

    /// Adds arguments as they are.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.extend(args);
        self
    }

    /// Sets an environment variable for this command.
    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((name, value.as_ref().to_owned()));
        self
    }

    /// Runs the command with this terminal's output; an exit other than zero
    /// is an error.
    pub(crate) fn run(&self) -> Result<()> {
        let status = self.command()?.status();
        self.expect_success(status.context("cargo did not start")?)
    }

    /// Runs the command and returns what it wrote to stdout; an exit other
    /// than zero is an error.
    pub(crate) fn capture(&self) -> Result<String> {
        let output = self.command()?.stderr(Stdio::inherit()).output();
        let output = output.context("cargo did not start")?;
        self.expect_success(output.status)?;
        String::from_utf8(output.stdout).with_context(|| format!("`{self}` wrote no UTF-8"))
    }

    /// Whether the command ends well; its output goes nowhere.
    pub(crate) fn succeeds(&self) -> Result<bool> {
        let mut command = self.command()?;
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        Ok(status.context("cargo did not start")?.success())
    }

    fn command(&self) -> Result<Command> {
        eprintln!("$ {self}");
        // `cargo run` leaves the path of the very cargo that runs us.
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(&self.args)
            .envs(self.envs.iter().map(|(name, value)| (name, value)))
            .current_dir(workspace_root()?);
        Ok(command)
    }

    fn expect_success(&self, status: ExitStatus) -> Result<()> {
        if !status.success() {
            bail!("`{self}` ended with {status}");
        }
        Ok(())
    }
}

/// As one would type it into a shell.
impl std::fmt::Display for Cargo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, value) in &self.envs {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str("cargo")?;
        self.args
            .iter()
            .try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_=./,:+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn an_echoed_command_can_be_pasted_into_a_shell() {
        let doc = cargo("doc --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            doc.to_string(),
            "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps"
        );
        let bench = cargo("bench --").args(["it's", ""]);
        assert_eq!(bench.to_string(), r"cargo bench -- 'it'\''s' ''");
    }

    #[test]
    fn a_command_that_fails_is_told_with_its_exit_status() {
        // What wait(2) says of a process that exited with 101.
        let status = ExitStatus::from_raw(101 << 8);
        let error = cargo("test -p xtask").expect_success(status);
        assert_eq!(
            error.expect_err("101 is no success").to_string(),
            "`cargo test -p xtask` ended with exit status: 101"
        );
    }
}
