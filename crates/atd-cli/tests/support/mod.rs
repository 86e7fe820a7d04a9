//! Runs the binary as somebody at a shell does.
#![allow(dead_code, reason = "each test program uses its part of it")]

pub(crate) mod configured;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use tempfile::TempDir;

pub(crate) fn atd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atd"));
    command
        .env_remove("ATD_SOCKET")
        .env_remove("ATD_CURSOR_KEY")
        .env_remove("ATD_AUDIT_LOG")
        .env_remove("ATD_LOG")
        .env_remove("ATD_METRICS")
        .env_remove("NO_COLOR");
    command
}

/// An `atd serve` in a directory of its own. Dropping it kills it.
pub(crate) struct Serving {
    process: Child,
    said: BufReader<Box<dyn Read + Send>>,
    pub(crate) greeting: String,
    folder: TempDir,
}

impl Serving {
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::spawn(atd(), flags)
    }

    /// Starts `command`, which is `atd` or something that becomes it.
    pub(crate) fn spawn(command: Command, flags: &[&str]) -> Self {
        Self::spawn_in(command, flags, tempfile::tempdir().unwrap())
    }

    pub(crate) fn spawn_in(mut command: Command, flags: &[&str], folder: TempDir) -> Self {
        std::fs::write(folder.path().join("notes.txt"), "one\ntwo\n").unwrap();
        let mut process = command
            .arg("serve")
            .args(flags)
            .env("ATD_SOCKET", folder.path().join("atd.sock"))
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = process.stderr.take().unwrap();
        let mut said: BufReader<Box<dyn Read + Send>> = BufReader::new(Box::new(said));
        let mut greeting = String::new();
        // The end of what it says first, as text or in a document.
        let ends = ["From another terminal:\n  ", "From another terminal:\\n  "];
        while !ends.iter().any(|end| greeting.contains(end)) {
            let read = said.read_line(&mut greeting).unwrap();
            assert!(read > 0, "atd ended before it listened: {greeting}");
        }
        Self {
            process,
            said,
            greeting,
            folder,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder().join("atd.sock")
    }

    /// Runs another `atd` with this server's socket.
    pub(crate) fn ask(&self, args: &[&str]) -> Output {
        let mut command = atd();
        command.args(args).env("ATD_SOCKET", self.socket());
        command.output().unwrap()
    }

    pub(crate) fn tell(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.process.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Ends it with SIGTERM; what it exited with and what it said last.
    pub(crate) fn end(&mut self) -> (ExitStatus, String) {
        self.tell(rustix::process::Signal::TERM);
        self.ended()
    }

    /// Waits until it has said this; all that it said until then.
    pub(crate) fn hears(&mut self, text: &str) -> String {
        let mut said = String::new();
        while !said.contains(text) {
            let read = self.said.read_line(&mut said).unwrap();
            assert!(read > 0, "atd ended before it said {text:?}: {said}");
        }
        said
    }

    pub(crate) fn ended(&mut self) -> (ExitStatus, String) {
        let mut last = String::new();
        self.said.read_to_string(&mut last).unwrap();
        (self.process.wait().unwrap(), last)
    }

    /// From now on nobody reads what it says.
    pub(crate) fn leave_unread(&mut self) {
        self.said = BufReader::new(Box::new(std::io::empty()));
    }

    pub(crate) fn stdout(&mut self) -> String {
        let mut text = String::new();
        let mut out = self.process.stdout.take().unwrap();
        out.read_to_string(&mut text).unwrap();
        text
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("audit.jsonl")).unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
