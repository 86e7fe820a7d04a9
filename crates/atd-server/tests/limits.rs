//! What a call may take, return and leave behind.

mod support;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use atd_audit::{AuditSink, Backpressure, CallEvent, JsonLinesAuditSink, Outcome};
use atd_proto::{ErrorCode, JsonText, Request, Response, RunTool, RunToolContinue, Tier};
use atd_registry::{BlockingPool, Registry, ToolCallError, blocking_fn, tool_fn};
use atd_server::{Server, TierLimits, TierPolicy};
use serde_json::{Value, json};
use support::*;

fn raw(tool_id: &str, args: String) -> RunTool {
    RunTool {
        args: JsonText::parse(args).unwrap(),
        ..call(tool_id, json!({}))
    }
}

#[tokio::test]
async fn what_is_wrong_with_arguments_is_told_whatever_they_are() {
    let (server, audit) = server();
    let session = anonymous(&server);
    let long_key = json!({"count": 1, "x".repeat(1 << 20): 2});
    let tool = tool_fn("test:some.strict", "", |_: Value, _| async { Ok(()) });
    let schema = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let registry = server.registry();
    registry
        .register(tool.define(|d| d.input_schema(schema)))
        .unwrap();
    let (code, body) = error(run(&server, &session, call("test:some.strict", long_key)).await);
    assert_eq!(code, ErrorCode::INVALID_ARGUMENTS);
    assert!(serde_json::to_vec(&body).unwrap().len() < 64 * 1024);
    let event = only_event(&audit);
    assert!(matches!(event.outcome, Outcome::InvalidArgs { message } if message.len() < 1_000));
}

#[tokio::test]
async fn arguments_that_would_make_a_huge_tree_are_refused() {
    let (server, _) = server();
    let objects = vec![r#"{"":0}"#; 1 << 20].join(",");
    let hostile = raw("test:ok.typed", format!(r#"{{"count":1,"z":[{objects}]}}"#));
    let (code, _) = error(run(&server, &anonymous(&server), hostile).await);
    assert_eq!(code, ErrorCode::INVALID_ARGUMENTS);
}

#[tokio::test]
async fn a_failure_is_cut_to_what_a_message_may_be() {
    let (server, audit) = server();
    let tool = tool_fn("test:some.loud", "", |_: Value, _| async {
        Err::<(), _>(ToolCallError::failed(
            "C".repeat(1 << 20),
            "m".repeat(11 << 20),
        ))
    });
    server.registry().register(tool).unwrap();
    let loud = failure(
        run(
            &server,
            &anonymous(&server),
            call("test:some.loud", json!({})),
        )
        .await,
    );
    assert!(loud.code.len() < 200 && loud.message.len() < 5_000);
    assert!(
        matches!(only_event(&audit).outcome, Outcome::ExecutionFailed { code, .. } if code.len() < 200)
    );
}

#[tokio::test]
async fn a_result_that_nests_deeper_than_a_reader_takes_is_a_failure() {
    let (server, _) = server();
    let tool = tool_fn("test:some.wrap", "", |args: Value, _| async move {
        Ok(json!({"w": args}))
    });
    server.registry().register(tool).unwrap();
    let session = anonymous(&server);
    let nested = |levels: usize| {
        raw(
            "test:some.wrap",
            format!("{}{}", "[".repeat(levels), "]".repeat(levels)),
        )
    };
    result(run(&server, &session, nested(125)).await);
    let deep = failure(run(&server, &session, nested(126)).await);
    assert_eq!(deep.code, "OUTPUT_TOO_DEEP");
}

#[tokio::test]
async fn a_dry_run_leaves_out_arguments_that_would_not_fit() {
    let (server, _) = server();
    let session = anonymous(&server);
    let dry = RunTool {
        dry_run: true,
        ..call("test:bad.floods", json!({"long": "x".repeat(70_000)}))
    };
    let preview = result(run(&server, &session, dry).await);
    assert_eq!(
        (&preview["args_preview"], &preview["args_omitted"]),
        (&Value::Null, &true.into())
    );
}

/// A tool that blocks until the sender is dropped, and counts who is inside.
fn stuck(threads: usize) -> (Server, Arc<AtomicUsize>, std::sync::mpsc::Sender<()>) {
    let pool = BlockingPool::new(NonZeroUsize::new(threads).unwrap());
    let registry = Registry::with_blocking_pool(pool);
    let inside = Arc::new(AtomicUsize::new(0));
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (count, held) = (inside.clone(), std::sync::Mutex::new(held));
    let tool = blocking_fn("test:some.stuck", "", move |_: Value, _| {
        count.fetch_add(1, Ordering::SeqCst);
        let _ = held.lock().unwrap().recv();
        Ok(())
    });
    let tool = tool.define(|d| d.max_concurrent(1).timeout(SHORT));
    registry.register_blocking(tool).unwrap();
    registry
        .register_blocking(blocking_fn("test:some.other", "", |_: Value, _| Ok(())))
        .unwrap();
    (Server::builder(registry).build().unwrap(), inside, release)
}

/// Keeps a paused clock from passing until it is so.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_blocking_tool_keeps_its_place_until_it_has_returned() {
    let (server, inside, release) = stuck(8);
    let session = anonymous(&server);
    let stuck = || run(&server, &session, call("test:some.stuck", json!({})));
    let (late, ()) = tokio::join!(stuck(), until(|| inside.load(Ordering::SeqCst) == 1));
    assert_eq!(failure(late).code, "DEADLINE_EXCEEDED");
    for _ in 0..20 {
        assert_eq!(error(stuck().await).0, ErrorCode::RATE_LIMITED);
    }
    assert_eq!(inside.load(Ordering::SeqCst), 1);
    drop(release);
    until(|| server.metrics_snapshot().blocking.abandoned == 0).await;
    tokio::select! {
        answer = stuck() => result(answer),
        // Cancelled: it only keeps the clock from passing.
        () = until(|| false) => unreachable!(),
    };
}

#[tokio::test(start_paused = true)]
async fn no_thread_to_be_had_is_overload_and_no_failure_of_the_tool() {
    let (server, inside, _release) = stuck(1);
    let session = anonymous(&server);
    let stuck = run(&server, &session, call("test:some.stuck", json!({})));
    tokio::join!(stuck, until(|| inside.load(Ordering::SeqCst) == 1));
    let mut waiting: Vec<_> = (0..16)
        .map(|_| Box::pin(run(&server, &session, call("test:some.other", json!({})))))
        .collect();
    for call in &mut waiting {
        let pending = tokio::time::timeout(Duration::ZERO, call).await;
        assert!(pending.is_err());
    }
    let (code, body) = error(run(&server, &session, call("test:some.other", json!({}))).await);
    assert_eq!(code, ErrorCode::OVERLOADED);
    assert!(body.details.unwrap()["retry_after_ms"].is_u64());
}

#[tokio::test]
async fn a_continuation_is_recorded_in_its_tools_tier() {
    let (server, audit) = server();
    let request = Request::RunToolContinue(RunToolContinue {
        tool_id: "test:bad.floods".into(),
        cursor: "forged".into(),
        traceparent: None,
    });
    let mut session = anonymous(&server);
    let answer = server.dispatcher().handle(&mut session, request).await;
    assert_eq!(
        error(Response::decode(answer.to_json()).unwrap()).0,
        ErrorCode::CURSOR_INVALID
    );
    assert_eq!(only_event(&audit).tier, "hot");
}

#[tokio::test]
async fn a_panic_that_panics_when_it_is_dropped_is_contained() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("again");
        }
    }
    let (server, audit) = server();
    let tool = tool_fn("test:some.bomb", "", |_: Value, _| async {
        if true {
            std::panic::panic_any(Bomb);
        }
        Ok(())
    });
    server.registry().register(tool).unwrap();
    let ended = failure(
        run(
            &server,
            &anonymous(&server),
            call("test:some.bomb", json!({})),
        )
        .await,
    );
    assert_eq!(ended.code, "PANICKED");
    assert_eq!(only_event(&audit).outcome, failed("PANICKED", false));
}

#[test]
fn times_and_counts_without_end_are_refused() {
    let endless = TierLimits {
        timeout: Duration::MAX,
        output_bytes: 1,
    };
    let built = Server::builder(Registry::new())
        .tiers(TierPolicy::default().with(Tier::Cold, endless))
        .max_connections(usize::MAX)
        .frame_timeout(Duration::MAX)
        .write_timeout(Duration::MAX)
        .shutdown_grace(Duration::MAX)
        .build();
    assert_eq!(built.unwrap_err().problems.len(), 5);
}

#[test]
fn a_result_may_be_as_long_as_a_frame_takes_and_no_longer() {
    let build = |output_bytes| {
        let limits = TierLimits {
            timeout: Duration::from_secs(1),
            output_bytes,
        };
        let tiers = TierPolicy::default().with(Tier::Hot, limits);
        Server::builder(Registry::new()).tiers(tiers).build()
    };
    assert!(build(TierLimits::MAX_OUTPUT_BYTES).is_ok());
    assert!(build(TierLimits::MAX_OUTPUT_BYTES + 1).is_err());
}

#[tokio::test]
async fn limits_that_change_while_serving_hold_from_the_next_call_on() {
    let (server, _) = server();
    let session = anonymous(&server);
    let tool = tool_fn("test:some.free", "", |_: Value, _| async { Ok(()) });
    server.registry().register(tool).unwrap();
    let call = || run(&server, &session, call("test:some.free", json!({})));
    result(call().await);
    let mut limits = server.gate().limits();
    limits.caller_rate_per_min = NonZeroU32::new(1);
    server.gate().set_limits(limits);
    result(call().await);
    let (code, _) = error(call().await);
    assert_eq!(code, ErrorCode::RATE_LIMITED);
}

/// Writes nothing until it is let.
struct Gated(
    std::sync::mpsc::Receiver<()>,
    std::sync::mpsc::Sender<Vec<u8>>,
);

impl std::io::Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.recv();
        let _ = self.1.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A3: a sink without room is waited for, and no async worker waits with it;
/// a call that is dropped meanwhile has its event too.
#[tokio::test]
async fn a_sink_without_room_is_waited_for_away_from_the_workers() {
    let (gate, wait) = std::sync::mpsc::channel();
    let (written, writes) = std::sync::mpsc::channel();
    let sink = JsonLinesAuditSink::builder()
        .capacity(1)
        .backpressure(Backpressure::Block { at_most: None })
        .writer(Box::new(Gated(wait, written)));
    let sink = Arc::new(sink.unwrap());
    let server = Server::builder(registry())
        .audit(sink.clone())
        .build()
        .unwrap();
    let session = anonymous(&server);
    let echo = || run(&server, &session, call("test:ok.echo", json!({})));
    result(echo().await);

    // The only worker is this one: it would never come back from waiting.
    let mut second = Box::pin(echo());
    assert!(tokio::time::timeout(SHORT, &mut second).await.is_err());
    drop(second);
    drop(gate);
    result(echo().await);
    let finished = tokio::task::spawn_blocking(move || {
        while sink.health().written < 3 {
            std::thread::yield_now();
        }
        sink.health().lost
    });
    assert_eq!(finished.await.unwrap(), 0);
    drop(server);
    let log: Vec<u8> = writes.try_iter().flatten().collect();
    let events: Vec<CallEvent> = log
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(events.len(), 3);
}

#[tokio::test]
async fn an_event_that_a_sink_panicked_on_is_counted_as_lost() {
    struct Panics;
    impl AuditSink for Panics {
        fn on_call(&self, _: &CallEvent) {
            panic!("as asked");
        }
    }
    let server = Server::builder(registry())
        .audit(Arc::new(Panics))
        .build()
        .unwrap();
    run(
        &server,
        &anonymous(&server),
        call("test:ok.echo", json!({})),
    )
    .await;
    assert_eq!(server.metrics_snapshot().audit_lost, 1);
}
