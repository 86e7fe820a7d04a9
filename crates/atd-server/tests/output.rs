//! What tools return, held against what they may.

mod support;

use std::sync::Arc;

use atd_audit::{MemoryAuditSink, Outcome};
use atd_proto::ToolDefinitionBuilder;
use atd_registry::{Registry, tool_fn};
use atd_server::{OutputCheck, Server};
use serde_json::{Value, json};
use support::*;

/// A tool that returns its arguments and says that it returns an object with a
/// number.
fn server_that(check: OutputCheck) -> (Server, Arc<MemoryAuditSink>) {
    let registry = Registry::new();
    let echo = tool_fn("test:out.echo", "", |args: Value, _| async { Ok(args) }).define(|d| {
        d.output_schema(json!({
            "type": "object",
            "properties": {"n": {"type": "integer"}},
            "required": ["n"],
        }))
    });
    registry.register(echo).unwrap();
    let dry = tool_fn("test:out.dry", "", |_: Value, _| async { Ok("no object") })
        .define(|d| d.output_schema(json!({"type": "object"})))
        .define(ToolDefinitionBuilder::handles_dry_run);
    registry.register(dry).unwrap();
    let audit = Arc::new(MemoryAuditSink::new());
    let builder = Server::builder(registry).audit(audit.clone());
    (builder.output_check(check).build().unwrap(), audit)
}

const FITS: [(fn() -> Value, bool); 4] = [
    (|| json!({"n": 1}), true),
    (|| json!({"n": "canary-result"}), false),
    (|| json!({}), false),
    (|| json!([1]), false),
];

#[tokio::test]
async fn a_result_that_does_not_fit_is_a_failure_where_that_is_enforced() {
    let (server, audit) = server_that(OutputCheck::Enforce);
    let session = anonymous(&server);
    for (args, fits) in FITS {
        let answer = run(&server, &session, call("test:out.echo", args())).await;
        if fits {
            assert_eq!(result(answer), args());
        } else {
            let failed = failure(answer);
            assert_eq!(failed.code, "OUTPUT_INVALID");
            assert!(!failed.retryable && !failed.message.contains("canary"));
        }
    }
    assert_eq!(server.metrics_snapshot().output_misfits, 3);
    let misfit = failed("OUTPUT_INVALID", false);
    let outcomes: Vec<Outcome> = audit.events().into_iter().map(|e| e.outcome).collect();
    assert_eq!(outcomes[1..], [misfit.clone(), misfit.clone(), misfit]);
}

#[tokio::test]
async fn a_result_that_does_not_fit_goes_out_where_that_is_only_told() {
    for (check, told) in [(OutputCheck::Warn, 3), (OutputCheck::Off, 0)] {
        let (server, _) = server_that(check);
        let session = anonymous(&server);
        for (args, _) in FITS {
            let answer = run(&server, &session, call("test:out.echo", args())).await;
            assert_eq!(result(answer), args());
        }
        assert_eq!(server.metrics_snapshot().output_misfits, told);
    }
}

#[tokio::test]
async fn a_dry_run_promises_no_result() {
    let (server, _) = server_that(OutputCheck::Enforce);
    let mut dry = call("test:out.dry", json!({}));
    dry.dry_run = true;
    let answer = run(&server, &anonymous(&server), dry).await;
    assert_eq!(result(answer), "no object");
}
