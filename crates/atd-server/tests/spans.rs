//! Calls as spans of `tracing`, and what no log ever holds.

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use atd_gate::Gate;
use atd_proto::{Request, Response, RunToolContinue, TraceParent};
use atd_registry::{Registry, ToolCallError, tool_fn};
use atd_server::{Middleware, Server};
use serde_json::{Value, json};
use support::{anonymous, call, hello, registry, run, server};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// Everything that is logged on this thread, while the guard lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn json() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn said(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The events that say that a call has ended.
    fn ends(&self) -> Vec<Value> {
        let said = self.said();
        let events = said.lines().map(|line| serde_json::from_str(line).unwrap());
        events
            .filter(|event: &Value| event["target"] == "atd::call")
            .collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_call_is_a_span_with_the_fields_that_are_promised() {
    let (log, _guard) = Log::json();
    let (server, audit) = server();
    let mut session = anonymous(&server);
    hello(&server, &mut session, "the-agent").await;
    let mut traced = call("test:ok.echo", json!({}));
    let parent: TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        .parse()
        .unwrap();
    traced.traceparent = Some(parent);
    run(&server, &session, traced).await;
    let mut dry = call("no:such.tool", json!({}));
    dry.dry_run = true;
    run(&server, &anonymous(&server), dry).await;

    let events = audit.events();
    let [traced, dry] = &log.ends()[..] else {
        panic!("{}", log.said());
    };
    let mut span = traced["span"].clone();
    let took = span["duration_us"].take();
    assert!(took.is_u64());
    assert_eq!(
        span,
        json!({
            "name": "call",
            "call_id": events[0].call_id,
            "tool_id": "test:ok.echo",
            "caller_id": "the-agent",
            "dry_run": false,
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "parent_id": "00f067aa0ba902b7",
            "outcome": "success",
            "duration_us": null,
        })
    );
    assert_eq!(
        (&traced["outcome"], &traced["duration_us"]),
        (&"success".into(), &took)
    );
    assert_eq!(traced["level"], "INFO");

    let span = dry["span"].as_object().unwrap();
    assert_eq!(span["tool_id"], "no:such.tool");
    assert_eq!(span["dry_run"], true);
    assert_eq!(span["outcome"], "tool_not_found");
    for absent in ["caller_id", "trace_id", "parent_id"] {
        assert!(!span.contains_key(absent), "{absent}");
    }
}

/// What is logged while a call runs is told apart by the call's span, however
/// the call ends.
#[tokio::test]
async fn what_is_logged_during_a_call_is_within_its_span() {
    let (log, _guard) = Log::json();
    let registry = registry();
    let logs = tool_fn("test:logs.twice", "", |_: Value, _| async {
        tracing::info!("inside, before");
        tokio::task::yield_now().await;
        tracing::info!("inside, after");
        Ok(())
    });
    registry.register(logs).unwrap();
    let server = Server::builder(registry).build().unwrap();
    let session = anonymous(&server);
    tokio::join!(
        run(&server, &session, call("test:logs.twice", json!({}))),
        run(&server, &session, call("test:bad.panics", json!({}))),
    );
    tracing::info!("outside");
    let said = log.said();
    let events = said.lines().map(|line| serde_json::from_str(line).unwrap());
    for event in events.collect::<Vec<Value>>() {
        let tool = event["span"]["tool_id"].as_str();
        let expected = match event["message"].as_str().unwrap() {
            "inside, before" | "inside, after" => Some("test:logs.twice"),
            "the tool is at fault" => Some("test:bad.panics"),
            "outside" => None,
            _ => continue,
        };
        assert_eq!(tool, expected, "{event}");
    }
    assert_eq!(said.matches("inside, ").count(), 2);
    assert_eq!(said.matches("the tool is at fault").count(), 1);
}

#[tokio::test]
async fn a_call_whose_client_left_ends_its_span() {
    let (log, _guard) = Log::json();
    let (server, _) = server();
    let session = anonymous(&server);
    drop(run(&server, &session, call("test:bad.waits", json!({}))));
    assert!(log.ends().is_empty(), "a call that never began has no span");

    tokio::select! {
        biased;
        _ = run(&server, &session, call("test:bad.waits", json!({}))) => unreachable!(),
        () = std::future::ready(()) => session.phase().client_gone(),
    }
    let ends = log.ends();
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!(ends[0]["span"]["tool_id"], "test:bad.waits");
}

/// X2
#[tokio::test]
async fn no_text_of_a_client_adds_a_line_to_a_log() {
    const HOSTILE: [&str; 5] = [
        "a\nINFO forged",
        "a\r\nb\u{0}c",
        "\u{2028}\u{2029}\u{85}",
        "\u{1b}[2Jx\" outcome=\"success",
        "\u{202e}txt",
    ];
    let calls = async || {
        let (server, _) = server();
        for text in HOSTILE {
            let mut session = anonymous(&server);
            hello(&server, &mut session, text).await;
            run(&server, &session, call(text, json!({}))).await;
            run(
                &server,
                &session,
                call("test:ok.typed", json!({text: text})),
            )
            .await;
            run(
                &server,
                &session,
                call("test:bad.fails", json!({"count": text})),
            )
            .await;
            let schema = Request::ToolSchema {
                tool_id: text.to_owned(),
            };
            server.dispatcher().handle(&mut session, schema).await;
        }
        let long = "long\n".repeat(1_000_000);
        run(&server, &anonymous(&server), call(&long, json!({}))).await;
    };
    let (log, guard) = Log::json();
    calls().await;
    drop(guard);
    assert_eq!(log.ends().len(), HOSTILE.len() * 3 + 1);
    assert!(log.said().lines().all(|line| line.len() < 4 * 1024));

    let (log, guard) = Log::text();
    calls().await;
    drop(guard);
    let said = log.said();
    let odd = |c: char| c.is_control() || ['\u{2028}', '\u{2029}', '\u{202e}'].contains(&c);
    for line in said.lines() {
        assert!(line.starts_with("20"), "{line:?}");
        assert!(!line.contains(odd), "{line:?}");
    }
    assert!(said.contains("the call has ended"), "{said}");
}

/// X1, for the log: whatever a client sent and a tool made of it.
#[tokio::test]
async fn no_argument_no_result_and_no_secret_is_ever_logged() {
    struct Refuses;
    impl Middleware for Refuses {
        fn error(&self, _: &atd_server::CallInfo<'_>, message: String) -> String {
            format!("canary-rewritten {message}")
        }
    }
    let (log, _guard) = Log::json();
    let registry = Registry::new();
    let echo = tool_fn("x:ok.echo", "", |args: Value, _| async move { Ok(args) });
    let fails = tool_fn("x:bad.fails", "", |args: Value, _| async move {
        Err::<(), _>(ToolCallError::failed(
            format!("CANARY-CODE-{}", args["a"]),
            format!("no such file: canary-failure {args}"),
        ))
    });
    let refuses = tool_fn("x:bad.args", "", |args: support::Count, _| async move {
        Ok(args.count)
    });
    registry.register(echo).unwrap();
    registry.register(fails).unwrap();
    registry.register(refuses).unwrap();
    let server = Server::builder(registry)
        .gate(Gate::builder().build())
        .middleware(Refuses)
        .build()
        .unwrap();
    let session = anonymous(&server);
    for tool in ["x:ok.echo", "x:bad.fails", "x:bad.args", "x:no.such"] {
        let args = json!({"a": "canary-value", "canary-key": {"nested": ["canary-nested"]}});
        run(&server, &session, call(tool, args)).await;
    }
    let next = RunToolContinue {
        tool_id: "x:ok.echo".to_owned(),
        cursor: "canary-cursor".to_owned(),
        traceparent: None,
    };
    let answer = server.dispatcher().run_tool_continue(&session, next).await;
    assert!(matches!(answer, Response::Error(_)));
    let said = log.said();
    assert_eq!(log.ends().len(), 5, "{said}");
    assert!(!said.to_lowercase().contains("canary"), "{said}");
}

#[tokio::test]
async fn a_call_that_nobody_watches_has_no_span() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::WARN)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (server, _) = server();
    let session = anonymous(&server);
    run(&server, &session, call("test:ok.echo", json!({}))).await;
    assert_eq!(log.said(), "");
    run(&server, &session, call("test:bad.panics", json!({}))).await;
    let event: Value = serde_json::from_str(&log.said()).unwrap();
    assert_eq!(event["fields"]["message"], "the tool is at fault");
    assert!(event.get("span").is_none(), "{event}");
}
