//! `atd demo`: what the gate, the limits and the audit do, seen at once.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use atd_runtime::client::{Client, ClientError};
use atd_runtime::prelude::*;
use atd_runtime::tools::{EchoSay, FsRead, FsRoot};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{BOLD, DIM, GREEN, RED, print};

/// How long the audit may take to write one line.
const PATIENCE: Duration = Duration::from_secs(5);

/// One call of the demonstration.
struct Scene {
    title: &'static str,
    tool_id: &'static str,
    args: Value,
}

fn scenes() -> [Scene; 5] {
    let scene = |title, tool_id, args| Scene {
        title,
        tool_id,
        args,
    };
    let report = json!({"to": "team"});
    [
        scene(
            "An allowed call",
            "ref:fs.read",
            json!({"path": "notes.txt"}),
        ),
        scene(
            "A denied call: the tool requires a capability that was not granted",
            "demo:db.drop",
            json!({}),
        ),
        scene("A call within its rate", "demo:report.send", report.clone()),
        scene(
            "A rate-limited call: one a minute was said",
            "demo:report.send",
            report,
        ),
        scene(
            "A failing call: the tool ran and could not",
            "demo:weather.look_up",
            json!({"city": "Atlantis"}),
        ),
    ]
}

pub(crate) async fn run() -> Result<ExitCode, Failure> {
    let folder = tempfile::tempdir().context("no temporary directory")?;
    let root = folder.path().join("root");
    std::fs::create_dir(&root)?;
    std::fs::write(
        root.join("notes.txt"),
        "Water the plants.\nRead the audit log.\n",
    )?;

    let log = folder.path().join("audit.jsonl");
    let audit = Arc::new(JsonLinesAuditSink::file(&log)?);
    let server = Server::builder(registry(&root)?)
        .gate(Gate::builder().allow(["read"]).build())
        .audit(audit.clone())
        .build()
        .map_err(Failure::failed)?;
    let serving = server
        .serve_unix(folder.path().join("atd.sock"))
        .await
        .map_err(Failure::failed)?;

    let client = Client::connect(serving.path()).await?;
    let hello = Hello {
        client_id: Some("demo-agent".to_owned()),
        requested_capabilities: ["read", "db.admin"].into_iter().collect(),
        ..Hello::default()
    };
    let granted = client.hello(hello).await?.granted_capabilities;
    print(format!(
        "{BOLD}demo-agent{BOLD:#} asked for db.admin and read, and was granted {granted}.\n"
    ))?;
    for (n, scene) in scenes().into_iter().enumerate() {
        let called = client.call(scene.tool_id, &scene.args).await;
        audit.flush(PATIENCE).context("the audit log")?;
        let record = last_line(&log)?;
        show(n + 1, &scene, called, &record)?;
    }
    serving.shutdown().await;
    print(format!(
        "Five calls, five records. Next: {BOLD}atd serve{BOLD:#} serves tools on a socket, and \
         {BOLD}atd list{BOLD:#} shows them."
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn registry(root: &Path) -> Result<Registry, Failure> {
    let registry = Registry::new();
    registry.register(EchoSay::new())?;
    registry.register_blocking(FsRead::new(FsRoot::open(root)?))?;
    registry.register(
        tool_fn("demo:db.drop", "Drops a database", |_: Value, _| async {
            Ok("dropped")
        })
        .define(|definition| definition.requires(["db.admin"])),
    )?;
    registry.register(
        tool_fn("demo:report.send", "Sends a report", |_: Value, _| async {
            Ok("sent")
        })
        .define(|definition| definition.rate_limit_per_min(1)),
    )?;
    registry.register(tool_fn(
        "demo:weather.look_up",
        "Looks up the weather",
        |_: Value, _| async {
            Err::<(), _>(ToolCallError::failed(
                "NO_SUCH_CITY",
                "no city of that name",
            ))
        },
    ))?;
    Ok(registry)
}

fn show(
    n: usize,
    scene: &Scene,
    called: Result<atd_runtime::client::CallOutcome, ClientError>,
    record: &str,
) -> io::Result<()> {
    let (style, saw) = match called {
        Ok(outcome) => (GREEN, outcome.result().to_string()),
        Err(error) => (RED, error.to_string()),
    };
    print(format!("{BOLD}{n}. {}{BOLD:#}", scene.title))?;
    print(format!("   call    {} {}", scene.tool_id, scene.args))?;
    print(format!("   client  {style}{saw}{style:#}"))?;
    print(format!("   audit   {DIM}{record}{DIM:#}\n"))
}

fn last_line(log: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(log)?;
    Ok(text.lines().last().unwrap_or_default().to_owned())
}
