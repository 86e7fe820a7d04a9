//! What becomes of a configuration that changes while it is served.

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use atd_runtime::Client;
use rustix::process::Signal;
use serde_json::{Value, json};
use support::configured::{SLOW, call, put, saying, serving};
use support::{Serving, atd, stderr};
use tokio::task::JoinSet;

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

/// Calls find the tool as it was or as it is, never none and never half of one.
#[tokio::test]
async fn calls_go_on_while_their_tool_is_changed_again_and_again() {
    const CHANGES: usize = 50;
    let mut serving = serving(&[("atd.toml", &saying("0"))]);
    let mut callers = JoinSet::new();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    for _ in 0..3 {
        let client = Client::connect(serving.socket()).await.unwrap();
        let stopped = stopped.clone();
        callers.spawn(async move {
            let mut said = 0;
            while !*stopped.borrow() {
                let word = client.call("demo:word.say", &json!({})).await.unwrap();
                let word = word.parse::<[String; 1]>().unwrap()[0]
                    .parse::<usize>()
                    .unwrap();
                // What a caller once saw changed does not come back.
                assert!(word >= said, "{word} after {said}");
                said = word;
            }
            said
        });
    }
    let serving = tokio::task::spawn_blocking(move || {
        for n in 1..=CHANGES {
            put(serving.folder(), "atd.toml", &saying(&n.to_string()));
            serving.tell(Signal::HUP);
            serving.hears("Tools taken up: changed demo:word.say.");
        }
        serving
    });
    let mut serving = serving.await.unwrap();
    assert_eq!(
        call(&serving, &["demo:word.say"]),
        json!([CHANGES.to_string()])
    );
    stop.send(true).unwrap();
    while let Some(said) = callers.join_next().await {
        said.unwrap();
    }
    assert!(serving.end().0.success());
    let log = serving.log();
    let mut events = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(
        events.all(|event| event["outcome"]["kind"] == "success"),
        "{log}"
    );
}

/// What a file says may be right, and what a tool needs may not be there.
#[test]
fn a_change_with_a_tool_that_cannot_be_set_up_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "atd.toml", &saying("one"));
    let mut command = atd();
    command.env("SSL_CERT_FILE", "/nowhere");
    command.env("SSL_CERT_DIR", "/nowhere");
    let mut serving = Serving::spawn_in(command, &["--config", "atd.toml"], folder);
    let other = saying("two").replace("demo:word.say", "demo:word.other");
    let change = format!("[tools]\nbuiltin = [\"ref:web.fetch\"]\n{other}");
    put(serving.folder(), "atd.toml", &change);
    serving.hears("`ref:web.fetch` cannot be set up");
    assert_eq!(call(&serving, &["demo:word.say"]), json!(["one"]));
    call(&serving, &["ref:echo.say"]);
    let other = serving.ask(&["call", "demo:word.other"]);
    assert_eq!(other.status.code(), Some(1), "{}", stderr(&other));
    assert!(serving.end().0.success());
}
