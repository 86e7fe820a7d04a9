//! `cargo xtask conformance`: the published conformance suite against `atd`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cargo::{cargo, workspace_root};
use crate::metadata::Metadata;
use crate::report::{Outcome, Report};

/// The suite that other servers are held against.
const SUITE: &str = "atd-conformance";
const VERSION: &str = "1.1.0";

/// Runs the suite against `atd serve --conformance-tools`.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    report.step("conformance", || {
        let built = Metadata::read()?.target_directory;
        let suite = suite(&built)?;
        cargo("build -p atd-cli --bin atd").run()?;
        let folder = built.join("conformance");
        let _serving = Serving::start(&built.join("debug/atd"), &folder)?;
        let socket = format!("unix:{}", folder.join("atd.sock").display());
        eprintln!("$ {} --target {socket}", suite.display());
        let status = Command::new(&suite).args(["--target", &socket]).status();
        let status = status.context("the suite did not start")?;
        if !status.success() {
            bail!("the suite ended with {status}");
        }
        Ok(Outcome::Passed)
    })
}

/// The suite's program, installed below the target directory where it is
/// missing, so that nothing of the user's is touched.
fn suite(built: &Path) -> Result<PathBuf> {
    let root = built.join("suite");
    let program = root.join("bin").join(SUITE);
    if !program.exists() {
        cargo("install --locked")
            .arg(SUITE)
            .args(["--version", VERSION])
            .arg("--root")
            .arg(&root)
            .env("CARGO_TARGET_DIR", root.join("target"))
            .run()?;
    }
    Ok(program)
}

/// A server for the suite. Dropping it ends it.
struct Serving(Child);

impl Serving {
    fn start(atd: &Path, folder: &Path) -> Result<Self> {
        // What an earlier run left is not this one's.
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        // One of the suite's cases reads it.
        std::fs::copy(
            workspace_root()?.join("Cargo.toml"),
            folder.join("Cargo.toml"),
        )?;
        let mut process = Command::new(atd)
            .args(["serve", "--conformance-tools", "--grant", "read"])
            .arg("--socket")
            .arg(folder.join("atd.sock"))
            .arg("--root")
            .arg(folder)
            .stderr(Stdio::piped())
            .spawn()
            .context("atd did not start")?;
        let said = process.stderr.take().context("its output is piped")?;
        let serving = Self(process);
        let mut lines = BufReader::new(said).lines();
        if !lines.any(|line| line.is_ok_and(|line| line.contains("listening"))) {
            bail!("atd ended before it listened");
        }
        // It must not wait for anybody to read what it says later.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(serving)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
