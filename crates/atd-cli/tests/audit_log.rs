//! The audit log that `atd serve` writes, as its options say.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{Serving, atd, stderr, stdout};

fn call(serving: &Serving) {
    let called = serving.ask(&["call", "ref:echo.say", "--args", r#"{"text": "hello"}"#]);
    assert!(called.status.success(), "{}", stderr(&called));
}

fn audit(serving: &Serving, args: &[&str]) -> std::process::Output {
    let mut command = atd();
    command
        .arg("audit")
        .args(args)
        .env("ATD_AUDIT_LOG", serving.folder().join("audit.jsonl"));
    command.output().unwrap()
}

#[test]
fn a_signed_log_is_rotated_kept_and_verified() {
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("audit.key");
    let key = key.to_str().unwrap();
    let made = atd().args(["audit", "key", key]).output().unwrap();
    assert!(made.status.success(), "{}", stderr(&made));
    let public = stdout(&made).trim().to_owned();
    assert_eq!(
        fs::metadata(key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = atd().args(["audit", "key", key]).output().unwrap();
    assert!(!again.status.success(), "a key is never overwritten");

    let mut serving = Serving::start(&[
        "--audit-key",
        key,
        "--audit-sign-every",
        "3",
        "--audit-max-size",
        "1KB",
        "--audit-keep",
        "4",
        "--audit-with",
        "grants",
        "--audit-sync",
        "always",
        "--audit-when-full",
        "wait",
    ]);
    (0..20).for_each(|_| call(&serving));
    let head = stdout(&audit(&serving, &["head"]));
    let verified = audit(
        &serving,
        &["verify", "--key", &public, "--head", head.trim()],
    );
    assert!(
        verified.status.success(),
        "{}{}",
        stdout(&verified),
        stderr(&verified)
    );
    assert!(
        stdout(&verified).contains("signatures"),
        "{}",
        stdout(&verified)
    );
    let (ended, _) = serving.end();
    assert!(ended.success());
    let names = fs::read_dir(serving.folder()).unwrap();
    let segments = names.filter(|name| {
        let name = name.as_ref().unwrap().file_name().into_string().unwrap();
        name.starts_with("audit-") && name.ends_with(".jsonl")
    });
    assert_eq!(segments.count(), 4);
    let other = "00".repeat(32);
    assert!(
        !audit(&serving, &["verify", "--key", &other])
            .status
            .success()
    );
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("audit.key");
    fs::write(&key, "00".repeat(32)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let socket = keys.path().join("atd.sock");
    let refused = atd()
        .args([
            "serve",
            "--audit-key",
            key.to_str().unwrap(),
            "--socket",
            socket.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("chmod 600"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn two_servers_do_not_share_a_log() {
    let serving = Serving::start(&[]);
    let log = serving.folder().join("audit.jsonl");
    let other = serving.folder().join("other.sock");
    let refused = atd()
        .args([
            "serve",
            "--audit",
            log.to_str().unwrap(),
            "--socket",
            other.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("a log has one writer"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn a_hang_up_opens_the_log_anew() {
    let mut serving = Serving::start(&["--audit-sync", "always"]);
    call(&serving);
    let moved = serving.folder().join("audit.jsonl.1");
    fs::rename(serving.folder().join("audit.jsonl"), &moved).unwrap();
    serving.tell(rustix::process::Signal::HUP);
    serving.hears("anew");
    call(&serving);
    serving.end();
    assert_eq!(fs::read_to_string(moved).unwrap().lines().count(), 1);
    assert_eq!(serving.log().lines().count(), 1);
}

#[test]
fn a_trace_and_digests_are_put_on_record_and_nothing_of_their_content() {
    let mut serving = Serving::start(&["--audit-with", "trace", "--audit-with", "digests"]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let args = r#"{"text": "canary"}"#;
    let called = serving.ask(&[
        "call",
        "ref:echo.say",
        "--args",
        args,
        "--traceparent",
        &parent,
    ]);
    assert!(called.status.success(), "{}", stderr(&called));
    serving.end();
    let log = serving.log();
    let written: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!(written["trace_id"], trace);
    // Of the very bytes that came: those that were typed.
    let digest: String =
        sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix(args))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
    assert_eq!(written["args_sha256"], digest);
    assert_eq!(written["result_sha256"].as_str().map(str::len), Some(64));
    assert!(!log.contains("canary"));
}

/// A1: what a killed server had begun is made good by the next.
#[test]
fn a_strict_server_that_is_killed_leaves_no_call_without_a_record() {
    let mut serving =
        Serving::start(&["--audit-strict", "--audit-chain", "--audit-sync", "always"]);
    (0..5).for_each(|_| call(&serving));
    let (log, journal) = (serving.log(), serving.folder().join("audit.jsonl.journal"));
    assert_eq!(log.lines().count(), 5);
    // One was begun when the process was killed.
    let started = fs::read_to_string(&journal).unwrap();
    let begun = started
        .lines()
        .last()
        .unwrap()
        .replace(&log.lines().last().unwrap()[50..60], "ZZZZZZZZZZ");
    serving.tell(rustix::process::Signal::KILL);
    serving.ended();
    fs::write(&journal, format!("{started}{begun}\n")).unwrap();

    let path = serving.folder().join("audit.jsonl");
    let next = Serving::start(&[
        "--audit-strict",
        "--audit-chain",
        "--audit-sync",
        "always",
        "--audit",
        path.to_str().unwrap(),
    ]);
    call(&next);
    let verified = audit(&serving, &["verify", "--complete", "--chained"]);
    assert!(verified.status.success(), "{}", stdout(&verified));
    let log = serving.log();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 7, "{log}");
    assert!(lines[5].contains("OUTCOME_UNKNOWN") && lines[5].contains("ZZZZZZZZZZ"));
}
