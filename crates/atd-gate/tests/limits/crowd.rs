//! Many calls that wait for several limits at once.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use atd_gate::{Clock, Gate, GateBuilder, Requirement, Scope};
use atd_proto::ToolDefinition;
use proptest::prelude::*;

use super::turns::{RuntimesTime, pass};
use super::world::*;

/// A call that comes so many milliseconds after the one before.
#[derive(Clone, Copy, Debug)]
struct Call {
    after: u64,
    caller: u32,
    tool: usize,
    takes: u64,
    patience: u64,
    /// Whether its client leaves after that many milliseconds.
    leaves: Option<u64>,
}

fn call() -> impl Strategy<Value = Call> {
    (
        0_u64..3_000,
        0_u32..3,
        0_usize..3,
        0_u64..20_000,
        0_u64..200_000,
        prop::option::weighted(0.2, 0_u64..30_000),
    )
        .prop_map(|(after, caller, tool, takes, patience, leaves)| Call {
            after,
            caller,
            tool,
            takes,
            patience,
            leaves,
        })
}

/// What became of each call that was let in: when, and until when it ran.
type Ran = Arc<Mutex<Vec<(Call, u64, u64)>>>;

async fn one_call(
    gate: Arc<Gate>,
    time: Arc<RuntimesTime>,
    tool: ToolDefinition,
    it: Call,
    ran: Ran,
) {
    let millis = || u64::try_from(time.now().as_millis()).unwrap();
    let caller = user(&gate, it.caller);
    let came = millis();
    let need = Requirement::of(&tool);
    let turn = gate.admit_in_turn(&caller, &need, Duration::from_millis(it.patience));
    let stays = Duration::from_millis(it.leaves.unwrap_or(u64::MAX / 2));
    let Ok(ended) = tokio::time::timeout(stays, turn).await else {
        return;
    };
    let began = millis();
    assert!(
        began - came <= it.patience + 1,
        "{it:?} waited {}",
        began - came
    );
    match ended {
        Ok(permit) => {
            pass(Duration::from_millis(it.takes)).await;
            let ended = millis();
            drop(permit);
            ran.lock().unwrap().push((it, began, ended));
        }
        Err(refusal) => assert_ne!(reached(&refusal).0, Scope::TrackedCallers),
    }
}

fn check(ran: &[(Call, u64, u64)], most_at_once: usize, rates: [usize; 3]) {
    for (call, began, _) in ran {
        let same = |other: &&(Call, u64, u64)| other.0.tool == call.tool;
        let now = |(_, from, to): &&(Call, u64, u64)| from <= began && began < to;
        let at_once = ran.iter().filter(now);
        assert!(at_once.clone().count() <= most_at_once);
        assert!(call.tool != 0 || at_once.filter(same).count() <= 2);
        let minute = |(_, from, _): &&(Call, u64, u64)| from <= began && began - from < 60_000;
        let inside = || ran.iter().filter(minute);
        let by = |other: &&(Call, u64, u64)| other.0.caller == call.caller;
        assert!(call.tool != 1 || inside().filter(same).count() <= rates[0]);
        assert!(inside().filter(by).count() <= rates[1]);
        assert!(inside().filter(by).filter(same).count() <= rates[2]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// However calls meet their limits, no limit is passed, nobody waits longer
    /// than it may, and in the end nobody waits and every place is free.
    #[test]
    fn every_limit_holds_and_nobody_is_forgotten(calls in prop::collection::vec(call(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let time = Arc::new(RuntimesTime::new());
            let limits = limits(|it| {
                it.in_flight = nonzero(4).unwrap();
                it.caller_rate_per_min = nonzero(12);
                it.caller_tool_rate_per_min = nonzero(6);
                it.waiting = 30;
                it.waiting_per_limit = 12;
                it.longest_wait = Duration::from_secs(150);
            });
            let builder = Gate::builder().clock(RuntimesTime::new()).limits(limits);
            let gate = Arc::new((0..4).fold(builder, GateBuilder::allow_uid).build());
            let tools = [
                tool("a:b.narrow", 2, None),
                tool("a:b.slow", 0, Some(5)),
                tool("a:b.free", 0, None),
            ];
            let ran = Ran::default();
            let mut tasks = Vec::new();
            for it in calls {
                pass(Duration::from_millis(it.after)).await;
                let tool = tools[it.tool].clone();
                let call = one_call(gate.clone(), time.clone(), tool, it, ran.clone());
                tasks.push(tokio::spawn(call));
            }
            for task in tasks {
                task.await.unwrap();
            }
            check(&ran.lock().unwrap(), 4, [5, 12, 6]);
            assert_eq!(gate.waits().waiting, 0);
            pass(Duration::from_secs(70)).await;
            let caller = user(&gate, 3);
            let all: Vec<_> = (0..4).map(|_| admit(&gate, &caller, &tools[2]).unwrap()).collect();
            assert_eq!(all.len(), 4);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn every_one_of_many_tasks_gets_its_turn() {
    let limits = limits(|it| {
        it.waiting = 64;
        it.longest_wait = Duration::from_secs(60);
    });
    let gate = Gate::builder().clock(RuntimesTime::new()).limits(limits);
    let gate = Arc::new(gate.build());
    let one = Arc::new(tool("a:b.c", 2, None));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (gate, one) = (gate.clone(), one.clone());
            tokio::spawn(async move {
                let nobody = atd_gate::Identity::anonymous();
                let need = Requirement::of(&one);
                let permit = gate.admit_in_turn(&nobody, &need, Duration::MAX).await;
                tokio::task::yield_now().await;
                permit.map(drop)
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
}
