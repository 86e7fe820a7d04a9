//! Waiting for a limit instead of a refusal.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use atd_gate::{Clock, Gate, GateBuilder, Identity, Permit, Refusal, Requirement, Scope};
use atd_proto::ToolDefinition;

use super::world::*;

type Turn<'a> = Pin<Box<dyn Future<Output = Result<Permit<'a>, Refusal>> + 'a>>;

const SECOND: Duration = Duration::from_secs(1);

/// The time of the tests' runtime, which stands still while anything runs and
/// goes on to the next timer when nothing does.
#[derive(Debug)]
pub(crate) struct RuntimesTime(tokio::time::Instant);

impl RuntimesTime {
    pub(crate) fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the clock of the tests")]
        Self(tokio::time::Instant::now())
    }
}

impl Clock for RuntimesTime {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Lets so much of the runtime's time pass, which takes none.
pub(crate) async fn pass(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

/// A gate on the runtime's time that knows four users.
fn gate(say: impl FnOnce(&mut atd_gate::CallLimits)) -> Gate {
    let limits = limits(|it| {
        it.waiting = 64;
        it.longest_wait = Duration::from_secs(3_600);
        say(it);
    });
    let builder = Gate::builder().clock(RuntimesTime::new()).limits(limits);
    (0..4).fold(builder, GateBuilder::allow_uid).build()
}

fn turn<'a>(gate: &'a Gate, caller: &'a Identity, tool: &'a ToolDefinition) -> Turn<'a> {
    patient(gate, caller, tool, Duration::MAX)
}

fn patient<'a>(
    gate: &'a Gate,
    caller: &'a Identity,
    tool: &'a ToolDefinition,
    patience: Duration,
) -> Turn<'a> {
    let need = Requirement::of(tool);
    Box::pin(async move { gate.admit_in_turn(caller, &need, patience).await })
}

fn poll<'a>(turn: &mut Turn<'a>) -> Option<Result<Permit<'a>, Refusal>> {
    match turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => Some(ended),
        Poll::Pending => None,
    }
}

fn refused_at_once(mut turn: Turn<'_>) -> (Scope, u32, Option<Duration>) {
    reached(&poll(&mut turn).expect("it waits").unwrap_err())
}

#[tokio::test(start_paused = true)]
async fn turns_come_in_the_order_of_the_line() {
    let (gate, nobody, one) = (
        gate(|it| it.waiting_per_limit = 2),
        Identity::anonymous(),
        tool("a:b.c", 1, None),
    );
    let running = admit(&gate, &nobody, &one).unwrap();
    let (mut first, mut second) = (turn(&gate, &nobody, &one), turn(&gate, &nobody, &one));
    assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
    let refusal = refused_at_once(turn(&gate, &nobody, &one));
    assert_eq!(refusal.0, Scope::Concurrency, "the line is full");

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

#[tokio::test(start_paused = true)]
async fn who_leaves_the_line_keeps_no_place_and_no_turn() {
    let (gate, nobody, one) = (
        gate(|it| it.waiting_per_limit = 2),
        Identity::anonymous(),
        tool("a:b.c", 1, None),
    );
    let running = admit(&gate, &nobody, &one).unwrap();
    let mut turns: Vec<_> = (0..2).map(|_| turn(&gate, &nobody, &one)).collect();
    turns.iter_mut().for_each(|it| assert!(poll(it).is_none()));
    drop(turns.remove(0));
    let mut late = turn(&gate, &nobody, &one);
    assert!(poll(&mut late).is_none(), "there is room in the line again");
    drop(running);
    // The turn has come to the first, who leaves without looking.
    drop(turns);
    drop(poll(&mut late).unwrap().unwrap());
    assert!(admit(&gate, &nobody, &one).is_ok());
    assert_eq!(gate.waits().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn where_none_may_wait_a_call_is_refused_at_once() {
    let (gate, nobody, one) = (
        gate(|it| it.waiting = 0),
        Identity::anonymous(),
        tool("a:b.c", 1, Some(2)),
    );
    let running = admit(&gate, &nobody, &one).unwrap();
    let refusal = refused_at_once(turn(&gate, &nobody, &one));
    assert_eq!(refusal.0, Scope::Concurrency);
    drop(running);
    drop(admit(&gate, &nobody, &one).unwrap());
    let refusal = refused_at_once(turn(&gate, &nobody, &one));
    assert_eq!(refusal.0, Scope::ToolRate);
}

#[tokio::test(start_paused = true)]
async fn what_never_has_room_is_not_waited_for() {
    let (gate, nobody, none) = (
        gate(|_| ()),
        Identity::anonymous(),
        tool("a:b.c", 0, Some(0)),
    );
    let refusal = refused_at_once(turn(&gate, &nobody, &none));
    assert_eq!(refusal, (Scope::ToolRate, 0, None));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_raised_lets_nobody_in_before_who_waits() {
    let (gate, nobody) = (gate(|_| ()), Identity::anonymous());
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

#[tokio::test(start_paused = true)]
async fn a_rate_lets_who_waits_in_as_soon_as_it_has_room() {
    let (gate, nobody, two) = (
        gate(|_| ()),
        Identity::anonymous(),
        tool("a:b.c", 0, Some(2)),
    );
    let time = RuntimesTime::new();
    drop(admit(&gate, &nobody, &two).unwrap());
    pass(10 * SECOND).await;
    drop(admit(&gate, &nobody, &two).unwrap());
    let mut turns: Vec<_> = (0..4).map(|_| turn(&gate, &nobody, &two)).collect();
    assert!(turns.iter_mut().all(|it| poll(it).is_none()));
    let mut let_in = Vec::new();
    for turn in turns {
        drop(turn.await.unwrap());
        let_in.push(time.now().as_secs());
    }
    assert_eq!(let_in, [60, 70, 120, 130]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_its_own_rate_holds_up_nobody_else() {
    let gate = gate(|it| {
        it.caller_rate_per_min = nonzero(1);
        it.caller_tool_rate_per_min = nonzero(1);
    });
    let (one, other) = (user(&gate, 1), user(&gate, 2));
    let any = tool("a:b.c", 1, None);
    drop(admit(&gate, &one, &any).unwrap());
    let mut waits = turn(&gate, &one, &any);
    assert!(poll(&mut waits).is_none());
    drop(admit(&gate, &other, &any).unwrap());
    assert!(admit(&gate, &one, &any).is_err());
    pass(60 * SECOND).await;
    // The other waits for the place that the first takes.
    let permit = waits.await.unwrap();
    let mut waits = turn(&gate, &other, &any);
    assert!(poll(&mut waits).is_none());
    drop(permit);
    drop(waits.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_place_among_all_calls_goes_to_who_waits_longest() {
    let gate = gate(|it| it.in_flight = nonzero(1).unwrap());
    let nobody = Identity::anonymous();
    let (free, narrow) = (tool("a:b.free", 0, None), tool("a:b.narrow", 1, None));
    let running = admit(&gate, &nobody, &free).unwrap();
    let (mut first, mut second) = (turn(&gate, &nobody, &narrow), turn(&gate, &nobody, &free));
    assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
    drop(running);
    let refusal = admit(&gate, &nobody, &free).unwrap_err();
    assert_eq!(reached(&refusal).0, Scope::ServerConcurrency);
    assert!(poll(&mut second).is_none());
    let running = poll(&mut first).unwrap().unwrap();
    drop(running);
    drop(poll(&mut second).unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_it_may() {
    let gate = gate(|it| it.longest_wait = 5 * SECOND);
    let (nobody, narrow) = (Identity::anonymous(), tool("a:b.c", 1, Some(2)));
    let time = RuntimesTime::new();
    let running = admit(&gate, &nobody, &narrow).unwrap();
    for (patience, waits) in [(Duration::MAX, 5), (2 * SECOND, 2), (Duration::ZERO, 0)] {
        let before = time.now();
        let ended = patient(&gate, &nobody, &narrow, patience).await;
        assert_eq!(reached(&ended.unwrap_err()).0, Scope::Concurrency);
        assert_eq!((time.now() - before).as_secs(), waits);
    }
    drop(running);
    drop(admit(&gate, &nobody, &narrow).unwrap());
    // The rate has room again in 53 seconds: to wait for 5 would be in vain.
    let refusal = refused_at_once(turn(&gate, &nobody, &narrow));
    let waits = refusal.2.unwrap().as_secs();
    assert_eq!((refusal.0, waits), (Scope::ToolRate, 60 - 7));
    assert_eq!(gate.waits().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_may_in_all() {
    let gate = gate(|it| it.waiting = 3);
    let nobody = Identity::anonymous();
    let tools: Vec<_> = (0..4)
        .map(|number| tool(&format!("a:b.c{number}"), 1, None))
        .collect();
    let _running: Vec<_> = tools.iter().map(|it| admit(&gate, &nobody, it)).collect();
    let mut turns: Vec<_> = tools.iter().map(|it| turn(&gate, &nobody, it)).collect();
    let waiting = turns
        .iter_mut()
        .filter_map(|it| poll(it).is_none().then_some(()));
    assert_eq!(waiting.count(), 3);
    assert_eq!(gate.waits().waiting, 3);
    drop(turns.swap_remove(0));
    assert!(poll(&mut turn(&gate, &nobody, &tools[0])).is_none());
}

#[tokio::test(start_paused = true)]
async fn limits_that_are_raised_are_noticed_by_who_waits() {
    let gate = gate(|it| it.caller_rate_per_min = nonzero(1));
    let (one, any) = (user(&gate, 1), tool("a:b.c", 0, None));
    drop(admit(&gate, &one, &any).unwrap());
    let mut waits = turn(&gate, &one, &any);
    assert!(poll(&mut waits).is_none());
    let mut more = gate.limits();
    more.caller_rate_per_min = nonzero(2);
    gate.set_limits(more);
    assert!(matches!(poll(&mut waits), Some(Ok(_))));
}

/// Whoever looks, and when: a counter that falls is taken for one of a server
/// that began anew.
#[tokio::test]
async fn nobody_is_counted_as_having_waited_in_vain_who_waits_or_is_let_in() {
    let (gate, nobody, one) = (gate(|_| ()), Identity::anonymous(), tool("a:b.c", 1, None));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looks = scope.spawn(|| {
            let mut in_all = 0;
            while !is_over.load(Ordering::Acquire) {
                let waits = gate.waits();
                let (accounted, so_far) = (waits.admitted + waits.waiting, waits.begun);
                assert_eq!((accounted, waits.in_vain()), (so_far, 0));
                assert!(in_all <= so_far);
                in_all = so_far;
            }
        });
        for _ in 0..50_000 {
            let running = admit(&gate, &nobody, &one).unwrap();
            let mut waits = turn(&gate, &nobody, &one);
            assert!(poll(&mut waits).is_none());
            drop(running);
            drop(poll(&mut waits).unwrap().unwrap());
            if looks.is_finished() {
                break;
            }
        }
        is_over.store(true, Ordering::Release);
    });
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_counted_and_explained() {
    let (gate, nobody, one) = (gate(|_| ()), Identity::anonymous(), tool("a:b.c", 1, None));
    let counted = || {
        let waits = gate.waits();
        (waits.waiting, waits.begun, waits.admitted)
    };
    let running = admit(&gate, &nobody, &one).unwrap();
    let (mut first, mut second) = (turn(&gate, &nobody, &one), turn(&gate, &nobody, &one));
    assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
    assert_eq!(counted(), (2, 2, 0));
    drop(running);
    assert!(!gate.explain(&nobody, &Requirement::of(&one)).admitted);
    drop(poll(&mut first));
    drop(second);
    assert_eq!(counted(), (0, 2, 1));
    assert!(gate.explain(&nobody, &Requirement::of(&one)).admitted);
}
