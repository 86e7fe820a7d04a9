//! Waiting for a place instead of a refusal.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use atd_gate::{Gate, Identity, Permit, Refusal, Requirement, Scope};
use atd_proto::ToolDefinition;

use super::world::*;

type Turn<'a> = Pin<Box<dyn Future<Output = Result<Permit, Refusal>> + 'a>>;

fn turn<'a>(gate: &'a Gate, caller: &'a Identity, tool: &'a ToolDefinition) -> Turn<'a> {
    Box::pin(async move { gate.admit_in_turn(caller, &Requirement::of(tool)).await })
}

fn poll(turn: &mut Turn<'_>) -> Option<Result<Permit, Refusal>> {
    match turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => Some(ended),
        Poll::Pending => None,
    }
}

fn waiting(number: u32) -> Gate {
    gate_for(0, limits(|it| it.waiting_per_tool = number)).0
}

#[test]
fn turns_come_in_the_order_of_the_queue() {
    let (gate, nobody, one) = (waiting(2), Identity::anonymous(), tool("a:b.c", 1, None));
    let running = admit(&gate, &nobody, &one).unwrap();
    let (mut first, mut second) = (turn(&gate, &nobody, &one), turn(&gate, &nobody, &one));
    assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
    let refusal = poll(&mut turn(&gate, &nobody, &one)).unwrap().unwrap_err();
    assert_eq!(reached(&refusal).0, Scope::Concurrency, "the queue is full");

    drop(running);
    assert!(
        admit(&gate, &nobody, &one).is_err(),
        "nobody goes before who waits"
    );
    assert!(poll(&mut second).is_none());
    let running = poll(&mut first).unwrap().unwrap();
    assert!(poll(&mut second).is_none());
    drop(running);
    drop(poll(&mut second).unwrap().unwrap());
    assert!(admit(&gate, &nobody, &one).is_ok());
}

#[test]
fn who_leaves_the_queue_keeps_no_place_and_no_turn() {
    let (gate, nobody, one) = (waiting(2), Identity::anonymous(), tool("a:b.c", 1, None));
    let running = admit(&gate, &nobody, &one).unwrap();
    let mut turns: Vec<_> = (0..2).map(|_| turn(&gate, &nobody, &one)).collect();
    turns.iter_mut().for_each(|it| assert!(poll(it).is_none()));
    drop(turns.remove(0));
    let mut late = turn(&gate, &nobody, &one);
    assert!(
        poll(&mut late).is_none(),
        "there is room in the queue again"
    );
    drop(running);
    // The turn has come to the first, who leaves without looking.
    drop(turns);
    drop(poll(&mut late).unwrap().unwrap());
    assert!(admit(&gate, &nobody, &one).is_ok());
}

#[test]
fn without_a_queue_and_for_a_rate_nobody_waits() {
    let (gate, nobody, one) = (waiting(0), Identity::anonymous(), tool("a:b.c", 1, Some(1)));
    let running = admit(&gate, &nobody, &one).unwrap();
    let refusal = poll(&mut turn(&gate, &nobody, &one)).unwrap().unwrap_err();
    assert_eq!(reached(&refusal).0, Scope::Concurrency);
    drop(running);
    let refusal = poll(&mut turn(&gate, &nobody, &one)).unwrap().unwrap_err();
    assert_eq!(reached(&refusal).0, Scope::ToolRate);
}

#[test]
fn a_limit_that_is_raised_lets_nobody_in_before_who_waits() {
    let (gate, nobody) = (waiting(4), Identity::anonymous());
    let (one, two) = (tool("a:b.c", 1, None), tool("a:b.c", 2, None));
    let running = admit(&gate, &nobody, &one).unwrap();
    let mut first = turn(&gate, &nobody, &one);
    assert!(poll(&mut first).is_none());
    // There would be room for a second, but somebody waits.
    assert!(admit(&gate, &nobody, &two).is_err());
    let mut second = turn(&gate, &nobody, &two);
    assert!(poll(&mut second).is_none());
    drop(running);
    let _running = poll(&mut first).unwrap().unwrap();
    assert!(matches!(poll(&mut second), Some(Ok(_))));
}

#[test]
fn every_one_of_many_tasks_gets_its_turn() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (gate, one) = (Arc::new(waiting(64)), Arc::new(tool("a:b.c", 2, None)));
    runtime.block_on(async {
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (gate, one) = (gate.clone(), one.clone());
                tokio::spawn(async move {
                    let nobody = Identity::anonymous();
                    let permit = gate.admit_in_turn(&nobody, &Requirement::of(&one)).await;
                    tokio::task::yield_now().await;
                    permit.map(drop)
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Ok(()));
        }
    });
}
