//! What the tests share.

use std::fs;
use std::path::Path;
use std::time::Duration;

use atd_process::{Program, Supervisor};

/// The two ways of ending a program.
pub(crate) fn both_ways() -> [Option<Supervisor>; 2] {
    [None, Some(supervisor())]
}

pub(crate) fn supervisor() -> Supervisor {
    Supervisor::at(env!("CARGO_BIN_EXE_atd-supervise"))
}

/// A shell that runs `script`, with `$1` and so on as `args`.
pub(crate) fn sh(script: &str, args: &[&str]) -> Program {
    let before = ["-c", script, "sh"];
    Program::new("sh").args(before).args(args.iter().copied())
}

/// Waits for something to come true, and fails the test when it does not for
/// half a minute.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        let pause = Duration::from_millis(10);
        let _ = tokio::time::timeout(pause, std::future::pending::<()>()).await;
    }
    panic!("never came true: {what}");
}

/// A folder of a test's own.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path().to_str().expect("a path in UTF-8")
    }

    pub(crate) fn join(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.join(name), text).expect("a file");
    }

    pub(crate) fn fifo(&self, name: &str) {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, self.join(name), mode).expect("a FIFO");
    }

    /// How many of its files have a name that begins so.
    pub(crate) fn count(&self, name: &str) -> usize {
        let files = fs::read_dir(self.0.path()).expect("the folder").flatten();
        let begins = |it: &fs::DirEntry| it.file_name().to_string_lossy().starts_with(name);
        files.filter(begins).count()
    }

    /// The command lines of the processes that name it, supervisors included.
    pub(crate) fn processes(&self) -> Vec<String> {
        let processes = fs::read_dir("/proc").expect("/proc").flatten();
        let lines = processes.filter_map(|it| command_line(&it.path()));
        lines.filter(|line| line.contains(self.path())).collect()
    }
}

/// What a process was started with; a zombie has nothing of it any more.
fn command_line(process: &Path) -> Option<String> {
    let bytes = fs::read(process.join("cmdline")).ok()?;
    Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
}
