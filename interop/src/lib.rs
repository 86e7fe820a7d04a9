//! Starts the `atd` that `ATD_BIN` names, for the tests to talk to.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Where the binary is.
///
/// # Panics
/// When nothing says so.
pub fn atd() -> std::ffi::OsString {
    std::env::var_os("ATD_BIN")
        .expect("ATD_BIN names the binary; `cargo xtask ci --only interop` sets it")
}

/// An `atd serve` in a directory of its own. Dropping it ends it.
#[derive(Debug)]
pub struct Serving {
    process: Child,
    directory: TempDir,
}

impl Serving {
    /// Starts a server whose root holds `notes.txt`, and waits until it
    /// listens.
    ///
    /// # Panics
    /// When it does not start: then there is nothing to test.
    pub fn start(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("notes.txt"), "one\ntwo\n").expect("a file");
        let mut process = Command::new(atd())
            .arg("serve")
            .args(flags)
            .arg("--socket")
            .arg(directory.path().join("atd.sock"))
            .arg("--root")
            .arg(directory.path())
            .stderr(Stdio::piped())
            .spawn()
            .expect("atd starts");
        let said = process.stderr.take().expect("standard error is piped");
        let mut lines = BufReader::new(said).lines();
        let listening = lines.any(|line| line.is_ok_and(|line| line.contains("listening")));
        assert!(listening, "atd ended before it listened");
        // What it says later is nobody's here, but it must not block on it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, directory }
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("atd.sock")
    }

    /// Ends it as a service manager would, and returns its audit log.
    ///
    /// # Panics
    /// When it does not end well.
    pub fn audit_log(mut self) -> String {
        let pid = self.process.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(told.expect("kill runs").success());
        assert!(self.process.wait().expect("atd ends").success());
        std::fs::read_to_string(self.directory.path().join("audit.jsonl")).expect("the log")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
