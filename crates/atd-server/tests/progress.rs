//! How far a call has come, told while it runs.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use atd_proto::{Progress, Response, TaggedRequest, encode_frame};
use serde_json::json;
use support::peer::Peer;
use support::serving::{Serving, run_tool, serve};
use support::*;
use tokio::sync::Semaphore;

/// Asks for a call's progress as well.
async fn ask(peer: &mut Peer, request_id: u64, tool_id: &str, args: serde_json::Value) {
    let request = TaggedRequest {
        request_id: Some(request_id),
        progress: true,
        request: run_tool(tool_id, args),
    };
    let mut out = Vec::new();
    encode_frame(&mut out, |body| request.encode(body)).unwrap();
    peer.bytes(&out).await;
}

/// `test:progress.steps` reports each of `steps` once it is let go on.
fn stepping(serving: &Serving) -> Arc<Semaphore> {
    let go = Arc::new(Semaphore::new(0));
    let waits = go.clone();
    let tool = atd_registry::tool_fn("test:progress.steps", "", move |steps: u64, ctx| {
        let waits = waits.clone();
        async move {
            for done in 1..=steps {
                waits.acquire().await.unwrap().forget();
                let said = format!("step {done}");
                ctx.progress()
                    .report(Progress::new(done).of(steps).saying(said));
            }
            Ok(steps)
        }
    });
    serving.handle.server().registry().register(tool).unwrap();
    go
}

#[tokio::test]
async fn progress_comes_before_the_answer_and_under_its_id() {
    let serving = serve().await;
    let go = stepping(&serving);
    let mut peer = serving.connect().await;
    ask(&mut peer, 7, "test:progress.steps", json!(3)).await;
    for done in 1..=3 {
        go.add_permits(1);
        let said = Progress::new(done).of(3).saying(format!("step {done}"));
        assert_eq!(peer.answer_to(7).await, Response::Progress(said));
    }
    assert_eq!(result(peer.answer_to(7).await), 3);
    let counted = serving.handle.server().metrics_snapshot();
    assert_eq!(counted.progress_reports, 3);
}

#[tokio::test]
async fn nobody_hears_of_progress_who_did_not_ask() {
    let serving = serve().await;
    let go = stepping(&serving);
    go.add_permits(100);
    let mut peer = serving.connect().await;
    peer.ask(1, run_tool("test:progress.steps", json!(3))).await;
    assert_eq!(result(peer.answer_to(1).await), 3);
    peer.send(&run_tool("test:progress.steps", json!(3))).await;
    assert_eq!(result(peer.answer().await.unwrap()), 3);
}

/// The last report is not lost, even where the tool never waits.
#[tokio::test]
async fn a_tool_that_never_waits_has_its_last_report_told() {
    let serving = serve().await;
    stepping(&serving).add_permits(3);
    let mut peer = serving.connect().await;
    ask(&mut peer, 1, "test:progress.steps", json!(3)).await;
    let Response::Progress(last) = peer.answer_to(1).await else {
        panic!("a report comes before the answer");
    };
    assert_eq!(last.done, 3);
    assert_eq!(result(peer.answer_to(1).await), 3);
}

/// A client that does not read makes the server keep the latest report of each
/// call, and no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_that_nobody_reads_cost_no_memory() {
    const REPORTS: u64 = 200_000;
    let serving = serve().await;
    let reported = Arc::new(AtomicU64::new(0));
    let count = reported.clone();
    let tool = atd_registry::tool_fn("test:progress.floods", "", move |(): (), ctx| {
        let count = count.clone();
        async move {
            for done in 1..=REPORTS {
                ctx.progress()
                    .report(Progress::new(done).saying("x".repeat(2_000)));
                count.fetch_add(1, Ordering::SeqCst);
                if done % 100 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Ok(())
        }
    })
    .define(|definition| definition.tier(atd_proto::Tier::Cold));
    serving.handle.server().registry().register(tool).unwrap();
    let mut peer = serving.connect().await;
    ask(&mut peer, 1, "test:progress.floods", json!(null)).await;
    while reported.load(Ordering::SeqCst) < REPORTS {
        tokio::task::yield_now().await;
    }
    let (mut reports, mut last) = (0, 0);
    while let Response::Progress(progress) = peer.answer_to(1).await {
        assert!(progress.done > last, "reports go forward");
        assert!(progress.message.unwrap().len() < 1_100, "a message is cut");
        (reports, last) = (reports + 1, progress.done);
    }
    assert_eq!(last, REPORTS);
    // What the socket and the connection's own buffer hold, of 1 KiB each.
    assert!(reports < 2_000, "{reports} reports were kept");
}
