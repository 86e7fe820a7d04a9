//! What the tests share.

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
        tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>())
            .await
            .unwrap_err();
    }
    panic!("never came true: {what}");
}

/// Whether there is a process of this number that is not just waiting to be
/// forgotten.
pub(crate) fn is_there(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .starts_with(" Z")
    })
}
