//! How a server ends, and what becomes of what is under way.

mod support;

use atd_audit::Outcome;
use atd_proto::{ErrorCode, Request, ToolFilter};
use atd_registry::tool_fn;
use serde_json::{Value, json};
use support::peer::{Peer, frame};
use support::serving::{in_flight, run_tool, serve, serve_with};
use support::*;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_shutdown_answers_what_is_under_way_and_refuses_what_is_behind_it() {
    let serving = serve_with(|builder| builder.tiers(short_tiers())).await;
    let (path, audit) = (serving.handle.path().to_owned(), serving.audit.clone());
    let mut idle = serving.connect().await;
    let mut busy = serving.connect().await;
    idle.ping().await;
    let mut both = frame(&run_tool("test:bad.waits", json!({})));
    both.extend(frame(&run_tool("test:ok.echo", json!({}))));
    busy.bytes(&both).await;
    in_flight(&serving, 1).await;

    let report = serving.handle.shutdown().await;
    assert_eq!((report.cut_calls, report.stuck_connections), (0, 0));
    assert_eq!(
        failure(busy.answer().await.unwrap()).code,
        "DEADLINE_EXCEEDED"
    );
    let (code, _) = error(busy.answer().await.unwrap());
    assert_eq!(code, ErrorCode::SHUTTING_DOWN);
    assert_eq!(busy.answer().await, None);
    assert_eq!(idle.answer().await, None);
    assert!(!path.exists());
    let outcomes: Vec<Outcome> = audit.events().into_iter().map(|e| e.outcome).collect();
    assert_eq!(
        outcomes,
        [
            failed("DEADLINE_EXCEEDED", true),
            failed("SHUTTING_DOWN", true)
        ]
    );
}

#[tokio::test]
async fn a_call_that_outlasts_the_grace_is_cut_and_recorded() {
    let serving = serve_with(|builder| builder.shutdown_grace(SHORT)).await;
    let audit = serving.audit.clone();
    let mut peer = serving.connect().await;
    peer.send(&run_tool("test:bad.waits", json!({}))).await;
    in_flight(&serving, 1).await;
    // The client reads as a client would, while the server goes.
    let reading = tokio::spawn(async move { peer.answer().await });
    let report = serving.handle.shutdown().await;
    assert_eq!((report.cut_calls, report.stuck_connections), (1, 0));
    let (code, _) = error(reading.await.unwrap().unwrap());
    assert_eq!(code, ErrorCode::SHUTTING_DOWN);
    assert_eq!(only_event(&audit).outcome, failed("SHUT_DOWN", true));
}

#[tokio::test]
async fn dropping_the_handle_stops_the_server() {
    let serving = serve().await;
    let mut peer = serving.connect().await;
    peer.ping().await;
    drop(serving.handle);
    assert_eq!(peer.answer().await, None);
}

#[tokio::test]
async fn one_of_two_sockets_may_be_shut_down() {
    let serving = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let server = serving.handle.server().clone();
    let other = server
        .serve_unix(folder.path().join("other.sock"))
        .await
        .unwrap();
    let report = serving.handle.shutdown().await;
    assert_eq!(report.cut_calls, 0);
    let mut peer = Peer::connect(other.path()).await;
    peer.send(&run_tool("test:ok.echo", json!(1))).await;
    assert_eq!(result(peer.answer().await.unwrap()), 1);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_client_that_reads_nothing() {
    let serving = serve_with(|builder| builder.shutdown_grace(SHORT)).await;
    let mut peer = serving.connect().await;
    let flood = frame(&Request::ToolList(ToolFilter::default())).repeat(2_000);
    let flooding = tokio::spawn(async move {
        let _ = peer.stream.write_all(&flood).await;
        peer
    });
    while serving.handle.server().metrics_snapshot().connections_open == 0 {
        tokio::task::yield_now().await;
    }
    let report = serving.handle.shutdown().await;
    assert_eq!(report.stuck_connections, 0);
    drop(flooding.await);
}

/// A call that cannot be ended cannot leave its record either, and that is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_holds_its_worker_is_told_of_as_without_a_record() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let holding = tool_fn("test:some.holding", "", move |_: Value, _| {
        // A thread that blocks where it should await.
        let _ = released.lock().unwrap().recv();
        async { Ok(()) }
    });
    let serving = serve_with(|builder| builder.shutdown_grace(SHORT)).await;
    serving
        .handle
        .server()
        .registry()
        .register(holding)
        .unwrap();
    let mut peer = serving.connect().await;
    peer.send(&run_tool("test:some.holding", json!({}))).await;
    in_flight(&serving, 1).await;
    let report = serving.handle.shutdown().await;
    assert_eq!((report.stuck_connections, report.unrecorded_calls), (1, 1));
    drop(release);
}
