//! What the tests of this crate share.
#![allow(dead_code, reason = "each test program uses its part of it")]

pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod serving;

use std::sync::Arc;
use std::time::Duration;

use atd_audit::{CallEvent, MemoryAuditSink, Outcome};
use atd_gate::{Gate, PeerCredentials};
use atd_proto::{
    ErrorBody, ErrorCode, Hello, JsonText, Request, Response, RunTool, Tier, ToolFailure,
};
use atd_registry::{Registry, ToolCallError, blocking_fn, tool_fn};
use atd_server::{Server, ServerBuilder, Session, TierLimits, TierPolicy};
use serde_json::{Value, json};

/// The deadline of the tools here that never return.
pub(crate) const SHORT: Duration = Duration::from_millis(20);

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Count {
    #[schemars(range(min = 1))]
    pub(crate) count: u32,
}

/// A tool for each way in which a call can end.
pub(crate) fn registry() -> Registry {
    let registry = Registry::new();
    let any = |_: Value, _| async { Ok("done") };
    registry
        .register(tool_fn("test:ok.echo", "", |args: Value, _| async {
            Ok(args)
        }))
        .unwrap();
    registry
        .register(tool_fn("test:ok.typed", "", |args: Count, _| async move {
            Ok(args.count)
        }))
        .unwrap();
    registry
        .register(tool_fn("test:ok.denied", "", any).define(|d| d.requires(["secret"])))
        .unwrap();
    registry
        .register(tool_fn("test:ok.limited", "", any).define(|d| d.rate_limit_per_min(1)))
        .unwrap();
    registry
        .register(
            tool_fn("test:ok.dry", "", |_: Value, ctx| async move {
                Ok(ctx.dry_run())
            })
            .define(atd_proto::ToolDefinitionBuilder::handles_dry_run),
        )
        .unwrap();
    registry
        .register(tool_fn("test:bad.fails", "", |_: Value, _| async {
            Err::<(), _>(ToolCallError::failed_for_now("BUSY", "try later"))
        }))
        .unwrap();
    registry
        .register(tool_fn("test:bad.internal", "", |_: Value, _| async {
            Err::<(), _>(ToolCallError::internal("canary-internal"))
        }))
        .unwrap();
    registry
        .register(
            tool_fn("test:bad.panics", "", |args: Value, _| async move {
                assert!(args.get("never").is_some(), "canary-panic");
                Ok(())
            })
            .define(|d| d.max_concurrent(1)),
        )
        .unwrap();
    registry
        .register(
            tool_fn("test:bad.hangs", "", |_: Value, _| {
                std::future::pending::<Result<(), _>>()
            })
            .define(|d| d.timeout(SHORT)),
        )
        .unwrap();
    registry
        .register(
            tool_fn("test:bad.waits", "", |_: Value, _| {
                std::future::pending::<Result<(), _>>()
            })
            .define(|d| d.tier(Tier::Cold)),
        )
        .unwrap();
    registry
        .register(
            tool_fn("test:bad.floods", "", |_: Value, _| async {
                Ok("x".repeat(70_000))
            })
            .define(|d| d.tier(Tier::Hot)),
        )
        .unwrap();
    registry
        .register_blocking(
            blocking_fn("test:bad.spins", "", |_: Value, ctx| {
                while !ctx.cancelled().is_cancelled() {
                    std::hint::spin_loop();
                }
                Ok(())
            })
            .define(|d| d.timeout(SHORT)),
        )
        .unwrap();
    registry
}

/// A server of [`registry`] that allows `read`, and what it records.
pub(crate) fn server() -> (Server, Arc<MemoryAuditSink>) {
    let (builder, audit) = builder();
    (builder.build().unwrap(), audit)
}

pub(crate) fn builder() -> (ServerBuilder, Arc<MemoryAuditSink>) {
    let audit = Arc::new(MemoryAuditSink::new());
    let builder = Server::builder(registry())
        .gate(Gate::builder().allow(["read"]).build())
        .audit(audit.clone());
    (builder, audit)
}

/// A policy under which the cold tier is cut as soon as the others.
pub(crate) fn short_tiers() -> TierPolicy {
    TierPolicy::default().with(
        Tier::Cold,
        TierLimits {
            timeout: SHORT,
            output_bytes: 1024,
        },
    )
}

pub(crate) fn anonymous(server: &Server) -> Session {
    server.dispatcher().connect(None).unwrap()
}

pub(crate) fn own_credentials() -> PeerCredentials {
    PeerCredentials {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        pid: None,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "`json!` stands at every call"
)]
pub(crate) fn call(tool_id: &str, args: Value) -> RunTool {
    RunTool::new(tool_id, &args).unwrap()
}

pub(crate) async fn run(server: &Server, session: &Session, call: RunTool) -> Response {
    server.dispatcher().run_tool(session, call).await
}

pub(crate) async fn hello(server: &Server, session: &mut Session, client_id: &str) -> Response {
    let request = Request::Hello(Hello {
        client_id: Some(client_id.to_owned()),
        requested_capabilities: ["read", "write"].into_iter().collect(),
        ..Hello::default()
    });
    let answer = server.dispatcher().handle(session, request).await;
    Response::decode(answer.to_json()).unwrap()
}

/// What a tool returned that did what it was asked.
pub(crate) fn result(response: Response) -> Value {
    let Response::ToolResult(answer) = response else {
        panic!("{response:?} is no result");
    };
    assert!(answer.success, "{}", answer.result);
    answer.result.to_value().unwrap()
}

/// What a tool said that failed.
pub(crate) fn failure(response: Response) -> ToolFailure {
    let Response::ToolResult(answer) = response else {
        panic!("{response:?} is no failure");
    };
    assert!(!answer.success);
    answer.result.to_value().unwrap()
}

/// What kept a tool from running.
pub(crate) fn error(response: Response) -> (ErrorCode, ErrorBody) {
    let Response::Error(body) = response else {
        panic!("{response:?} is no error");
    };
    let code = body.code.expect("every error has a code");
    assert_eq!(body.retryable, Some(code.is_retryable()));
    (code, body)
}

pub(crate) fn only_event(audit: &MemoryAuditSink) -> CallEvent {
    let mut events = audit.events();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

pub(crate) fn failed(code: &str, retryable: bool) -> Outcome {
    Outcome::ExecutionFailed {
        code: code.to_owned(),
        retryable,
    }
}

pub(crate) fn empty() -> JsonText {
    JsonText::from_value(&json!({})).unwrap()
}
