//! Calls in flight over the whole server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use atd_gate::{Identity, Scope};

use super::world::*;

#[test]
fn no_more_calls_are_in_flight_than_the_server_takes() {
    let (gate, _) = gate_for(0, limits(|it| it.in_flight = nonzero(3).unwrap()));
    let nobody = Identity::anonymous();
    let (free, narrow) = (tool("a:b.free", 0, None), tool("a:b.narrow", 9, Some(9)));
    let mut running: Vec<_> = [&free, &narrow, &free]
        .map(|it| admit(&gate, &nobody, it).unwrap())
        .into();
    for it in [&free, &narrow] {
        let refusal = admit(&gate, &nobody, it).unwrap_err();
        assert_eq!(reached(&refusal), (Scope::ServerConcurrency, 3, None));
    }
    drop(running.pop());
    running.push(admit(&gate, &nobody, &narrow).unwrap());
    assert!(admit(&gate, &nobody, &free).is_err());
}

#[test]
fn the_servers_limit_can_be_lowered_and_raised_while_calls_run() {
    let of = |number| limits(|it| it.in_flight = nonzero(number).unwrap());
    let (gate, _) = gate_for(0, of(u32::MAX));
    let (nobody, free) = (Identity::anonymous(), tool("a:b.free", 0, None));
    let more = |count: usize| -> Vec<_> {
        (0..count)
            .map_while(|_| admit(&gate, &nobody, &free).ok())
            .collect()
    };
    let mut running = more(10);
    gate.set_limits(of(4));
    for _ in 0..7 {
        assert!(
            admit(&gate, &nobody, &free).is_err(),
            "{} run",
            running.len()
        );
        running.pop();
    }
    assert_eq!(running.len(), 3);
    running.extend(more(5));
    assert_eq!(running.len(), 4);
    gate.set_limits(of(2));
    gate.set_limits(of(u32::MAX));
    gate.set_limits(of(6));
    running.extend(more(5));
    assert_eq!(running.len(), 6);
    running.clear();
    gate.set_limits(of(1));
    assert_eq!(more(5).len(), 1);
}

#[test]
fn a_permit_that_is_kept_for_itself_holds_its_places_without_the_gate() {
    let (gate, _) = gate_for(0, limits(|it| it.in_flight = nonzero(2).unwrap()));
    let (nobody, narrow) = (Identity::anonymous(), tool("a:b.narrow", 1, None));
    let permit = admit(&gate, &nobody, &narrow).unwrap().into_owned();
    let refusal = admit(&gate, &nobody, &narrow).unwrap_err();
    assert_eq!(reached(&refusal), (Scope::Concurrency, 1, None));
    drop(permit);
    let permit = admit(&gate, &nobody, &narrow).unwrap().into_owned();
    drop(gate);
    drop(permit);
}

#[test]
fn threads_never_have_more_calls_in_flight_and_lose_no_place() {
    let (gate, _) = gate_for(0, limits(|it| it.in_flight = nonzero(3).unwrap()));
    let (free, now, most) = (
        tool("a:b.free", 0, None),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    if let Ok(permit) = admit(&gate, &Identity::anonymous(), &free) {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        now.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                }
            });
        }
    });
    assert!(most.into_inner() <= 3);
    let all: Vec<_> = (0..3)
        .map(|_| admit(&gate, &Identity::anonymous(), &free).expect("a place was lost"))
        .collect();
    assert!(admit(&gate, &Identity::anonymous(), &free).is_err());
    drop(all);
}
