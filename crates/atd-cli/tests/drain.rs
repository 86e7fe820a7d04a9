//! A8: the end of a server with many calls of programs in flight.

mod support;

use std::fs;
use std::path::Path;

use atd_runtime::proto::{Request, RunTool, TaggedRequest, encode_frame};
use serde_json::json;
use support::configured::{outcomes, serving};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

const CONNECTIONS: usize = 20;
const EACH: usize = 50;

/// Says that it runs by a file of its own, and would go on for an hour.
const TOOL: &str = r#"[[tool]]
id = "demo:slow.each"
description = "Runs for an hour"
tier = "cold"
[tool.cli]
cmd = "sh"
args = ["-c", "mktemp -p begun >/dev/null; exec sleep 3600"]
"#;

async fn begin(socket: &Path) -> UnixStream {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let mut wire = Vec::new();
    for id in 0..EACH {
        let request = TaggedRequest {
            request_id: Some(id as u64),
            ..Request::RunTool(RunTool::new("demo:slow.each", &json!({})).unwrap()).into()
        };
        encode_frame(&mut wire, |body| request.encode(body)).unwrap();
    }
    stream.write_all(&wire).await.unwrap();
    stream
}

/// A8, through the command: SIGTERM while a thousand programs run. Each call
/// has its record, and no program is left. To end a program must not take a
/// look at all others, or they would hold up one another and the server.
#[tokio::test]
async fn a_thousand_programs_are_ended_and_every_call_is_on_record() {
    let mut serving = serving(&[("atd.toml", TOOL)]);
    let begun = serving.folder().join("begun");
    fs::create_dir(&begun).unwrap();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(begin(&serving.socket()).await);
    }
    while fs::read_dir(&begun).unwrap().count() < CONNECTIONS * EACH {
        tokio::task::yield_now().await;
    }
    let (status, last) = serving.end();
    assert!(status.success(), "{last}");
    assert!(
        !last.contains("no record") && !last.contains("not close"),
        "{last}"
    );
    let outcomes = outcomes(&serving);
    assert_eq!(outcomes.len(), CONNECTIONS * EACH, "{last}");
    assert!(outcomes.iter().all(|outcome| outcome == "SHUT_DOWN"));
    let here = serving.folder().canonicalize().unwrap();
    let processes = || fs::read_dir("/proc").unwrap().flatten();
    let is_left =
        |it: fs::DirEntry| fs::read_link(it.path().join("cwd")).is_ok_and(|it| it == here);
    while processes().any(is_left) {
        tokio::task::yield_now().await;
    }
}
