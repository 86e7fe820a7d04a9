//! The tools on files as an agent meets them: served, and called by a client.

use std::fs;

use atd_runtime::ServerHandle;
use atd_runtime::client::{CallAllOptions, CallOptions, MergePolicy};
use atd_runtime::prelude::*;
use atd_runtime::tools::{FsEdit, FsGlob, FsGrep, FsRead, FsRoot, FsWrite};
use serde_json::{Value, json};
use tempfile::TempDir;

const ALL: [&str; 5] = ["read", "fs.write", "fs.edit", "fs.glob", "fs.grep"];

/// A server with the five tools on `root` in a directory of its own.
async fn serve() -> (TempDir, ServerHandle) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root");
    fs::create_dir(&path).unwrap();
    let root = FsRoot::open(path).unwrap();
    let registry = Registry::new();
    registry
        .register_blocking(FsRead::new(root.clone()))
        .unwrap();
    registry
        .register_blocking(FsWrite::new(root.clone()))
        .unwrap();
    registry
        .register_blocking(FsEdit::new(root.clone()))
        .unwrap();
    registry
        .register_blocking(FsGlob::new(root.clone()))
        .unwrap();
    registry.register_blocking(FsGrep::new(root)).unwrap();
    let gate = Gate::builder().allow(ALL).build();
    let server = Server::builder(registry).gate(gate).build().unwrap();
    let serving = server
        .serve_unix(folder.path().join("atd.sock"))
        .await
        .unwrap();
    (folder, serving)
}

async fn connect(serving: &ServerHandle) -> Client {
    let client = Client::connect(serving.path()).await.unwrap();
    client.hello(asking_for(ALL)).await.unwrap();
    client
}

fn asking_for(capabilities: impl IntoIterator<Item = &'static str>) -> Hello {
    Hello {
        requested_capabilities: capabilities.into_iter().collect(),
        ..Hello::default()
    }
}

async fn call(client: &Client, id: &str, args: Value) -> Result<Value, String> {
    match client.call(id, &args).await {
        Ok(outcome) => Ok(outcome.parse().unwrap()),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn an_agent_finds_reads_and_changes_files() {
    let (folder, serving) = serve().await;
    let client = connect(&serving).await;
    let text = "fn one() {}\nfn two() {}\n";
    let new = json!({"path": "src/lib.rs", "content": text, "create_dirs": true});
    call(&client, "ref:fs.write", new).await.unwrap();
    let found = call(&client, "ref:fs.glob", json!({"pattern": "**/*.rs"}))
        .await
        .unwrap();
    assert_eq!(found["files"], json!(["src/lib.rs"]));
    let edit = json!({"path": "src/lib.rs", "old_string": "two", "new_string": "three"});

    let dry = CallOptions::new().dry_run(true);
    let outcome = client.call_with("ref:fs.edit", &edit, dry).await.unwrap();
    assert!(outcome.is_dry_run());
    assert_eq!(outcome.parse::<Value>().unwrap()["dry_run"], true);
    let file = folder.path().join("root/src/lib.rs");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);

    // What one connection knows another does not.
    let other = connect(&serving).await;
    let refused = call(&other, "ref:fs.edit", edit.clone()).await.unwrap_err();
    assert!(
        refused.contains("has not been read on this connection"),
        "{refused}"
    );
    call(&other, "ref:fs.read", json!({"path": "src/lib.rs"}))
        .await
        .unwrap();
    call(&client, "ref:fs.edit", edit.clone()).await.unwrap();
    let refused = call(&other, "ref:fs.edit", edit).await.unwrap_err();
    assert!(refused.contains("has changed since"), "{refused}");

    let found = call(&client, "ref:fs.grep", json!({"pattern": r"fn \w+"}))
        .await
        .unwrap();
    assert_eq!(
        found["matches"],
        json!([
            {"path": "src/lib.rs", "line": 1, "text": "fn one() {}"},
            {"path": "src/lib.rs", "line": 2, "text": "fn three() {}"}
        ])
    );
    serving.shutdown().await;
}

#[tokio::test]
async fn all_pages_of_a_search_come_to_who_walks_them() {
    let (folder, serving) = serve().await;
    let client = connect(&serving).await;
    for file in ["a", "b", "c"] {
        fs::write(folder.path().join("root").join(file), "x\n".repeat(50)).unwrap();
    }
    let all = CallAllOptions::new(MergePolicy::ConcatField("matches".to_owned()));
    let args = json!({"pattern": "x", "limit": 7});
    let found = client.call_all("ref:fs.grep", &args, all).await.unwrap();
    let found: Value = found.to_value().unwrap();
    assert_eq!(found["matches"].as_array().unwrap().len(), 150);
    let all = CallAllOptions::new(MergePolicy::ConcatField("files".to_owned()));
    let args = json!({"pattern": "*", "limit": 1});
    let found = client.call_all("ref:fs.glob", &args, all).await.unwrap();
    assert_eq!(
        found.to_value::<Value>().unwrap()["files"],
        json!(["a", "b", "c"])
    );
    serving.shutdown().await;
}

#[tokio::test]
async fn each_tool_wants_the_capability_of_its_name() {
    let (_folder, serving) = serve().await;
    for (id, capability) in [
        ("ref:fs.read", "read"),
        ("ref:fs.write", "fs.write"),
        ("ref:fs.edit", "fs.edit"),
        ("ref:fs.glob", "fs.glob"),
        ("ref:fs.grep", "fs.grep"),
    ] {
        let client = Client::connect(serving.path()).await.unwrap();
        let others = ALL.into_iter().filter(|other| *other != capability);
        client.hello(asking_for(others)).await.unwrap();
        let args = json!({
            "path": "f", "content": "", "old_string": "a", "new_string": "b", "pattern": "x"
        });
        let refused = call(&client, id, args).await.unwrap_err();
        assert!(refused.contains(capability), "{id}: {refused}");
    }
    serving.shutdown().await;
}
