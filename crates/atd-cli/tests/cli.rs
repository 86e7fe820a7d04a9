//! The command as somebody at a shell meets it.

mod support;

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Serving, atd, stderr, stdout};

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", stdout(output), stderr(output)))
}

/// The exit code, and the words that standard error must hold.
fn check_fails(output: &std::process::Output, code: i32, words: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "`{said}` should say `{word}`");
    }
}

#[test]
fn a_server_says_where_it_listens_what_it_serves_and_what_to_type_next() {
    let mut serving = Serving::start(&[]);
    for words in [
        "is listening on",
        "atd.sock",
        "ref:echo.say",
        "ref:fs.read",
        "audit.jsonl",
    ] {
        assert!(serving.greeting.contains(words), "{}", serving.greeting);
    }
    // What it says to type works as it stands there.
    let typed = serving.greeting.lines().last().unwrap().trim().to_owned();
    let typed = typed.replacen("atd", env!("CARGO_BIN_EXE_atd"), 1);
    let said = Command::new("sh").args(["-c", &typed]).output().unwrap();
    assert_eq!(
        stdout(&said),
        "{\"echoed\":{\"text\": \"hello\"}}\n",
        "{}",
        stderr(&said)
    );

    let (status, last) = serving.end();
    assert!(status.success(), "{last}");
    assert!(
        last.contains("Calls served: 1, on connections: 1."),
        "{last}"
    );
    assert!(!serving.socket().exists());
    assert_eq!(serving.log().lines().count(), 1);
}

#[test]
fn a_server_that_is_interrupted_ends_cleanly() {
    let mut serving = Serving::start(&[]);
    serving.tell(rustix::process::Signal::INT);
    let (status, _) = serving.ended();
    assert!(status.success());
}

#[test]
fn tools_are_listed_described_and_called() {
    let mut serving = Serving::start(&[]);
    let table = stdout(&serving.ask(&["list"]));
    assert!(
        table.contains("ref:fs.read") && table.contains("TOOL"),
        "{table}"
    );
    assert_eq!(
        json(&serving.ask(&["list", "--json"]))[0]["id"],
        "ref:echo.say"
    );

    let shown = stdout(&serving.ask(&["schema", "ref:fs.read"]));
    assert!(shown.contains("requires     read"), "{shown}");
    let definition = json(&serving.ask(&["schema", "ref:fs.read", "--json"]));
    assert_eq!(definition["required_capabilities"][0], "read");

    let exact = r#"{"n": 123456789012345678901234567890}"#;
    let echoed = serving.ask(&["call", "ref:echo.say", "--args", exact]);
    assert_eq!(stdout(&echoed), format!("{{\"echoed\":{exact}}}\n"));

    let path = r#"{"path": "notes.txt"}"#;
    let read = [
        "call",
        "ref:fs.read",
        "--args",
        path,
        "--request",
        "read",
        "--json",
    ];
    let answer = json(&serving.ask(&read));
    assert_eq!(
        (&answer["success"], &answer["result"]["total_lines"]),
        (&true.into(), &2.into())
    );

    let dry = serving.ask(&[
        "call",
        "ref:echo.say",
        "--dry-run",
        "--client-id",
        "me",
        "--json",
    ]);
    assert_eq!(json(&dry)["result"]["dry_run"], true);
    // Then the log is whole: no call waits for it.
    assert!(serving.end().0.success());
    assert!(serving.log().contains(r#""caller_id":"me""#));
}

#[test]
fn arguments_come_from_a_file_or_standard_input() {
    let serving = Serving::start(&[]);
    let file = serving.folder().join("args.json");
    std::fs::write(&file, r#"{"from":"a file"}"#).unwrap();
    let named = serving.ask(&[
        "call",
        "ref:echo.say",
        "--args-file",
        file.to_str().unwrap(),
    ]);
    assert_eq!(stdout(&named), "{\"echoed\":{\"from\":\"a file\"}}\n");

    let mut piped = atd()
        .args(["call", "ref:echo.say", "--args-file", "-"])
        .env("ATD_SOCKET", serving.socket())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    piped
        .stdin
        .take()
        .unwrap()
        .write_all(br#"{"from":"a pipe"}"#)
        .unwrap();
    let piped = piped.wait_with_output().unwrap();
    assert_eq!(stdout(&piped), "{\"echoed\":{\"from\":\"a pipe\"}}\n");
}

/// C1: a short or zero key stops the start.
#[test]
fn a_weak_cursor_key_stops_the_start() {
    let start = |key: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut serve = atd();
        serve.arg("serve").current_dir(folder.path());
        serve.env("ATD_SOCKET", folder.path().join("atd.sock"));
        serve.env("ATD_CURSOR_KEY", key).output().unwrap()
    };
    check_fails(&start(""), 2, &["ATD_CURSOR_KEY", "0 bytes"]);
    check_fails(&start("abcd"), 2, &["2 bytes", "openssl rand"]);
    check_fails(&start(&"00".repeat(32)), 2, &["not drawn at random"]);
    check_fails(&start(&"abcd".repeat(16)), 2, &["not drawn at random"]);
    check_fails(&start("a secret"), 2, &["hexadecimal"]);
}

#[test]
fn exit_codes_tell_a_failure_from_wrong_usage_from_no_server() {
    let serving = Serving::start(&[]);
    let path = ["call", "ref:fs.read", "--args", r#"{"path": "nothing"}"#];
    check_fails(
        &serving.ask(&path),
        1,
        &["capability denied (1001)", "--request read"],
    );
    let asking = [&path[..], &["--request", "read"]].concat();
    check_fails(&serving.ask(&asking), 1, &["NOT_FOUND"]);
    check_fails(
        &serving.ask(&["call", "ref:no.such"]),
        1,
        &["not found", "atd list"],
    );
    check_fails(
        &serving.ask(&["schema", "ref:fs.raed"]),
        1,
        &["did you mean ref:fs.read"],
    );
    let misfit = [
        "call",
        "ref:fs.read",
        "--args",
        r#"{"path":7}"#,
        "--request",
        "read",
    ];
    check_fails(&serving.ask(&misfit), 1, &["/path", "atd schema"]);

    check_fails(
        &serving.ask(&["call", "ref:echo.say", "--args", "{"]),
        2,
        &["no JSON"],
    );
    check_fails(
        &serving.ask(&["call", "ref:echo.say", "--args-file", "/no/such"]),
        2,
        &["/no/such"],
    );
    check_fails(
        &serving.ask(&["call", "x", "--timeout", "0"]),
        2,
        &["more than 0"],
    );
    check_fails(&serving.ask(&["nonsense"]), 2, &["unrecognized"]);

    for args in [&["list"][..], &["doctor"], &["call", "x"], &["schema", "x"]] {
        let mut command = atd();
        command.args(args).args(["--socket", "/no/such.sock"]);
        check_fails(
            &command.output().unwrap(),
            4,
            &["/no/such.sock", "atd serve"],
        );
    }
}

#[test]
fn a_refusal_as_json_is_one_document_and_still_a_failure() {
    let serving = Serving::start(&[]);
    let refused = serving.ask(&["call", "ref:no.such", "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(json(&refused)["code"], 1041);
}

#[test]
fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let serving = Serving::start(&[]);
    let healthy = json(&serving.ask(&["doctor", "--json"]));
    assert_eq!(healthy["ok"], true, "{healthy}");

    let open = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(serving.socket(), open).unwrap();
    let exposed = serving.ask(&["doctor"]);
    assert_eq!(exposed.status.code(), Some(1));
    assert!(
        stdout(&exposed).contains("chmod 600"),
        "{}",
        stdout(&exposed)
    );
}

#[test]
fn a_server_grants_what_it_was_told_and_audits_where_it_was_told() {
    let mut serving = Serving::start(&["--grant", "none", "--audit", "stdout"]);
    let read = [
        "call",
        "ref:fs.read",
        "--args",
        r#"{"path":"notes.txt"}"#,
        "--request",
        "read",
    ];
    check_fails(&serving.ask(&read), 1, &["1001"]);
    serving.end();
    let log = serving.stdout();
    assert!(
        log.contains(r#""outcome":{"kind":"capability_denied""#),
        "{log}"
    );
    assert!(!serving.folder().join("audit.jsonl").exists());
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let serving = Serving::start(&[]);
    check_fails(
        &serving.ask(&["serve"]),
        1,
        &["is served already", "process"],
    );
    let elsewhere = serving.folder().join("other.sock");
    let elsewhere = elsewhere.to_str().unwrap();
    let no_root = ["serve", "--socket", elsewhere, "--root", "/no/such/root"];
    check_fails(&serving.ask(&no_root), 2, &["/no/such/root"]);
    let no_log = [
        "serve",
        "--socket",
        elsewhere,
        "--audit",
        "/proc/audit.jsonl",
    ];
    check_fails(&serving.ask(&no_log), 1, &["/proc/audit.jsonl"]);
}

/// S3: the socket is never wider than 0600, whatever the umask. A10: neither
/// is the log.
#[test]
fn neither_the_socket_nor_the_log_is_for_others_whatever_the_umask() {
    let mut shell = Command::new("sh");
    let script = r#"umask 000; exec "$0" "$@""#;
    shell.args(["-c", script, env!("CARGO_BIN_EXE_atd")]);
    let serving = Serving::spawn(shell, &[]);
    for name in ["atd.sock", ".atd.sock.atd-lock", "audit.jsonl"] {
        let found = std::fs::metadata(serving.folder().join(name)).unwrap();
        assert_eq!(found.mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn the_default_socket_is_found_by_server_and_client_alike() {
    let runtime = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let check = |name: &str, value: &std::path::Path, expected: &std::path::Path| {
        let run = |args: &[&str]| {
            let mut command = atd();
            command.env_remove("XDG_RUNTIME_DIR").env_remove("HOME");
            command.env(name, value).args(args);
            command
        };
        let mut server = run(&["serve"]).stderr(Stdio::null()).spawn().unwrap();
        let listed = loop {
            let listed = run(&["list", "--json"]).output().unwrap();
            if listed.status.success() || server.try_wait().unwrap().is_some() {
                break listed;
            }
        };
        assert!(listed.status.success(), "{}", stderr(&listed));
        assert!(expected.join("atd.sock").exists() && expected.join("audit.jsonl").exists());
        server.kill().unwrap();
        server.wait().unwrap();
    };
    check(
        "XDG_RUNTIME_DIR",
        runtime.path(),
        &runtime.path().join("atd"),
    );
    check("HOME", home.path(), &home.path().join(".atd"));

    let mut nowhere = atd();
    nowhere
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("HOME")
        .arg("list");
    check_fails(&nowhere.output().unwrap(), 2, &["--socket"]);
}

#[test]
fn the_demonstration_shows_five_calls_and_their_records() {
    let shown = atd().arg("demo").output().unwrap();
    let text = stdout(&shown);
    assert!(shown.status.success(), "{}", stderr(&shown));
    for words in [
        r#""kind":"success""#,
        r#""kind":"capability_denied","missing":["db.admin"]"#,
        r#""kind":"rate_limited","retry_after_ms":"#,
        r#""kind":"execution_failed","code":"NO_SUCH_CITY""#,
        "Water the plants",
        "rate limited (1002)",
    ] {
        assert!(text.contains(words), "`{words}` is missing from {text}");
    }
    assert!(!text.contains('\u{1b}'), "colours where no terminal is");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let serving = Serving::start(&[]);
    let list = format!(
        "{} list --json --socket '{}' | true; {} man | true",
        env!("CARGO_BIN_EXE_atd"),
        serving.socket().display(),
        env!("CARGO_BIN_EXE_atd"),
    );
    let piped = Command::new("sh").args(["-c", &list]).output().unwrap();
    assert_eq!(stderr(&piped), "");
}

#[test]
fn completions_and_the_man_page_know_every_command() {
    let man = stdout(&atd().arg("man").output().unwrap());
    let bash = stdout(&atd().args(["completions", "bash"]).output().unwrap());
    for command in ["serve", "list", "schema", "call", "doctor", "demo"] {
        assert!(man.contains(command) && bash.contains(command), "{command}");
    }
    assert!(
        man.contains("args\\-file"),
        "the options of the commands too"
    );
    assert!(!man.contains("conformance"), "hidden flags stay hidden");
}

#[cfg(feature = "conformance")]
#[test]
fn the_conformance_tools_are_there_when_asked_for() {
    let serving = Serving::start(&["--conformance-tools"]);
    check_fails(
        &serving.ask(&["call", "ref:conformance.denied_op"]),
        1,
        &["1001"],
    );
    check_fails(
        &serving.ask(&["call", "ref:conformance.saturate_op"]),
        1,
        &["1002"],
    );
    let hidden = serving.ask(&["call", "ref:conformance.hidden_op"]);
    assert_eq!(stdout(&hidden), "{\"ok\":true}\n");
    assert!(!stdout(&serving.ask(&["list"])).contains("hidden_op"));
}

/// S3: another user is refused unless allowed. Only root may become another
/// user to try it.
#[test]
fn another_user_is_refused_unless_the_server_allows_it() {
    const NOBODY: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for (flags, is_served) in [(&[][..], false), (&["--allow-uid", "0"], true)] {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        // Where the binary is, another user may not be let in. The copy is made
        // by another process: what this one has open for writing, a server that
        // another test starts just then holds open too, and it cannot be run.
        let copy = folder.path().join("atd");
        let copied = std::process::Command::new("cp")
            .args([env!("CARGO_BIN_EXE_atd").as_ref(), copy.as_os_str()])
            .status();
        assert!(copied.unwrap().success());
        let mut command = std::process::Command::new(copy);
        std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
        command.env("HOME", folder.path());
        let serving = Serving::spawn_in(command, flags, folder);
        let asked = serving.ask(&["list"]);
        assert_eq!(asked.status.success(), is_served, "{}", stderr(&asked));
        assert_eq!(
            stderr(&asked).contains("user"),
            !is_served,
            "{}",
            stderr(&asked)
        );
    }
}
