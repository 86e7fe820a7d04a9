//! Thousands of calls with ids at once, ended in every way.

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use atd_audit::Outcome;
use atd_proto::{ErrorCode, Response, TaggedResponse};
use serde_json::json;
use support::peer::{cancel, tagged};
use support::serving::{in_flight, run_tool, serve};
use support::*;
use tokio::io::AsyncWriteExt;

const CALLS: u64 = 2_000;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// Counts the tools that have begun and are not yet dropped.
struct Alive(Arc<AtomicI64>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Two thousand calls with ids on one connection, half of them cancelled at
/// random moments: every call has one answer and one record, and no task and no
/// permit is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_a_storm_has_one_answer_and_one_record() {
    let serving = serve().await;
    let alive = Arc::new(AtomicI64::new(0));
    let counted = alive.clone();
    let tool = atd_registry::tool_fn("test:storm.turns", "", move |turns: u64, ctx| {
        let counted = counted.clone();
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            let _alive = Alive(counted);
            for _ in 0..turns {
                if turns.is_multiple_of(2) && ctx.cancelled().is_cancelled() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            Ok(turns)
        }
    })
    .define(|definition| definition.max_concurrent(10_000));
    serving.handle.server().registry().register(tool).unwrap();

    let mut peer = serving.connect().await;
    let (mut read, mut write) = peer.stream.split();
    let send = async {
        let mut dice = Dice(42);
        let mut due: Vec<u64> = Vec::new();
        for id in 0..CALLS {
            let turns = dice.below(500);
            let mut bytes = tagged(id, run_tool("test:storm.turns", json!(turns)));
            if id % 2 == 0 {
                due.push(id);
            }
            // Some are cancelled at once, some when they may have ended.
            while !due.is_empty() && dice.below(2) == 0 {
                let at = usize::try_from(dice.below(due.len() as u64)).unwrap();
                bytes.extend(cancel(due.swap_remove(at)));
            }
            write.write_all(&bytes).await.unwrap();
        }
        for id in due {
            write.write_all(&cancel(id)).await.unwrap();
        }
    };
    let receive = async {
        let mut arrived = bytes::BytesMut::new();
        let mut answers = HashMap::new();
        while answers.len() < 2_000 {
            let frame = atd_proto::io::read_frame(&mut read, &mut arrived).await;
            let answer = TaggedResponse::decode(frame.unwrap().unwrap()).unwrap();
            let before = answers.insert(answer.request_id.unwrap(), answer.response);
            assert_eq!(before, None, "a second answer");
        }
        answers
    };
    let ((), answers) = tokio::join!(send, receive);

    let mut cancelled = 0;
    for (id, answer) in answers {
        match answer {
            Response::ToolResult(_) => assert!(result(answer).is_u64()),
            other => {
                assert_eq!(error(other).0, ErrorCode::CANCELLED);
                assert_eq!(id % 2, 0, "nobody cancelled {id}");
                cancelled += 1;
            }
        }
    }
    let events = serving.audit.events();
    assert_eq!(events.len(), 2_000);
    let recorded = events
        .iter()
        .filter(|event| event.outcome != Outcome::Success);
    assert_eq!(recorded.clone().count(), cancelled);
    assert!(
        recorded
            .clone()
            .all(|event| event.outcome == failed("CANCELLED", false))
    );
    assert!(cancelled > 0, "some were cancelled in time");

    in_flight(&serving, 0).await;
    assert_eq!(
        alive.load(Ordering::SeqCst),
        0,
        "tools that were never dropped"
    );
    peer.ping().await;
    drop(peer);
    let metrics = || serving.handle.server().metrics_snapshot();
    while metrics().connections_open > 0 {
        tokio::task::yield_now().await;
    }
    let runtime = tokio::runtime::Handle::current().metrics();
    // This test's own tasks: the acceptor.
    while runtime.num_alive_tasks() > 1 {
        tokio::task::yield_now().await;
    }
}

/// Every place of a tool that takes few calls comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_call_gives_its_permit_back() {
    let serving = serve().await;
    let tool = atd_registry::tool_fn("test:storm.one", "", |waits: bool, _| async move {
        if waits {
            std::future::pending::<()>().await;
        }
        Ok(())
    })
    .define(|definition| definition.max_concurrent(1));
    serving.handle.server().registry().register(tool).unwrap();
    let mut peer = serving.connect().await;
    for id in 0..200 {
        peer.ask(id, run_tool("test:storm.one", json!(true))).await;
        peer.bytes(&cancel(id)).await;
        assert_eq!(error(peer.answer_to(id).await).0, ErrorCode::CANCELLED);
    }
    peer.ask(0, run_tool("test:storm.one", json!(false))).await;
    result(peer.answer_to(0).await);
}
