//! What `atd serve` says on standard error, as a log collector reads it.

mod support;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use atd_runtime::client::{CallOptions, Client};
use atd_runtime::proto::Hello;
use serde_json::{Value, json};
use support::{Serving, atd, stderr};

/// Texts that would be lines or orders if they got out.
const HOSTILE: [&str; 4] = [
    "a\n{\"level\":\"ERROR\",\"message\":\"forged\"}",
    "b\r\nc\u{0}",
    "\u{2028}\u{85}\u{1b}[2J",
    "\" outcome=\"success",
];

/// Calls by hostile names, of hostile ids, with canaries wherever they fit.
async fn calls(serving: &Serving) {
    for text in HOSTILE {
        let client = Client::connect(serving.socket()).await.unwrap();
        let hello = Hello {
            client_id: Some(text.to_owned()),
            requested_capabilities: [text, "read"].into_iter().collect(),
            ..Hello::default()
        };
        client.hello(hello).await.unwrap();
        let args = json!({"text": format!("canary-{text}"), "canary-key": text});
        for tool in ["ref:echo.say", "ref:fs.read", text] {
            // Most of them are refused.
            let _ = client.call(tool, &args).await;
        }
    }
    let client = Client::connect(serving.socket()).await.unwrap();
    let traced = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = CallOptions::new().traceparent(Some(traced.parse().unwrap()));
    let args = atd_runtime::JsonText::EMPTY_OBJECT;
    client
        .call_with("ref:echo.say", &args, traced)
        .await
        .unwrap();
}

const CALLS: usize = HOSTILE.len() * 3 + 1;

/// X1 and X2, and every line a document: of the calls, of the command itself,
/// and of how it ended.
#[tokio::test]
async fn a_json_log_is_a_document_a_line_and_holds_no_canary() {
    let flags = ["--log", "trace", "--log-format", "json", "--grant", "read"];
    let mut serving = Serving::start(&flags);
    calls(&serving).await;
    let (status, rest) = serving.end();
    assert!(status.success(), "{rest}");
    let said = serving.greeting.clone() + &rest;
    let events: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}")))
        .collect();
    assert!(!said.contains("canary"), "{said}");
    for event in &events {
        assert!(
            event["timestamp"].is_string() && event["level"].is_string(),
            "{event}"
        );
    }
    let calls: Vec<_> = events
        .iter()
        .filter(|event| event["target"] == "atd::call")
        .collect();
    assert_eq!(calls.len(), CALLS, "{said}");
    let traced = &calls[CALLS - 1]["span"];
    assert_eq!(traced["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(traced["outcome"], "success");
    let own = events
        .iter()
        .filter(|event| event["target"] == "atd::command");
    let own: Vec<_> = own
        .map(|event| event["message"].as_str().unwrap())
        .collect();
    assert!(own[0].starts_with("atd is listening on "), "{own:?}");
    assert!(
        own.last().unwrap().starts_with("Calls served: 13"),
        "{own:?}"
    );
}

/// X1 and X2 for those who read.
#[tokio::test]
async fn a_text_log_has_a_line_for_each_event_and_no_canary() {
    let mut serving = Serving::start(&["--log", "trace", "--grant", "read"]);
    calls(&serving).await;
    let (status, rest) = serving.end();
    assert!(status.success(), "{rest}");
    let ends = rest
        .lines()
        .filter(|line| line.contains(" atd::call: the call has ended "));
    assert_eq!(ends.count(), CALLS, "{rest}");
    assert!(!rest.contains("canary"), "{rest}");
    let own = ["Stopping;", "Calls served: 13,"];
    for line in rest.lines() {
        let dated = line.starts_with("20") && line.contains("Z ");
        assert!(
            dated || own.iter().any(|own| line.starts_with(own)),
            "{line:?}"
        );
        assert!(
            !line.contains(|c: char| c.is_control() || c == '\u{2028}'),
            "{line:?}"
        );
    }
}

#[test]
fn by_default_nothing_is_said_of_calls() {
    let mut serving = Serving::start(&["--log-format", "json"]);
    serving.ask(&["call", "ref:echo.say"]);
    serving.ask(&["call", "no:such.tool"]);
    let (_, rest) = serving.end();
    assert!(!rest.contains("atd::call"), "{rest}");
    assert!(rest.contains("Calls served: 2"), "{rest}");
}

#[test]
fn a_failure_to_start_is_a_document_too() {
    let serving = Serving::start(&[]);
    let mut command = atd();
    let socket = serving.socket();
    command
        .args(["serve", "--log-format", "json", "--log", "off", "--socket"])
        .arg(&socket);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    let event: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(event["level"], "ERROR");
    assert!(
        event["message"]
            .as_str()
            .unwrap()
            .contains("is served already"),
        "{said}"
    );
}

#[test]
fn a_file_says_where_the_metrics_are_and_how_to_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("atd.toml");
    std::fs::write(&file, "metrics = \"./m.sock\"\nlog_format = \"json\"\n").unwrap();
    let file = file.to_str().unwrap();
    let serving = Serving::start(&["--config", file]);
    for line in serving.greeting.lines() {
        let _: Value = serde_json::from_str(line).unwrap();
    }
    assert!(
        folder.path().join("m.sock").exists(),
        "{}",
        serving.greeting
    );

    std::fs::write(file, "metrics = \"nowhere\"\nlog_format = \"xml\"\n").unwrap();
    let mut command = atd();
    let output = command.args(["serve", "--log-format", "json", "--config", file]);
    let output = output.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let event: Value = serde_json::from_str(&stderr(&output)).unwrap();
    let message = event["message"].as_str().unwrap();
    assert!(message.contains("a host and a port"), "{message}");
    assert!(message.contains("\"text\" or \"json\""), "{message}");
}

/// A call ends no worse, and a server no less in order, for there being nobody
/// who reads the log.
#[test]
fn a_log_that_nobody_reads_harms_no_call_and_no_shutdown() {
    for format in ["text", "json"] {
        let mut serving = Serving::start(&["--log", "trace", "--log-format", format]);
        let socket = serving.socket();
        serving.leave_unread();
        let mut stream = UnixStream::connect(&socket).unwrap();
        for _ in 0..3 {
            let request = br#"{"type":"run_tool","tool_id":"ref:echo.say","args":{}}"#;
            let length = u32::try_from(request.len()).unwrap().to_be_bytes();
            stream.write_all(&[&length[..], request].concat()).unwrap();
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut answer = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut answer).unwrap();
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(answer["success"], true, "{answer}");
        }
        serving.tell(rustix::process::Signal::TERM);
        // It answers whom it knows and closes.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty());
        assert!(serving.ended().0.success());
        assert!(!socket.exists());
        assert_eq!(serving.log().lines().count(), 3);
    }
}
