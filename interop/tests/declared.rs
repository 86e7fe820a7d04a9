//! The published client SDK calls tools that are programs, declared in a file.

use atd_sdk::{AtdClient, CallOptions, DiscoverFilter, Endpoint};
use interop::Serving;
use serde_json::json;

const CONFIG: &str = r#"
[tools]
builtin = []

[[tool]]
id = "demo:text.count"
description = "Counts the characters of its arguments"
input_schema = { type = "object", required = ["text"], properties = { text = { type = "string" } } }
[tool.cli]
cmd = "sh"
args = ["-c", 'printf %s "$1" | wc -c', "count"]
args_template = ["{params_json}"]

[[tool]]
id = "demo:file.drop"
description = "Says what it would do, or does it"
[tool.cli]
cmd = "echo"
args = ["dropping"]
args_template = ["{dry_run}"]
dry_run_flag = "--dry-run"
output_format = "lines"
exit_code_map = { "3" = "BUSY" }

[[tool]]
id = "demo:exit.busy"
description = "Always fails"
[tool.cli]
cmd = "sh"
args = ["-c", "echo try later >&2; exit 3"]
exit_code_map = { "3" = "BUSY" }
"#;

fn dry() -> CallOptions {
    CallOptions {
        dry_run: true,
        ..CallOptions::default()
    }
}

#[tokio::test]
async fn the_published_sdk_finds_and_calls_tools_that_a_file_declares() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let config = folder.path().join("atd.toml");
    std::fs::write(&config, CONFIG).expect("a file");
    let serving = Serving::start(&["--config", config.to_str().expect("UTF-8")]);
    let client = AtdClient::connect(Endpoint::unix(serving.socket())).await;
    let client = client.expect("the SDK connects, with a ping");

    let tools = client.discover(None, DiscoverFilter::default()).await;
    let ids: Vec<String> = tools.expect("tools").into_iter().map(|t| t.id).collect();
    assert_eq!(ids, ["demo:exit.busy", "demo:file.drop", "demo:text.count"]);
    let described = client.describe("demo:file.drop").await;
    assert!(described.expect("a definition").safety.dry_run);

    let args = json!({"text": "hello"});
    let count = client.call("demo:text.count", args, CallOptions::default());
    let count = format!("{:?}", count.await.expect("a result"));
    assert!(count.contains("16"), "{count}");

    let call = async |how| {
        let called = client.call("demo:file.drop", json!({}), how).await;
        format!("{:?}", called.expect("a result"))
    };
    let (would, did) = (call(dry()).await, call(CallOptions::default()).await);
    assert!(would.contains("dropping --dry-run"), "{would}");
    assert!(
        did.contains("dropping") && !did.contains("--dry-run"),
        "{did}"
    );

    let busy = client.call("demo:exit.busy", json!({}), CallOptions::default());
    let busy = format!("{:?}", busy.await);
    assert!(
        busy.contains("BUSY") && busy.contains("try later"),
        "{busy}"
    );
    assert_eq!(serving.audit_log().lines().count(), 4);
}
