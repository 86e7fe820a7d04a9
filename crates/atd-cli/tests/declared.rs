//! Tools that are programs, declared in files with no Rust: served, called,
//! cancelled, timed out, and changed while serving.

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use atd_runtime::Client;
use atd_runtime::proto::Hello;
use rustix::process::Signal;
use serde_json::{Value, json};
use support::{Serving, atd, stderr, stdout};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// A tool that says that it runs by opening the pipe `running`, and would go
/// on for an hour.
const SLOW: &str = r#"[[tool]]
id = "demo:slow.run"
description = "Runs for an hour"
tier = "cold"
[tool.cli]
cmd = "sh"
args = ["-c", "exec 3>running; echo begun >&3; sleep 3600"]
"#;

/// A tool that answers with one word.
fn saying(word: &str) -> String {
    format!(
        "[[tool]]\nid = \"demo:word.say\"\ndescription = \"Says a word\"\n\
         cli = {{ cmd = \"echo\", args = [\"{word}\"], output_format = \"lines\" }}\n"
    )
}

/// A server of these files, the first of which is its configuration.
fn serving(files: &[(&str, &str)]) -> Serving {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        put(folder.path(), name, text);
    }
    let mut mkfifo = Command::new("mkfifo");
    let made = mkfifo.arg(folder.path().join("running")).status();
    assert!(made.unwrap().success());
    Serving::spawn_in(atd(), &["--config", files[0].0], folder)
}

/// Puts a file there all at once, as an editor does.
fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let written = path.with_extension("new");
    std::fs::write(&written, text).unwrap();
    std::fs::rename(written, path).unwrap();
}

/// The result of a call that succeeds.
#[track_caller]
fn call(serving: &Serving, args: &[&str]) -> Value {
    let output = serving.ask(&[&["call"], args].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

/// How the calls ended that the log holds.
fn outcomes(serving: &Serving) -> Vec<String> {
    let log = serving.log();
    let events = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let kinds = events.map(|event| match &event["outcome"] {
        failed if failed["code"].is_string() => failed["code"].as_str().unwrap().to_owned(),
        other => other["kind"].as_str().unwrap().to_owned(),
    });
    kinds.collect()
}

/// A repository with two commits.
fn repository(folder: &Path) {
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
        git.args(args).current_dir(folder).stdout(Stdio::null());
        assert!(git.status().unwrap().success(), "{args:?}");
    };
    git(&["init", "--quiet"]);
    for subject in ["Begin", "Say \"more\" of it"] {
        git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
    }
}

/// The configuration that is shown to users, with its tools.
#[test]
fn the_tools_of_the_example_are_served_and_called() {
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path());
    std::fs::write(folder.path().join("stray.txt"), "").unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/atd.toml");
    let root = folder.path().to_str().unwrap().to_owned();
    let mut serving = Serving::spawn_in(
        atd(),
        &[
            &[
                "--config",
                example.to_str().unwrap(),
                "--root",
                &root,
                "--audit",
                "audit.jsonl",
            ],
            // Whoever runs the tests.
            &["--grant", "read", "--grant", "git.clean"][..],
        ]
        .concat(),
        folder,
    );

    let commits = call(&serving, &["demo:git.log", "--request", "read"]);
    let subjects: Vec<&str> = commits
        .as_array()
        .unwrap()
        .iter()
        .map(|commit| commit["subject"].as_str().unwrap())
        .collect();
    assert_eq!(subjects, ["Say-more-of-it", "Begin"]);

    let disks = call(&serving, &["demo:host.disks"]);
    assert!(disks.as_array().unwrap().len() > 1, "{disks}");

    let args = ["--args", r#"{"text": "$(x) é"}"#];
    let count = call(&serving, &[&["demo:host.count"], &args[..]].concat());
    assert_eq!(count, r#"{"text": "$(x) é"}"#.chars().count());

    // Who may not delete may not try either.
    let stray = serving.folder().join("stray.txt");
    let denied = serving.ask(&["call", "demo:git.clean", "--dry-run"]);
    assert_eq!(denied.status.code(), Some(1));
    let clean = ["demo:git.clean", "--request", "git.clean"];
    let would = call(&serving, &[&clean[..], &["--dry-run"]].concat());
    assert!(
        would.to_string().contains("Would remove stray.txt"),
        "{would}"
    );
    assert!(stray.exists());
    let did = call(&serving, &clean);
    assert!(did.to_string().contains("Removing stray.txt"), "{did}");
    assert!(!stray.exists());
    assert!(serving.end().0.success());
}

#[test]
fn a_program_ends_with_its_call_whether_it_is_cut_by_its_client_or_by_its_time() {
    let quick = SLOW.replace("slow.run", "quick.run") + "[tool.resources]\ntimeout_ms = 200\n";
    let config = SLOW.to_owned() + &quick;
    let mut serving = serving(&[("atd.toml", &config)]);
    let running = || BufReader::new(File::open(serving.folder().join("running")).unwrap());

    let mut client = atd();
    client
        .args(["call", "demo:slow.run"])
        .env("ATD_SOCKET", serving.socket());
    let mut client = client.stderr(Stdio::null()).spawn().unwrap();
    let mut program = running();
    let mut said = String::new();
    program.read_line(&mut said).unwrap();
    assert_eq!(said, "begun\n");
    client.kill().unwrap();
    client.wait().unwrap();
    // Ends when nobody has the pipe open any more: none of it is left.
    program.read_to_string(&mut said).unwrap();

    // Open at both ends from here, so that nobody waits for the other end of a
    // program that had no time to open it.
    let path = serving.folder().join("running");
    let kept = File::options().read(true).write(true).open(&path).unwrap();
    let mut program = running();
    let ended = serving.ask(&["call", "demo:quick.run"]);
    assert_eq!(ended.status.code(), Some(1));
    let says = stderr(&ended);
    assert!(says.contains("DEADLINE_EXCEEDED"), "{says}");
    drop(kept);
    program.read_to_string(&mut said).unwrap();
    assert!(serving.end().0.success());
    assert_eq!(outcomes(&serving), ["CLIENT_GONE", "DEADLINE_EXCEEDED"]);
}

#[tokio::test]
async fn a_program_ends_when_its_call_is_cancelled_and_the_connection_goes_on() {
    let mut serving = serving(&[("atd.toml", SLOW)]);
    let client = Client::connect(serving.socket()).await.unwrap();
    client.hello(Hello::default()).await.unwrap();
    let path = serving.folder().join("running");
    let running = spawn_blocking(|| {
        let mut program = BufReader::new(File::open(path).unwrap());
        program.read_line(&mut String::new()).unwrap();
        program
    });
    let args = json!({});
    let mut program = tokio::select! {
        ended = client.call("demo:slow.run", &args) => panic!("{ended:?}"),
        // The call is dropped, and so cancelled.
        program = running => program.unwrap(),
    };
    let rest = spawn_blocking(move || program.read_to_string(&mut String::new()).unwrap());
    assert_eq!(rest.await.unwrap(), 0);
    client.ping().await.unwrap();
    assert!(serving.end().0.success());
    assert_eq!(outcomes(&serving), ["CANCELLED"]);
}

#[test]
fn changed_tools_are_taken_up_while_serving_and_calls_go_on_as_they_began() {
    let config = "tools_dir = \"tools.d\"\n";
    let word = saying("one");
    let files = [
        ("atd.toml", config),
        ("tools.d/word.toml", &word),
        ("tools.d/slow.toml", SLOW),
    ];
    let mut serving = serving(&files);
    assert_eq!(call(&serving, &["demo:word.say"]), json!(["one"]));
    let mut client = atd();
    client
        .args(["call", "demo:slow.run"])
        .env("ATD_SOCKET", serving.socket());
    let mut client = client.stderr(Stdio::null()).spawn().unwrap();
    let mut program = BufReader::new(File::open(serving.folder().join("running")).unwrap());
    let mut said = String::new();
    program.read_line(&mut said).unwrap();

    // By looking at the files: one changes, one goes, one comes.
    put(serving.folder(), "tools.d/word.toml", &saying("two"));
    serving.hears("Tools taken up: changed demo:word.say.");
    assert_eq!(call(&serving, &["demo:word.say"]), json!(["two"]));
    let other = saying("new").replace("demo:word.say", "demo:word.other");
    let barred = other.replace("word.other", "word.barred") + "required_capabilities = [\"bar\"]\n";
    std::fs::remove_file(serving.folder().join("tools.d/slow.toml")).unwrap();
    serving.hears("Tools taken up: removed demo:slow.run.");
    put(serving.folder(), "tools.d/other.toml", &other);
    serving.hears("Tools taken up: added demo:word.other.");
    assert_eq!(call(&serving, &["demo:word.other"]), json!(["new"]));
    put(serving.folder(), "tools.d/barred.toml", &barred);
    serving.hears("demo:word.barred requires bar, which nobody is granted");
    assert_eq!(
        serving.ask(&["call", "demo:slow.run"]).status.code(),
        Some(1)
    );

    // The call of the tool that is gone went on all the while.
    assert!(client.try_wait().unwrap().is_none());
    client.kill().unwrap();
    client.wait().unwrap();
    program.read_to_string(&mut said).unwrap();
    assert_eq!(said, "begun\n");
    assert!(serving.end().0.success());
}

#[test]
fn a_broken_change_is_refused_whole_with_all_its_mistakes_and_the_tools_stay() {
    let word = saying("one");
    let mut serving = serving(&[
        ("atd.toml", "tools_dir = \"tools.d\"\n"),
        ("tools.d/word.toml", &word),
    ]);
    put(
        serving.folder(),
        "tools.d/bad.toml",
        "[[tool]]\nid = 1\ncolour = 2\n",
    );
    // Good by itself, but beside a broken one.
    put(serving.folder(), "tools.d/word.toml", &saying("two"));
    serving.tell(Signal::HUP);
    for line in [
        "Nothing of the changed configuration is taken up: the configuration has 4 mistakes:",
        "tools.d/bad.toml:1:1: `tool.cli` is missing",
        "tools.d/bad.toml:2:6: `tool.id` is 1",
        "tools.d/bad.toml:3:1: `tool.colour` is unknown",
    ] {
        serving.hears(line);
    }
    assert_eq!(call(&serving, &["demo:word.say"]), json!(["one"]));
    std::fs::remove_file(serving.folder().join("tools.d/bad.toml")).unwrap();
    serving.tell(Signal::HUP);
    serving.hears("Tools taken up: changed demo:word.say.");
    assert_eq!(call(&serving, &["demo:word.say"]), json!(["two"]));
}

#[test]
fn what_cannot_change_while_serving_is_said_and_limits_of_calls_can() {
    let config = "[tools]\nbuiltin = [\"ref:echo.say\", \"ref:fs.edit\", \"ref:fs.write\"]\n";
    let mut serving = serving(&[("atd.toml", config)]);
    assert_eq!(call(&serving, &["ref:echo.say"]), json!({"echoed": {}}));
    let changed = "metrics = \"./m.sock\"\n[limits]\ncaller_rate = 1\nmax_connections = 5\n[audit]\nstrict = true\n\
                   [grants]\neverybody = [\"deploy\"]\n";
    put(serving.folder(), "atd.toml", changed);
    serving.hears("Tools taken up: added ref:fs.read; removed ref:fs.edit, ref:fs.write.");
    serving.hears("Limits of calls taken up.");
    serving.hears(
        "Changed, but taken up at the next start only: metrics, grants, limits of connections, audit.",
    );
    assert_eq!(call(&serving, &["ref:echo.say"]), json!({"echoed": {}}));
    // Several, so that a minute may pass between two of them.
    let refused = (0..5).any(|_| {
        let call = serving.ask(&["call", "ref:echo.say"]);
        stderr(&call).contains("again in")
    });
    assert!(refused);
}

#[test]
fn a_flag_wins_over_the_file() {
    let config = "root = \"here\"\n[audit]\nto = \"none\"\n[grants]\neverybody = [\"a\"]\n\"uid:0\" = [\"b\"]\n";
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "atd.toml", config);
    std::fs::create_dir(folder.path().join("here")).unwrap();
    let with = |flags: &[&str], folder: TempDir| {
        let flags = [&["--config", "atd.toml"], flags].concat();
        let serving = Serving::spawn_in(atd(), &flags, folder);
        serving.greeting.clone()
    };
    let said = with(&[], folder);
    assert!(
        said.contains("/here\n") && said.contains("grants  a\n"),
        "{said}"
    );
    assert!(
        said.contains("b to user id 0") && said.contains("audit   none"),
        "{said}"
    );
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "atd.toml", config);
    std::fs::create_dir(folder.path().join("here")).unwrap();
    let said = with(
        &["--root", ".", "--audit", "stdout", "--grant", "c"],
        folder,
    );
    assert!(
        !said.contains("/here\n") && said.contains("grants  c\n"),
        "{said}"
    );
    assert!(
        said.contains("b to user id 0") && said.contains("audit   stdout"),
        "{said}"
    );
}

#[test]
fn what_a_file_says_holds() {
    let uid = rustix::process::geteuid().as_raw();
    let config = format!(
        r#"[grants]
everybody = []
"uid:{uid}" = ["read"]
[tiers]
cold = {{ timeout = "100ms" }}
[output]
truncate = "1KiB"
redact = {{ patterns = ["sk-[a-z]+"], paths = {{ "/srv/agents" = "work:" }}, instead = "[key]" }}
[audit]
to = "log/calls.jsonl"
with = ["grants"]
{SLOW}"#
    );
    let mut serving = serving(&[("atd.toml", &config)]);
    let say = |text: &str| {
        let args = json!({ "text": text }).to_string();
        call(&serving, &["ref:echo.say", "--args", &args])["echoed"]["text"].to_string()
    };
    assert_eq!(say("sk-abc in /srv/agents/x"), "\"[key] in work:/x\"");
    let args = json!({"text": "a".repeat(2000)}).to_string();
    let cut = call(&serving, &["ref:echo.say", "--args", &args]);
    assert_eq!(cut["truncated"], true, "{cut}");
    let read = [
        "ref:fs.read",
        "--args",
        r#"{"path": "notes.txt"}"#,
        "--request",
        "read",
    ];
    assert_eq!(call(&serving, &read)["line_count"], 2);
    let path = serving.folder().join("running");
    let _kept = File::options().read(true).write(true).open(path).unwrap();
    let slow = serving.ask(&["call", "demo:slow.run"]);
    assert!(stderr(&slow).contains("after 100 ms"), "{}", stderr(&slow));
    let doctor = [
        "doctor",
        "--as",
        &format!("uid:{uid}"),
        "--tool",
        "ref:fs.read",
    ];
    let config = serving.folder().join("atd.toml");
    let with_config = ["--config", config.to_str().unwrap(), "--json"];
    let told = serving.ask(&[&doctor[..], &with_config].concat());
    let told: Value = serde_json::from_str(&stdout(&told)).unwrap();
    assert_eq!(told["admitted"], true, "{told}");
    assert!(serving.end().0.success());
    let log = std::fs::read_to_string(serving.folder().join("log/calls.jsonl")).unwrap();
    assert!(log.contains(&format!("uid:{uid}")), "{log}");
}

#[tokio::test]
async fn a_limit_of_connections_in_a_file_holds() {
    let serving = serving(&[("atd.toml", "limits = { max_connections = 1 }\n")]);
    let client = Client::connect(serving.socket()).await.unwrap();
    client.ping().await.unwrap();
    let full = serving.ask(&["call", "ref:echo.say"]);
    assert!(stderr(&full).contains("(1033)"), "{}", stderr(&full));
}

#[test]
fn the_example_configuration_is_good() {
    let example: PathBuf = [env!("CARGO_MANIFEST_DIR"), "examples", "atd.toml"]
        .iter()
        .collect();
    let mut command = atd();
    command
        .args(["serve", "--check-config", "--config"])
        .arg(example);
    let checked = command.output().unwrap();
    assert!(checked.status.success(), "{}", stderr(&checked));
}
