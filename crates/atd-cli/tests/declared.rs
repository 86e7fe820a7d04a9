//! Tools that are programs, declared in files with no Rust: served, called,
//! cancelled and timed out.

mod support;

use std::fs::{File, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use atd_runtime::Client;
use atd_runtime::proto::Hello;
use serde_json::{Value, json};
use support::configured::{SLOW, call, outcomes, put, serving};
use support::{Serving, atd, stderr, stdout};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

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

/// X1: neither the operator's secrets, which stand in the file, nor the
/// caller's, which do not, are shown by anything but the program itself.
#[test]
fn what_a_program_is_given_is_shown_to_nobody() {
    const CANARIES: [&str; 2] = ["canary-of-the-operator", "canary-of-the-caller"];
    let config = r#"log = "trace"
secrets = "secrets"
[audit]
to = "audit.jsonl"
with = ["grants", "trace", "digests"]
[[tool]]
id = "demo:secret.use"
description = "Says how long its secrets are, and fails if it is to"
[tool.cli]
cmd = "sh"
args = ["-c", 'echo "$TOKEN" >&2; case $1 in *fail*) exit 3;; esac; echo "${#KEY} ${#TOKEN}"', "use"]
args_template = ["{params_json}"]
output_format = "lines"
[tool.cli.env]
KEY = "canary-of-the-operator"
TOKEN = "$ATD_BEARER"
"#;
    let uid = rustix::process::geteuid().as_raw();
    let secrets = format!("secrets/uid:{uid}");
    let bearer = "secret bearer canary-of-the-caller\n";
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "atd.toml", config);
    put(folder.path(), &secrets, bearer);
    for (path, mode) in [("secrets", 0o700), (&secrets, 0o600)] {
        let mode = Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path().join(path), mode).unwrap();
    }
    let flags = ["--config", "atd.toml"];
    let mut serving = Serving::spawn_in(atd(), &flags, folder);
    let lengths = format!("{} {}", CANARIES[0].len(), CANARIES[1].len());
    assert_eq!(call(&serving, &["demo:secret.use"]), json!([lengths]));
    let mut check = atd();
    check.args(["serve", "--check-config", "--config", "atd.toml"]);
    let asked = [
        serving.ask(&["call", "demo:secret.use", "--args", r#"{"to": "fail"}"#]),
        serving.ask(&["list", "--json"]),
        serving.ask(&["schema", "demo:secret.use", "--json"]),
        check.current_dir(serving.folder()).output().unwrap(),
    ];
    assert!(
        stderr(&asked[0]).contains("[redacted]"),
        "{}",
        stderr(&asked[0])
    );
    put(
        serving.folder(),
        "atd.toml",
        &config.replace("Says how", "Tells how"),
    );
    let heard = serving.hears("changed demo:secret.use");
    let (status, last) = serving.end();
    assert!(status.success());
    let asked = asked.iter().map(|asked| stdout(asked) + &stderr(asked));
    let shown: String = asked
        .chain([serving.greeting.clone(), heard, last, serving.log()])
        .collect();
    for canary in CANARIES {
        assert!(!shown.contains(canary), "{canary}: {shown}");
    }
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

#[test]
fn the_tools_that_are_built_in_are_those_that_the_file_names() {
    let config = r#"[tools]
builtin = ["ref:shell.exec", "ref:fs.glob", "ref:fs.grep", "ref:fs.edit", "ref:fs.write"]
shell = { env = { COLOUR = "green" } }
[grants]
everybody = ["shell.exec", "fs.glob", "fs.grep", "fs.write"]
"#;
    let serving = serving(&[("atd.toml", config)]);
    let listed = stdout(&serving.ask(&["list", "--json"]));
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let ids: Vec<&str> = listed
        .iter()
        .map(|tool| tool["id"].as_str().unwrap())
        .collect();
    let all = [
        "ref:fs.edit",
        "ref:fs.glob",
        "ref:fs.grep",
        "ref:fs.write",
        "ref:shell.exec",
    ];
    assert_eq!(ids, all);
    let ran = |tool: &str, args: Value| {
        let args = args.to_string();
        let capability = tool.strip_prefix("ref:").unwrap();
        call(&serving, &[tool, "--args", &args, "--request", capability]).to_string()
    };
    let said = ran(
        "ref:shell.exec",
        json!({"command": "echo it is $COLOUR$HOME; cat notes.txt"}),
    );
    assert!(said.contains("it is green\\none\\ntwo"), "{said}");
    ran(
        "ref:fs.write",
        json!({"path": "new.txt", "content": "three\n"}),
    );
    assert!(ran("ref:fs.glob", json!({"pattern": "*.txt"})).contains("new.txt"));
    assert!(ran("ref:fs.grep", json!({"pattern": "thr.e"})).contains("new.txt"));
    let edit = serving.ask(&["call", "ref:fs.edit", "--request", "fs.edit"]);
    assert!(stderr(&edit).contains("(1001)"), "{}", stderr(&edit));
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
