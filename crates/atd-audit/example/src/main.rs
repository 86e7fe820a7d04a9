//! A program that takes `atd-audit` alone: it logs, rotates, crashes, recovers
//! and verifies.
//!
//! ```sh
//! cargo run -- /tmp/audit-alone
//! ```

use std::{
    env,
    error::Error,
    num::NonZero,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use atd_audit::{
    AuditLog, AuditSink, Backpressure, CallEvent, Chaining, JsonLinesAuditSink, OUTCOME_UNKNOWN,
    Outcome, Query, Rotation, SCHEMA_VERSION, SigningKey, Strict, VerifyOptions, now_rfc3339,
    verify,
};

/// How many calls there are before the crash.
const CALLS: u32 = 10_000;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    match &arguments[..] {
        [folder] => watch_it_crash(folder),
        [word, log] if word == Path::new("crash") => {
            log_and_crash(log)?;
            Ok(ExitCode::FAILURE)
        }
        _ => Err("usage: audit-alone <an empty directory>".into()),
    }
}

/// The log of this program: strict, chained, signed and rotated.
fn open(log: &Path) -> std::io::Result<JsonLinesAuditSink> {
    JsonLinesAuditSink::builder()
        .backpressure(Backpressure::Block { at_most: None })
        .rotation(Rotation::new().max_bytes(NonZero::new(1 << 20).expect("more than none")))
        .chain(Chaining::signed(
            key(),
            NonZero::new(100).expect("more than none"),
        ))
        .strict(Strict::new())
        .file(log)
}

/// A program of yours reads it from a file that nobody else may read.
fn key() -> SigningKey {
    SigningKey::from_bytes(b"32 bytes that everybody can read")
}

fn event(n: u32) -> CallEvent {
    CallEvent {
        ts: now_rfc3339(),
        call_id: format!("call-{n}"),
        tool_id: "demo:math.add".to_owned(),
        caller_id: Some("alice".to_owned()),
        granted_capabilities: vec!["math".to_owned()],
        duration_ms: 3,
        outcome: Outcome::Success,
        tier: "hot".to_owned(),
        dry_run: false,
        schema_version: SCHEMA_VERSION,
        secrets_resolved: false,
        cursor_page: None,
    }
}

/// Logs many calls, begins one more, and dies without a word.
fn log_and_crash(log: &Path) -> Result<(), Box<dyn Error>> {
    let sink = open(log)?;
    for n in 0..CALLS {
        sink.on_call(&event(n));
    }
    sink.flush(Duration::from_secs(60))?;
    sink.on_start(&event(CALLS))?;
    std::process::abort();
}

fn watch_it_crash(folder: &Path) -> Result<ExitCode, Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let log = folder.join("audit.jsonl");
    let crashed = Command::new(env::current_exe()?)
        .arg("crash")
        .arg(&log)
        .status()?;
    println!("It logged {CALLS} calls, began one more, and ended: {crashed}.");

    let sink = open(&log)?;
    sink.flush(Duration::from_secs(60))?;
    let head = sink.head().ok_or("nothing is on record")?;
    sink.shutdown(Duration::from_secs(60))?;
    println!("The log was recovered. To be kept elsewhere: {head}");

    let log = AuditLog::open(&log)?;
    for entry in log.query(Query::new().call_id(format!("call-{CALLS}"))) {
        let entry = entry?;
        let is_unknown = matches!(
            &entry.event.outcome,
            Outcome::ExecutionFailed { code, .. } if code == OUTCOME_UNKNOWN
        );
        assert!(is_unknown, "{}", entry.line);
        println!("The call that was cut short: {}", entry.line);
    }
    let known = VerifyOptions::new()
        .key(key().public_key())
        .expect(head)
        .complete(true);
    let report = verify(&log, &known)?;
    println!(
        "{} events in {} segments, {} good signatures.",
        report.events, report.segments, report.signatures.checked
    );
    match report.broken {
        Some(broken) => {
            println!("The log is broken: {broken}");
            Ok(ExitCode::FAILURE)
        }
        None if report.events == u64::from(CALLS) + 1 => Ok(ExitCode::SUCCESS),
        None => Err(format!("there should be {} events", CALLS + 1).into()),
    }
}
