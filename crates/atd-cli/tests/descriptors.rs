//! N2: a server that has run out of descriptors.

mod support;

use std::os::unix::net::UnixStream;
use std::process::Command;

use support::{Serving, stderr, stdout};

/// N2: out of file descriptors in accept: the server lives, does not spin, and
/// accepts again when there is relief.
#[test]
fn a_server_without_descriptors_lives_and_accepts_again() {
    let mut shell = Command::new("sh");
    let script = r#"ulimit -n 48; exec "$0" "$@""#;
    shell.args(["-c", script, env!("CARGO_BIN_EXE_atd")]);
    let mut serving = Serving::spawn(shell, &[]);
    for _ in 0..3 {
        let crowd: Vec<UnixStream> = (0..100)
            .map(|_| UnixStream::connect(serving.socket()).expect("the system queues it"))
            .collect();
        drop(crowd);
        let called = serving.ask(&["call", "ref:echo.say", "--args", r#"{"n":1}"#]);
        assert!(called.status.success(), "{}", stderr(&called));
        assert_eq!(stdout(&called), "{\"echoed\":{\"n\":1}}\n");
    }
    let (status, last) = serving.end();
    assert!(status.success(), "{last}");
}
