//! The published client SDK against `atd serve`, and the published reader of
//! events on the log that is left.

use atd_runtime::audit::{CallEvent, Outcome};
use atd_sdk::{AtdClient, CallOptions, DiscoverFilter, Endpoint};
use interop::Serving;
use serde_json::{Value, json};

async fn connect(serving: &Serving) -> AtdClient {
    AtdClient::connect(Endpoint::unix(serving.socket()))
        .await
        .expect("the SDK connects, with a ping")
}

fn dry() -> CallOptions {
    CallOptions {
        dry_run: true,
        ..CallOptions::default()
    }
}

/// The error's variant and its text: the SDK's error type is not one of its
/// re-exports.
fn shown<T: std::fmt::Debug>(
    result: Result<T, impl std::fmt::Debug + std::fmt::Display>,
) -> String {
    let error = result.expect_err("an error");
    format!("{error:?} {error}")
}

#[tokio::test]
async fn the_published_sdk_does_all_it_can_and_each_call_leaves_an_event() {
    let serving = Serving::start(&["--grant", "read"]);
    let client = connect(&serving).await;
    client.ping().await.expect("pong");

    let granted = client
        .hello(Some("sdk-test"), vec!["read".into(), "admin".into()])
        .await;
    assert_eq!(granted.expect("hello"), ["read"]);

    let tools = client.discover(None, DiscoverFilter::default()).await;
    let ids: Vec<String> = tools.expect("tools").into_iter().map(|t| t.id).collect();
    assert_eq!(ids, ["ref:echo.say", "ref:fs.read"]);

    let described = client.describe("ref:fs.read").await.expect("a definition");
    assert_eq!(described.capability.domain, "fs");
    assert_eq!(described.required_capabilities, ["read"]);

    let echo = json!({"text": "hello", "n": [1, 2.5, null]});
    let said = client
        .call("ref:echo.say", echo.clone(), CallOptions::default())
        .await;
    assert!(format!("{:?}", said.expect("a result")).contains("hello"));

    let previewed = client.call("ref:echo.say", echo, dry()).await;
    assert!(format!("{:?}", previewed.expect("a preview")).contains("args_preview"));

    let read = json!({"path": "notes.txt"});
    let read_result = client
        .call("ref:fs.read", read.clone(), CallOptions::default())
        .await;
    assert!(format!("{:?}", read_result.expect("a result")).contains("two"));

    // Whoever says hello without asking holds nothing.
    client.hello(Some("sdk-test"), vec![]).await.expect("hello");
    let denied = client
        .call("ref:fs.read", read, CallOptions::default())
        .await;
    let denied = shown(denied);
    assert!(denied.starts_with("CapabilityDenied"), "{denied}");
    assert!(denied.contains("\"read\""), "{denied}");

    let unknown = client
        .call("ref:no.such", json!({}), CallOptions::default())
        .await;
    let unknown = shown(unknown);
    assert!(
        unknown.contains("not found") || unknown.starts_with("ToolNotFound"),
        "{unknown}"
    );
    let undescribed = shown(client.describe("ref:no.such").await);
    assert!(undescribed.contains("not found") || undescribed.starts_with("ToolNotFound"));

    let misfit = client.call("ref:fs.read", json!({"path": 7}), dry()).await;
    assert!(misfit.is_err());
    client.ping().await.expect("the connection goes on");

    let outcomes = events(&serving.audit_log());
    let kinds: Vec<Value> = outcomes.iter().map(|event| kind(&event.outcome)).collect();
    assert_eq!(
        kinds,
        [
            "success",
            "success",
            "success",
            "capability_denied",
            "tool_not_found",
            "capability_denied"
        ]
    );
    assert_eq!(outcomes[0].caller_id.as_deref(), Some("sdk-test"));
    assert!(outcomes[1].dry_run);
}

#[tokio::test]
async fn a_token_is_refused_with_its_code_while_no_root_is_trusted() {
    let serving = Serving::start(&[]);
    let client = connect(&serving).await;
    let refused = client
        .hello_with_ucan_tokens(Some("did:key:z6Mk"), vec![], vec!["a.b.c".into()])
        .await;
    let refused = shown(refused);
    assert!(
        refused.contains("1010") || refused.contains("token"),
        "{refused}"
    );
    client.ping().await.expect("the connection goes on");
}

#[test]
fn the_demonstration_leaves_events_that_the_published_reader_reads() {
    let atd = std::env::var_os("ATD_BIN").expect("ATD_BIN names the binary");
    let demo = std::process::Command::new(atd)
        .arg("demo")
        .output()
        .expect("atd runs");
    assert!(demo.status.success());
    let text = String::from_utf8(demo.stdout).expect("UTF-8");
    let log: String = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("audit"))
        .map(|record| format!("{}\n", record.trim_start()))
        .collect();
    let kinds: Vec<Value> = events(&log)
        .iter()
        .map(|event| kind(&event.outcome))
        .collect();
    assert_eq!(
        kinds,
        [
            "success",
            "capability_denied",
            "success",
            "rate_limited",
            "execution_failed"
        ]
    );
}

fn events(log: &str) -> Vec<CallEvent> {
    log.lines()
        .map(|line| serde_json::from_str(line).expect("the published CallEvent reads the line"))
        .collect()
}

fn kind(outcome: &Outcome) -> Value {
    serde_json::to_value(outcome).expect("an outcome is JSON")["kind"].clone()
}
