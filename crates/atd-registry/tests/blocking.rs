//! Tools that block their thread.

use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use atd_proto::JsonText;
use atd_registry::{
    Args, BlockingPool, CallContext, RegisteredTool, Registry, Reply, ToolCallError, blocking_fn,
};
use serde_json::Value;

async fn invoke(tool: &RegisteredTool) -> Result<Reply, ToolCallError> {
    let args = Args::new(JsonText::EMPTY_OBJECT);
    tool.binding().invoke(args, &CallContext::for_test()).await
}

/// A tool that says when it begins and waits to be told to end.
struct Gated {
    tool: Arc<RegisteredTool>,
    registry: Registry,
    begun: mpsc::Receiver<()>,
    go_on: mpsc::Sender<()>,
}

fn gated(threads: usize) -> Gated {
    let registry =
        Registry::with_blocking_pool(BlockingPool::new(NonZeroUsize::new(threads).unwrap()));
    let (begin, begun) = mpsc::channel();
    let (go_on, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    registry
        .register_blocking(blocking_fn(
            "demo:some.block",
            "",
            move |_: Value, _: &_| {
                begin.send(()).map_err(ToolCallError::internal)?;
                wait.lock().unwrap().recv().map_err(ToolCallError::internal)
            },
        ))
        .unwrap();
    Gated {
        tool: registry.get("demo:some.block").unwrap(),
        registry,
        begun,
        go_on,
    }
}

#[tokio::test]
async fn a_blocking_tool_leaves_the_runtime_to_others() {
    let gated = gated(1);
    let tool = gated.tool.clone();
    let call = tokio::spawn(async move { invoke(&tool).await });
    // The test's one runtime thread polls the call while the tool blocks.
    tokio::task::yield_now().await;
    gated.begun.recv().unwrap();
    assert_eq!(gated.registry.blocking().stats().busy, 1);
    gated.go_on.send(()).unwrap();
    assert_eq!(call.await.unwrap().unwrap().body().as_bytes(), b"null");
}

#[tokio::test]
async fn a_call_that_is_dropped_is_counted_until_its_tool_returns() {
    let gated = gated(1);
    {
        let mut call = Box::pin(invoke(&gated.tool));
        assert!(is_pending(&mut call).await);
        gated.begun.recv().unwrap();
    }
    let stats = gated.registry.blocking().stats();
    assert_eq!((stats.busy, stats.abandoned), (1, 1));

    // One that waits for the only thread and is dropped never begins.
    {
        let mut waiting = Box::pin(invoke(&gated.tool));
        assert!(is_pending(&mut waiting).await);
        assert_eq!(gated.registry.blocking().stats().waiting, 1);
    }
    gated.go_on.send(()).unwrap();
    gated.go_on.send(()).unwrap();
    invoke(&gated.tool).await.unwrap();
    gated.begun.recv().unwrap();
    assert!(gated.begun.try_recv().is_err(), "the dropped one began");
    let stats = gated.registry.blocking().stats();
    assert_eq!((stats.threads, stats.abandoned), (1, 0));
}

/// Polls once; whether it is pending.
async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())
    })
    .await
}

#[tokio::test]
async fn a_panic_arrives_at_the_caller_and_leaves_the_thread() {
    let registry = Registry::with_blocking_pool(BlockingPool::new(NonZeroUsize::MIN));
    registry
        .register_blocking(blocking_fn("demo:some.panic", "", |_: Value, _: &_| {
            if true {
                panic!("as asked");
            }
            Ok(())
        }))
        .unwrap();
    let tool = registry.get("demo:some.panic").unwrap();
    for _ in 0..10 {
        let tool = tool.clone();
        let ended = tokio::spawn(async move { invoke(&tool).await }).await;
        assert!(ended.unwrap_err().is_panic());
    }
    assert_eq!(registry.blocking().stats().threads, 1);
}

#[tokio::test]
async fn no_more_calls_wait_for_a_thread_than_the_pool_allows() {
    let gated = gated(1);
    let mut waiting: Vec<_> = (0..17).map(|_| Box::pin(invoke(&gated.tool))).collect();
    assert!(is_pending(&mut waiting[0]).await);
    gated.begun.recv().unwrap();
    for call in &mut waiting[1..] {
        assert!(is_pending(call).await);
    }
    let refused = invoke(&gated.tool).await.unwrap_err();
    assert_eq!(refused, ToolCallError::Overloaded);
    for _ in &waiting {
        gated.go_on.send(()).unwrap();
    }
    for call in waiting {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn a_call_that_gives_up_waiting_leaves_its_place() {
    let gated = gated(1);
    let mut running = Box::pin(invoke(&gated.tool));
    assert!(is_pending(&mut running).await);
    gated.begun.recv().unwrap();
    for _ in 0..100 {
        let mut waiting = Box::pin(invoke(&gated.tool));
        assert!(is_pending(&mut waiting).await, "there is always a place");
    }
    assert_eq!(gated.registry.blocking().stats().waiting, 0);
    gated.go_on.send(()).unwrap();
    running.await.unwrap();
}
