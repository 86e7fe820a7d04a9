//! Calls that wait for a limit instead of being refused.

mod support;

use std::sync::Arc;
use std::time::Duration;

use atd_gate::{CallLimits, Gate};
use atd_proto::{ErrorCode, Tier};
use atd_registry::tool_fn;
use atd_server::{Server, TierLimits, TierPolicy};
use serde_json::{Value, json};
use support::*;
use tokio::sync::Semaphore;

const NARROW: &str = "test:narrow.waits";

/// A server with one place for a tool, which ends when it is let, and where
/// calls may wait.
fn narrow() -> (Server, Arc<Semaphore>, Arc<atd_audit::MemoryAuditSink>) {
    let mut limits = CallLimits::default();
    limits.waiting = 8;
    limits.longest_wait = Duration::from_secs(3_600);
    let tiers = TierPolicy::default().with(
        Tier::Cold,
        TierLimits {
            timeout: Duration::from_secs(60),
            output_bytes: 1024,
        },
    );
    let (builder, audit) = builder();
    let server = builder.gate(Gate::builder().limits(limits).build());
    let server = server.tiers(tiers).build().unwrap();
    let open = Arc::new(Semaphore::new(0));
    let lets = open.clone();
    let tool = tool_fn(NARROW, "", move |args: Value, _| {
        let lets = lets.clone();
        async move {
            lets.acquire().await.unwrap().forget();
            Ok(args)
        }
    });
    let tool = tool.define(|it| it.max_concurrent(1).tier(Tier::Cold));
    server.registry().register(tool).unwrap();
    (server, open, audit)
}

async fn waiting(server: &Server, calls: u64) {
    while server.metrics_snapshot().limit_waits.waiting != calls {
        tokio::task::yield_now().await;
    }
}

fn ask(server: &Server, number: u32) -> tokio::task::JoinHandle<atd_proto::Response> {
    let (dispatcher, session) = (server.dispatcher().clone(), anonymous(server));
    tokio::spawn(async move {
        dispatcher
            .run_tool(&session, call(NARROW, json!(number)))
            .await
    })
}

#[tokio::test]
async fn calls_of_a_narrow_tool_are_answered_in_their_order() {
    let (server, open, audit) = narrow();
    let mut calls = Vec::new();
    for number in 0..4 {
        calls.push(ask(&server, number));
        while server.metrics_snapshot().calls_in_flight <= u64::from(number) {
            tokio::task::yield_now().await;
        }
        waiting(&server, number.into()).await;
    }
    for (call, number) in calls.into_iter().zip(0..) {
        open.add_permits(1);
        assert_eq!(result(call.await.unwrap()), json!(number));
    }
    let waits = server.metrics_snapshot().limit_waits;
    assert_eq!((waits.waiting, waits.admitted, waits.in_vain()), (0, 3, 0));
    let mut page = String::new();
    server
        .metrics_snapshot()
        .write_prometheus(&mut page)
        .unwrap();
    assert!(
        page.contains("atd_limit_waits_total{end=\"admitted\"} 3\n"),
        "{page}"
    );
    assert_eq!(audit.events().len(), 4);
}

/// D1, of a call that never began.
#[tokio::test(start_paused = true)]
async fn a_call_waits_no_longer_than_its_deadline() {
    let (server, _open, audit) = narrow();
    let first = ask(&server, 0);
    while server.metrics_snapshot().calls_in_flight == 0 {
        tokio::task::yield_now().await;
    }
    // The first call keeps its place for longer than the second one has time.
    let hasty = tool_fn(NARROW, "", |_: Value, _| async { Ok(()) });
    let hasty = hasty.define(|it| it.max_concurrent(1).timeout(Duration::from_secs(1)));
    server.registry().replace(hasty).unwrap();
    let (code, body) = error(ask(&server, 1).await.unwrap());
    assert_eq!(code, ErrorCode::RATE_LIMITED);
    assert_eq!(body.details.unwrap()["scope"], json!("concurrency"));
    assert_eq!(failure(first.await.unwrap()).code, "DEADLINE_EXCEEDED");
    assert_eq!(audit.events().len(), 2);
}

/// A4, of a call that waited.
#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_leaves_the_line_and_its_record() {
    let (server, open, audit) = narrow();
    let first = ask(&server, 0);
    while server.metrics_snapshot().calls_in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let second = ask(&server, 1);
    waiting(&server, 1).await;
    second.abort();
    waiting(&server, 0).await;
    assert_eq!(server.metrics_snapshot().limit_waits.in_vain(), 1);
    assert_eq!(audit.events().len(), 1);
    open.add_permits(1);
    assert_eq!(result(first.await.unwrap()), json!(0));
}
