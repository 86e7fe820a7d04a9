//! `atd audit` as somebody at a shell meets it.

mod support;

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Output, Stdio};

use ed25519_dalek::{Signer, SigningKey};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{Serving, atd, stderr, stdout};
use tempfile::TempDir;

/// A chained log of five calls, one after the other in minutes, in a directory
/// of its own.
struct Log {
    folder: TempDir,
    seq: u64,
    chain: [u8; 32],
}

const TOOLS: [&str; 5] = [
    "ref:fs.read",
    "ref:fs.read",
    "demo:db.drop",
    "none:such",
    "ref:echo.say",
];

fn outcome(n: usize) -> Value {
    match n {
        2 => json!({"kind": "capability_denied", "missing": ["db.admin"]}),
        3 => json!({"kind": "tool_not_found"}),
        4 => json!({"kind": "execution_failed", "code": "TIMED_OUT", "retryable": true}),
        _ => json!({"kind": "success"}),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

impl Log {
    fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            seq: 0,
            chain: [0; 32],
        }
    }

    fn of_five_calls() -> Self {
        let mut log = Self::empty();
        for n in 0..5 {
            let line = log.line(n);
            log.append(&line);
        }
        log
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    /// The sealed and signed line of the call `n`.
    fn line(&mut self, n: usize) -> String {
        self.seq += 1;
        let mut line = format!(
            "{{\"ts\":\"2026-11-22T16:0{n}:00.000000Z\",\"call_id\":\"call-{n}\",\
             \"tool_id\":\"{}\",\"caller_id\":\"{}\",\"granted_capabilities\":[],\
             \"duration_ms\":{},\"outcome\":{},\"tier\":\"hot\",\"dry_run\":false,\
             \"schema_version\":2,\"secrets_resolved\":false,\"seq\":{}",
            TOOLS[n],
            ["ann", "bob"][n % 2],
            (n + 1) * 10,
            outcome(n),
            self.seq,
        );
        let mut hash = Sha256::new();
        hash.update(&line);
        hash.update(self.chain);
        self.chain = hash.finalize().into();
        let mut message = b"atd-audit chain v1\0".to_vec();
        message.extend(self.seq.to_be_bytes());
        message.extend(self.chain);
        let sig = key().sign(&message).to_bytes();
        writeln!(
            line,
            ",\"chain\":\"{}\",\"sig\":\"{}\"}}",
            hex(&self.chain),
            hex(&sig)
        )
        .unwrap();
        line
    }

    fn append(&self, text: &str) {
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).open(self.path()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rotate(&self, n: u32) {
        let name = format!("audit-20261122T170000{n:06}Z.jsonl");
        fs::rename(self.path(), self.folder.path().join(name)).unwrap();
    }

    fn edit(&self, what: &str, with: &str) {
        let text = fs::read_to_string(self.path()).unwrap();
        assert!(text.contains(what));
        fs::write(self.path(), text.replacen(what, with, 1)).unwrap();
    }

    /// Runs `atd audit` on it.
    fn ask(&self, args: &[&str]) -> Output {
        let mut command = atd();
        command
            .arg("audit")
            .args(args)
            .env("ATD_AUDIT_LOG", self.path());
        command.output().unwrap()
    }

    /// What `atd audit` says, which must end well.
    fn told(&self, args: &[&str]) -> String {
        let output = self.ask(args);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    }

    fn document(&self, args: &[&str]) -> Value {
        serde_json::from_slice(&self.ask(args).stdout).unwrap()
    }

    fn calls(&self, args: &[&str]) -> Vec<String> {
        let text = self.told(args);
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|event| event["call_id"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn public_key() -> String {
    hex(key().verifying_key().as_bytes())
}

/// The exit code, and the words that standard error must hold.
fn check_fails(output: &Output, code: i32, words: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "`{said}` should say `{word}`");
    }
}

#[test]
fn what_a_server_recorded_is_shown_counted_and_verified() {
    let serving = Serving::start(&[]);
    serving.ask(&["call", "ref:echo.say", "--args", "{\"text\": \"x\"}"]);
    serving.ask(&["call", "no:such"]);
    // The log is found beside the server's socket.
    // A call is answered before its record is written.
    let tails = std::iter::repeat_with(|| stdout(&serving.ask(&["audit", "tail"])));
    let mut tails = tails.take(1000);
    let shown = tails.find(|shown| shown.lines().count() == 3).unwrap();
    assert!(
        shown.contains("ref:echo.say") && shown.contains("tool_not_found"),
        "{shown}"
    );
    let stats = stdout(&serving.ask(&["audit", "stats"]));
    assert!(stats.contains("2 calls from"), "{stats}");
    let verified = serving.ask(&["audit", "verify"]);
    assert!(verified.status.success(), "{}", stderr(&verified));
}

#[test]
fn the_newest_calls_are_rows_for_people_and_lines_of_json_for_programs() {
    let log = Log::of_five_calls();
    let rows = log.told(&["tail", "-n", "2"]);
    let rows: Vec<&str> = rows.lines().collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(
        rows[0].starts_with("TIME ") && rows[1].contains("none:such"),
        "{rows:?}"
    );
    assert!(
        rows[2].contains("execution_failed") && rows[2].contains("TIMED_OUT"),
        "{rows:?}"
    );
    assert!(
        !rows.concat().contains('\u{1b}'),
        "colours are for terminals"
    );

    assert_eq!(
        log.calls(&["tail", "-n", "2", "--json"]),
        ["call-3", "call-4"]
    );
    let whole = fs::read_to_string(log.path()).unwrap();
    assert_eq!(log.told(&["tail", "--json"]), whole);
}

#[test]
fn a_query_shows_the_calls_that_fit() {
    let log = Log::of_five_calls();
    let check = |args: &[&str], expected: &[usize]| {
        let args = [&["query", "--json"], args].concat();
        let expected: Vec<_> = expected.iter().map(|n| format!("call-{n}")).collect();
        assert_eq!(log.calls(&args), expected, "{args:?}");
    };
    check(&[], &[0, 1, 2, 3, 4]);
    check(&["--tool", "ref:*"], &[0, 1, 4]);
    check(&["--caller", "bob", "--tool", "ref:fs.read"], &[1]);
    check(
        &[
            "--outcome",
            "capability_denied",
            "--outcome",
            "tool_not_found",
        ],
        &[2, 3],
    );
    check(&["--call-id", "call-3"], &[3]);
    check(&["--limit", "2"], &[0, 1]);
    check(
        &[
            "--since",
            "2026-11-22T16:01:00Z",
            "--until",
            "2026-11-22T17:03:00+01:00",
        ],
        &[1, 2],
    );
    check(&["--until", "2026-11-22"], &[]);
    // Longer ago than the log is old.
    check(&["--until", "5000w"], &[]);
    check(&["--since", "5000w"], &[0, 1, 2, 3, 4]);
}

#[test]
fn what_cannot_be_asked_is_a_usage_error() {
    let log = Log::of_five_calls();
    for args in [
        ["query", "--since", "soon"],
        ["query", "--outcome", "sad"],
        ["verify", "--head", "x"],
        ["verify", "--key", "no-such-file"],
        ["tail", "-n", "-1"],
    ] {
        assert_eq!(log.ask(&args).status.code(), Some(2), "{args:?}");
    }
    let absent = Log::empty();
    check_fails(
        &absent.ask(&["tail"]),
        1,
        &["there is no audit log at", "--log"],
    );
}

#[test]
fn statistics_are_drawn_for_people_and_one_document_for_programs() {
    let log = Log::of_five_calls();
    let drawn = log.told(&["stats"]);
    for words in [
        "5 calls from 2026-11-22T16:00",
        "██",
        "ref:fs.read",
        "tool_not_found 1",
    ] {
        assert!(drawn.contains(words), "{drawn} lacks {words}");
    }
    assert!(!drawn.contains('\u{1b}'), "colours are for terminals");

    let counted = log.document(&["stats", "--json"]);
    assert_eq!(counted["total"]["count"], 5);
    assert_eq!(counted["total"]["outcomes"]["success"], 2);
    assert_eq!(counted["total"]["max_ms"], 50);
    assert_eq!(counted["tools"][3]["tool_id"], "ref:fs.read");
    assert_eq!(counted["tools"][3]["p50_ms"], 10);
    let counts = counted["timeline"]["counts"].as_array().unwrap();
    assert_eq!(counts.iter().filter_map(Value::as_u64).sum::<u64>(), 5);
    let one = log.document(&["stats", "--json", "--tool", "demo:*"]);
    assert_eq!(one["total"]["count"], 1);
}

#[test]
fn a_sound_log_verifies_and_says_what_that_means() {
    let log = Log::of_five_calls();
    let told = log.told(&["verify"]);
    for words in [
        "events      5",
        "lines 1 to 5",
        "5, not checked",
        "nothing is wrong",
    ] {
        assert!(told.contains(words), "{told} lacks {words}");
    }
    let signed = log.document(&["verify", "--key", &public_key(), "--json"]);
    assert_eq!(
        (&signed["ok"], &signed["signed_through"]),
        (&json!(true), &json!(5))
    );
    assert_eq!(signed["broken"], Value::Null);

    // The key in a file, as text and as bytes.
    let file = log.folder.path().join("key");
    for bytes in [
        public_key().into_bytes(),
        key().verifying_key().to_bytes().to_vec(),
    ] {
        fs::write(&file, bytes).unwrap();
        let told = log.told(&["verify", "--key", file.to_str().unwrap()]);
        assert!(told.contains("5 good, up to line 5"), "{told}");
    }
}

/// A6, as the command tells it.
#[test]
fn a_broken_log_exits_1_and_names_the_line() {
    let log = Log::of_five_calls();
    let head = log.told(&["head"]);
    let head = head.trim();
    log.edit("demo:db.drop", "demo:db.show");
    let broken = log.ask(&["verify"]);
    check_fails(&broken, 1, &["audit.jsonl:3: the chain does not fit"]);
    let broken = log.document(&["verify", "--json"]);
    assert_eq!(
        (&broken["ok"], &broken["broken"]["line"]),
        (&json!(false), &json!(3))
    );

    let log = Log::of_five_calls();
    assert!(
        log.told(&["verify", "--head", head])
            .contains("nothing is wrong")
    );
    let text = fs::read_to_string(log.path()).unwrap();
    let (shorter, _) = text.trim_end().rsplit_once('\n').unwrap();
    fs::write(log.path(), format!("{shorter}\n")).unwrap();
    assert!(
        log.ask(&["verify"]).status.success(),
        "the newest line leaves no trace"
    );
    check_fails(&log.ask(&["verify", "--head", head]), 1, &["were cut off"]);

    let other = hex(SigningKey::from_bytes(&[4; 32]).verifying_key().as_bytes());
    check_fails(
        &log.ask(&["verify", "--key", &other]),
        1,
        &["audit.jsonl:1:", "signature"],
    );
}

#[test]
fn the_head_is_text_or_a_document() {
    let log = Log::of_five_calls();
    let text = log.told(&["head"]);
    let document = log.document(&["head", "--json"]);
    assert_eq!(
        (&document["seq"], &document["signed"]),
        (&json!(5), &json!(true))
    );
    assert_eq!(document["head"], text.trim());

    let bare = Log::empty();
    bare.append("");
    check_fails(&bare.ask(&["head"]), 1, &["has no chain"]);
}

#[test]
fn what_a_caller_put_into_a_name_gives_no_orders_to_a_terminal() {
    let mut log = Log::empty();
    let line = log.line(0).replace("ann", "\\u001b[2J\\nTIME");
    log.append(&line);
    let shown = log.told(&["tail"]);
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert!(!shown.contains('\u{1b}'));
}

#[test]
fn torn_lines_and_gaps_are_shown_where_they_are() {
    let mut log = Log::of_five_calls();
    log.append("{\"ts\":\"20\n");
    let line = log
        .line(0)
        .replace(",\"seq\"", ",\"lost_before\":3,\"seq\"");
    log.append(&line);
    let shown = log.told(&["tail"]);
    assert!(shown.contains("audit.jsonl:6: the line is torn"), "{shown}");
    assert!(shown.contains("3 events lost here"), "{shown}");
    // The JSON has events only.
    assert_eq!(log.calls(&["tail", "--json"]).len(), 6);
}

/// An `atd audit tail -f`. Dropping it kills it.
struct Following {
    process: Child,
    out: Option<BufReader<ChildStdout>>,
}

impl Following {
    fn start(log: &Log) -> Self {
        let mut command = atd();
        command
            .args(["audit", "tail", "-f", "--json", "-n", "1", "--log"])
            .arg(log.path())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            out: Some(out),
        }
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.out.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_log_is_followed_over_rotations_until_an_interrupt() {
    let mut log = Log::of_five_calls();
    let mut following = Following::start(&log);
    assert!(following.next().contains("call-4"));
    for n in 0..3 {
        let line = log.line(n);
        log.append(&line);
        assert_eq!(following.next(), line);
        // Another one right before the rotation, and one right behind it.
        let (before, behind) = (log.line(n), log.line(n));
        log.append(&before);
        log.rotate(u32::try_from(n).unwrap());
        log.append(&behind);
        assert_eq!(following.next(), before);
        assert_eq!(following.next(), behind);
    }
    let pid = Pid::from_raw(i32::try_from(following.process.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let mut rest = String::new();
    let mut out = following.out.take().unwrap();
    out.read_to_string(&mut rest).unwrap();
    assert!(following.process.wait().unwrap().success());
    assert_eq!(rest, "");
}

#[test]
fn following_ends_when_nobody_reads_any_more() {
    let log = Log::of_five_calls();
    let mut following = Following::start(&log);
    assert!(following.next().contains("call-4"));
    following.out = None;
    // Nothing more is written: it ends all the same.
    assert!(following.process.wait().unwrap().success());
}

#[test]
fn a_long_answer_to_a_reader_that_left_is_no_error() {
    let mut log = Log::empty();
    let lines: String = (0..2000).map(|n| log.line(n % 5)).collect();
    log.append(&lines);
    let mut command = atd();
    command.args(["audit", "query", "--log"]).arg(log.path());
    let mut process = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        stderr(&output)
    );
}
