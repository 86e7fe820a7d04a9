//! The server and the client of this workspace, end to end.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atd_client::{CallOptions, Client, ClientError};
use atd_proto::{ErrorCode, Hello, Progress};
use serde_json::json;
use support::serving::{Gated, in_flight, recorded, serve};
use support::*;
use tokio::task::JoinSet;

async fn greeted(path: &std::path::Path) -> Client {
    let client = Client::connect(path).await.unwrap();
    client.hello(Hello::default()).await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_number_of_tasks_share_one_connection_and_wait_for_nobody() {
    let serving = serve().await;
    let gate = Gated::register(&serving);
    let client = greeted(serving.handle.path()).await;
    let mut tasks = JoinSet::new();
    for n in 0..300 {
        let client = client.clone();
        tasks.spawn(async move {
            let waits = client.call("test:gate.waits", &n).await.unwrap();
            assert_eq!(waits.parse::<u32>().unwrap(), n);
        });
    }
    in_flight(&serving, 300).await;
    // They are all in flight, and this one passes them.
    client.call("test:ok.echo", &json!("by")).await.unwrap();
    gate.let_end(300);
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(serving.audit.events().len(), 301);
}

#[tokio::test]
async fn a_filtered_list_is_the_same_from_a_server_that_was_asked_and_one_that_was_not() {
    let serving = serve().await;
    let greeted = greeted(serving.handle.path()).await;
    let silent = Client::connect(serving.handle.path()).await.unwrap();
    let filter = atd_proto::ToolFilter {
        query: Some("test:ok".into()),
        limit: Some(3),
        omit_schemas: true,
        ..atd_proto::ToolFilter::default()
    };
    let asked = greeted.list_matching(filter.clone()).await.unwrap();
    assert_eq!(asked.len(), 3);
    assert_eq!(silent.list_matching(filter).await.unwrap(), asked);
}

#[tokio::test]
async fn a_dropped_call_ends_at_the_server() {
    let serving = serve().await;
    let client = greeted(serving.handle.path()).await;
    {
        let args = json!({});
        tokio::select! {
            _ = client.call("test:bad.waits", &args) => panic!("it never ends by itself"),
            () = in_flight(&serving, 1) => {}
        }
    }
    recorded(&serving, 1).await;
    assert_eq!(
        only_event(&serving.audit).outcome,
        failed("CANCELLED", false)
    );
    client.ping().await.unwrap();
}

#[tokio::test]
async fn progress_reaches_the_caller() {
    let serving = serve().await;
    let tool = atd_registry::tool_fn("test:ok.steps", "", |(): (), ctx| async move {
        ctx.progress().report(Progress::new(1).of(1).saying("all"));
        Ok("done")
    });
    serving.handle.server().registry().register(tool).unwrap();
    let client = greeted(serving.handle.path()).await;
    let mut call = client
        .call_with_progress("test:ok.steps", &json!(null), CallOptions::new())
        .unwrap();
    let all = Progress::new(1).of(1).saying("all");
    assert_eq!(call.progress().await, Some(all));
    assert_eq!(call.progress().await, None);
    assert_eq!(
        call.outcome().await.unwrap().parse::<String>().unwrap(),
        "done"
    );
}

/// Each connection has its own, and all of its calls share it.
#[tokio::test]
async fn a_connection_keeps_its_state_from_call_to_call() {
    #[derive(Default)]
    struct Seen(AtomicUsize);
    let serving = serve().await;
    let tool = atd_registry::tool_fn("test:ok.counts", "", |(): (), ctx| async move {
        Ok(ctx.state().of::<Seen>().0.fetch_add(1, Ordering::SeqCst) + 1)
    });
    serving.handle.server().registry().register(tool).unwrap();
    let one = greeted(serving.handle.path()).await;
    let other = Client::connect(serving.handle.path()).await.unwrap();
    let mut seen = Vec::new();
    for client in [&one, &one, &other, &one, &other] {
        let outcome = client.call("test:ok.counts", &json!(null)).await.unwrap();
        seen.push(outcome.parse::<usize>().unwrap());
    }
    assert_eq!(seen, [1, 2, 1, 3, 2]);
    one.hello(Hello::default()).await.unwrap();
    let after = one.call("test:ok.counts", &json!(null)).await.unwrap();
    assert_eq!(
        after.parse::<usize>().unwrap(),
        4,
        "a hello does not end it"
    );
}

/// What a connection keeps is dropped with it.
#[tokio::test]
async fn a_connections_state_ends_with_it() {
    struct Kept(Arc<AtomicUsize>);
    impl Drop for Kept {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let serving = serve().await;
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let tool = atd_registry::tool_fn("test:ok.keeps", "", move |(): (), ctx| {
        let count = count.clone();
        async move {
            ctx.state().get_or_make(|| Kept(count));
            Ok(())
        }
    });
    serving.handle.server().registry().register(tool).unwrap();
    let client = greeted(serving.handle.path()).await;
    for _ in 0..3 {
        client.call("test:ok.keeps", &json!(null)).await.unwrap();
    }
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(client);
    while dropped.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_shutdown_tells_each_call_of_a_client() {
    let serving = serve().await;
    let client = greeted(serving.handle.path()).await;
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call("test:bad.waits", &json!({})).await })
        })
        .collect();
    in_flight(&serving, 5).await;
    drop(serving.handle);
    for call in calls {
        let ended = call.await.unwrap();
        let Err(ClientError::Refused(body)) = ended else {
            panic!("{ended:?}");
        };
        assert_eq!(body.code, Some(ErrorCode::SHUTTING_DOWN));
    }
}
