//! The way of a call, in process: what the caller learns and what is recorded.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atd_audit::{
    CallEvent, JsonLinesAuditSink, MemoryAuditSink, Outcome, SCHEMA_VERSION, now_rfc3339,
};
use atd_gate::Gate;
use atd_proto::{
    ErrorCode, JsonText, Request, Response, RunTool, RunToolContinue, Tier, ToolFilter,
};
use atd_registry::{Registry, ToolCallError, tool_fn};
use atd_server::{Server, TierLimits, TierPolicy};
use serde_json::{Value, json};
use support::*;

/// A4: every way a call can end leaves exactly one event.
#[tokio::test]
async fn every_way_a_call_can_end_leaves_exactly_one_event() {
    let check = async |tool_id: &str, args: Value, expected: Outcome| {
        let (server, audit) = server();
        run(&server, &anonymous(&server), call(tool_id, args)).await;
        assert_eq!(only_event(&audit).outcome, expected, "{tool_id}");
    };
    check("test:ok.echo", json!({}), Outcome::Success).await;
    check("test:no.such", json!({}), Outcome::ToolNotFound).await;
    let missing = vec!["secret".to_owned()];
    check(
        "test:ok.denied",
        json!({}),
        Outcome::CapabilityDenied { missing },
    )
    .await;
    check("test:bad.fails", json!({}), failed("BUSY", true)).await;
    check("test:bad.internal", json!({}), failed("INTERNAL", false)).await;
    check("test:bad.panics", json!({}), failed("PANICKED", false)).await;
    check(
        "test:bad.hangs",
        json!({}),
        failed("DEADLINE_EXCEEDED", true),
    )
    .await;
    check(
        "test:bad.spins",
        json!({}),
        failed("DEADLINE_EXCEEDED", true),
    )
    .await;
    check(
        "test:bad.floods",
        json!({}),
        failed("OUTPUT_TOO_LARGE", false),
    )
    .await;
    let message = "they break the schema at /properties/count/minimum".to_owned();
    check(
        "test:ok.typed",
        json!({"count": 0}),
        Outcome::InvalidArgs { message },
    )
    .await;
}

#[tokio::test]
async fn a_call_over_its_rate_says_which_limit_and_how_long_to_wait() {
    let (server, audit) = server();
    let session = anonymous(&server);
    result(run(&server, &session, call("test:ok.limited", json!({}))).await);
    let (code, body) = error(run(&server, &session, call("test:ok.limited", json!({}))).await);
    assert_eq!(code, ErrorCode::RATE_LIMITED);
    let details = body.details.unwrap();
    assert_eq!(details["scope"], "tool_rate");
    assert_eq!(details["limit"], 1);
    assert_eq!(details["tool_id"], "test:ok.limited");
    let wait = details["retry_after_ms"].as_u64().unwrap();
    assert!((1..=60_000).contains(&wait));
    assert!(matches!(
        audit.events()[1].outcome,
        Outcome::RateLimited { retry_after_ms: Some(ms) } if ms == wait
    ));
}

/// A4: a call whose caller goes away leaves its event too.
#[tokio::test]
async fn a_call_that_is_dropped_leaves_its_event() {
    let (server, audit) = server();
    let session = anonymous(&server);
    let run = server
        .dispatcher()
        .run_tool(&session, call("test:bad.waits", json!({})));
    let dropped = tokio::time::timeout(SHORT, run).await;
    assert!(dropped.is_err());
    assert_eq!(only_event(&audit).outcome, failed("DROPPED", true));
    assert_eq!(server.metrics_snapshot().calls_in_flight, 0);
}

#[tokio::test]
async fn no_cursor_is_valid_where_none_was_given_out() {
    let (server, audit) = server();
    let mut session = anonymous(&server);
    let mut next = async |tool_id: &str| {
        let request = Request::RunToolContinue(RunToolContinue {
            tool_id: tool_id.to_owned(),
            cursor: "forged".to_owned(),
            traceparent: None,
        });
        let answer = server.dispatcher().handle(&mut session, request).await;
        error(Response::decode(answer.to_json()).unwrap()).0
    };
    assert_eq!(next("test:ok.echo").await, ErrorCode::CURSOR_INVALID);
    assert_eq!(next("test:no.such").await, ErrorCode::TOOL_NOT_FOUND);
    let outcomes: Vec<Outcome> = audit.events().into_iter().map(|e| e.outcome).collect();
    assert_eq!(
        outcomes,
        [failed("CURSOR_INVALID", false), Outcome::ToolNotFound]
    );
}

#[tokio::test]
async fn what_is_no_call_leaves_no_event() {
    let (server, audit) = server();
    let mut session = anonymous(&server);
    hello(&server, &mut session, "agent").await;
    for request in [
        Request::Ping,
        Request::ToolList(ToolFilter::default()),
        Request::ToolSchema {
            tool_id: "test:no.such".into(),
        },
    ] {
        server.dispatcher().handle(&mut session, request).await;
    }
    assert_eq!(audit.events(), []);
}

#[tokio::test]
async fn the_event_says_who_called_what_and_with_which_rights() {
    let (server, audit) = server();
    let mut session = anonymous(&server);
    let Response::HelloAck(ack) = hello(&server, &mut session, "agent-7").await else {
        panic!("hello is allowed");
    };
    assert_eq!(ack.granted_capabilities.to_string(), "read");
    run(&server, &session, call("test:bad.floods", json!({}))).await;
    let event = only_event(&audit);
    assert_eq!(event.caller_id.as_deref(), Some("agent-7"));
    assert_eq!(event.granted_capabilities, ["read"]);
    assert_eq!((event.tier.as_str(), event.call_id.len()), ("hot", 26));
    assert!(!event.dry_run && !event.secrets_resolved && event.cursor_page.is_none());
}

#[tokio::test]
async fn an_event_says_nothing_of_the_call_before_it() {
    let (server, audit) = server();
    let mut known = anonymous(&server);
    hello(&server, &mut known, "agent-7").await;
    let dry = RunTool {
        dry_run: true,
        ..call("test:ok.dry", json!({}))
    };
    run(&server, &known, dry).await;
    let session = anonymous(&server);
    let long = call(&format!("test:no.{}", "x".repeat(2_000)), json!({}));
    run(&server, &session, long).await;
    run(&server, &session, call("test:ok.echo", json!({}))).await;
    let [first, _, last] = &audit.events()[..] else {
        panic!("three calls");
    };
    assert!(first.dry_run && first.caller_id.is_some());
    let expected = CallEvent {
        ts: last.ts.clone(),
        call_id: last.call_id.clone(),
        tool_id: "test:ok.echo".to_owned(),
        caller_id: None,
        granted_capabilities: vec![],
        duration_ms: last.duration_ms,
        outcome: Outcome::Success,
        tier: first.tier.clone(),
        dry_run: false,
        schema_version: SCHEMA_VERSION,
        secrets_resolved: false,
        cursor_page: None,
    };
    assert_eq!(*last, expected);
    assert_ne!(first.call_id, last.call_id);
}

#[tokio::test]
async fn an_event_says_when_its_call_began() {
    let registry = Registry::new();
    let when = tool_fn("test:some.tool", "", |_: Value, _| async {
        Ok(now_rfc3339())
    });
    registry.register(when).unwrap();
    let audit = Arc::new(MemoryAuditSink::new());
    let server = Server::builder(registry).audit(audit.clone());
    let server = server.build().unwrap();
    let called = call("test:some.tool", json!({}));
    let inside = result(run(&server, &anonymous(&server), called).await);
    let ts = only_event(&audit).ts;
    assert!(ts.as_str() <= inside.as_str().unwrap(), "{ts} {inside}");
}

/// D6: arguments that break the schema: the tool is never entered.
#[tokio::test]
async fn a_tool_is_never_entered_with_arguments_that_break_its_schema() {
    let entered = Arc::new(AtomicUsize::new(0));
    let registry = Registry::new();
    let inside = entered.clone();
    let tool = tool_fn("test:some.tool", "", move |args: Value, _| {
        inside.fetch_add(1, Ordering::SeqCst);
        async { Ok(args) }
    });
    let schema = json!({
        "type": "object",
        "properties": {"n": {"type": "integer"}, "s": {"type": "string", "maxLength": 3}},
        "required": ["n"],
        "additionalProperties": false,
    });
    registry
        .register(tool.define(|d| d.input_schema(schema)))
        .unwrap();
    let server = Server::builder(registry).build().unwrap();
    let session = anonymous(&server);
    for (args, path) in [
        (json!(null), ""),
        (json!([]), ""),
        (json!({}), ""),
        (json!({"n": "1"}), "/n"),
        (json!({"n": 1.5}), "/n"),
        (json!({"n": 1, "s": "four"}), "/s"),
        (json!({"n": 1, "x": 1}), ""),
    ] {
        let (code, body) = error(run(&server, &session, call("test:some.tool", args)).await);
        assert_eq!(code, ErrorCode::INVALID_ARGUMENTS);
        assert_eq!(body.details.unwrap()["errors"][0]["path"], path);
    }
    let huge = RunTool {
        args: JsonText::parse(r#"{"n":1e999}"#).unwrap(),
        ..call("test:some.tool", json!({}))
    };
    assert_eq!(
        error(run(&server, &session, huge).await).0,
        ErrorCode::INVALID_ARGUMENTS
    );
    assert_eq!(entered.load(Ordering::SeqCst), 0);
    result(run(&server, &session, call("test:some.tool", json!({"n": 1}))).await);
    assert_eq!(entered.load(Ordering::SeqCst), 1);
}

/// D2: 10,000 panics in tools: typed errors, permits come back.
#[tokio::test]
async fn a_panic_is_a_typed_failure_and_gives_its_permit_back() {
    std::panic::set_hook(Box::new(|_| {}));
    let (server, audit) = server();
    let session = anonymous(&server);
    for _ in 0..10_000 {
        let failure = failure(run(&server, &session, call("test:bad.panics", json!({}))).await);
        assert_eq!(failure.code, "PANICKED");
        assert!(!failure.message.contains("canary"));
    }
    result(
        run(
            &server,
            &session,
            call("test:bad.panics", json!({"never": 1})),
        )
        .await,
    );
    assert_eq!(audit.events().len(), 10_001);
    assert_eq!(server.metrics_snapshot().calls_in_flight, 0);
}

/// D1: a tool that ignores its deadline is answered at the deadline, 1,000
/// times of 1,000. Time stands still but for the deadlines, so a dispatch that
/// waited for the tool would wait for ever.
#[expect(clippy::disallowed_methods, reason = "the clock is the test's own")]
async fn check_answered_at_the_deadline(tool_id: &str) {
    let (server, audit) = server();
    let session = anonymous(&server);
    for _ in 0..1_000 {
        let begun = tokio::time::Instant::now();
        let failure = failure(run(&server, &session, call(tool_id, json!({}))).await);
        assert_eq!(
            (failure.code.as_str(), failure.retryable),
            ("DEADLINE_EXCEEDED", true)
        );
        // Tokio's timers are a millisecond apart.
        assert!(begun.elapsed() <= SHORT + std::time::Duration::from_millis(1));
    }
    assert_eq!(audit.events().len(), 1_000);
}

/// D1: a tool that awaits.
#[tokio::test(start_paused = true)]
async fn a_tool_that_never_returns_is_answered_at_its_deadline() {
    check_answered_at_the_deadline("test:bad.hangs").await;
}

/// D1: a tool that spins and is declared blocking.
#[tokio::test(start_paused = true)]
async fn a_blocking_tool_that_spins_is_answered_at_its_deadline() {
    check_answered_at_the_deadline("test:bad.spins").await;
}

#[tokio::test]
async fn a_tools_own_timeout_never_exceeds_its_tiers() {
    let (builder, _) = builder();
    let server = builder.tiers(short_tiers()).build().unwrap();
    let session = anonymous(&server);
    let failure = failure(run(&server, &session, call("test:bad.waits", json!({}))).await);
    assert!(failure.message.contains("20 ms"), "{}", failure.message);
}

#[tokio::test]
async fn a_dry_run_checks_everything_and_runs_nothing() {
    let (server, audit) = server();
    let session = anonymous(&server);
    let dry = async |tool_id: &str, args: Value| {
        let dry = RunTool {
            dry_run: true,
            ..call(tool_id, args)
        };
        run(&server, &session, dry).await
    };
    let preview = result(dry("test:bad.panics", json!({"a": [1]})).await);
    assert_eq!(
        preview,
        json!({"dry_run": true, "tool_id": "test:bad.panics", "args_preview": {"a": [1]}})
    );
    let (code, _) = error(dry("test:no.such", json!({})).await);
    assert_eq!(code, ErrorCode::TOOL_NOT_FOUND);
    let (code, _) = error(dry("test:ok.denied", json!({})).await);
    assert_eq!(code, ErrorCode::CAPABILITY_DENIED);
    let (code, _) = error(dry("test:ok.typed", json!({"count": -1})).await);
    assert_eq!(code, ErrorCode::INVALID_ARGUMENTS);
    assert_eq!(result(dry("test:ok.dry", json!({})).await), true);
    assert!(audit.events().iter().all(|event| event.dry_run));
    assert_eq!(
        result(run(&server, &session, call("test:ok.dry", json!({}))).await),
        false
    );
}

#[tokio::test]
async fn an_unknown_tool_keeps_the_words_that_clients_look_for() {
    let (server, _) = server();
    let session = anonymous(&server);
    let (code, body) = error(run(&server, &session, call("test:ok.ecko", json!({}))).await);
    assert_eq!(code, ErrorCode::TOOL_NOT_FOUND);
    assert!(body.message.contains("not found"), "{}", body.message);
    assert_eq!(
        body.details.unwrap()["suggestions"],
        json!(["test:ok.echo"])
    );
    let hostile = call(&"x\n".repeat(1 << 20), json!({}));
    let (_, body) = error(run(&server, &session, hostile).await);
    assert!(body.message.len() < 1_000 && !body.message.contains('\n'));
}

/// X1: what a tool says of its insides stays inside.
#[tokio::test]
async fn an_internal_error_is_not_told() {
    let (server, _) = server();
    let session = anonymous(&server);
    let failure = failure(run(&server, &session, call("test:bad.internal", json!({}))).await);
    assert_eq!(failure.code, "INTERNAL");
    assert!(!failure.message.contains("canary"));
}

/// X2: a newline in any client string adds no line to the audit log.
#[tokio::test]
async fn a_newline_in_a_clients_strings_adds_no_line_to_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    {
        let server = Server::builder(registry())
            .audit(Arc::new(JsonLinesAuditSink::file(&path).unwrap()))
            .build()
            .unwrap();
        let mut session = anonymous(&server);
        hello(
            &server,
            &mut session,
            "a\n{\"kind\":\"success\"}\r\n\u{2028}",
        )
        .await;
        run(&server, &session, call("a:b.c\n{}\n", json!({"\n": "\n"}))).await;
    }
    let log = std::fs::read_to_string(&path).unwrap();
    assert_eq!(log.matches('\n').count(), 1, "{log}");
    assert!(log.ends_with('\n'));
}

#[tokio::test]
async fn an_audit_sink_that_panics_harms_no_call() {
    struct Panics;
    impl atd_audit::AuditSink for Panics {
        fn on_call(&self, _: &atd_audit::CallEvent) {
            panic!("as asked");
        }
    }
    let server = Server::builder(registry())
        .audit(Arc::new(Panics))
        .build()
        .unwrap();
    let session = anonymous(&server);
    result(run(&server, &session, call("test:ok.echo", json!(1))).await);
}

#[tokio::test]
async fn a_tool_that_fails_to_parse_its_arguments_is_no_failure_of_its_own() {
    let registry = Registry::new();
    let tool = tool_fn("test:some.tool", "", |_: Value, _| async {
        Err::<(), _>(ToolCallError::invalid_arg("/path", "it should be absolute"))
    });
    registry.register(tool).unwrap();
    let server = Server::builder(registry).build().unwrap();
    let (code, body) = error(
        run(
            &server,
            &anonymous(&server),
            call("test:some.tool", json!({})),
        )
        .await,
    );
    assert_eq!(code, ErrorCode::INVALID_ARGUMENTS);
    assert_eq!(body.details.unwrap()["errors"][0]["path"], "/path");
}

#[test]
fn every_mistake_of_a_configuration_is_told_at_once() {
    let none = TierLimits {
        timeout: std::time::Duration::ZERO,
        output_bytes: usize::MAX,
    };
    let problems = Server::builder(Registry::new())
        .gate(Gate::builder().build())
        .tiers(TierPolicy::default().with(Tier::Hot, none))
        .max_connections(0)
        .build()
        .unwrap_err()
        .problems;
    assert_eq!(problems.len(), 3, "{problems:?}");
}
