//! The limits of a caller.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use atd_gate::{Identity, Requirement, Scope};
use atd_proto::Hello;
use proptest::prelude::*;

use super::world::*;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn each_caller_has_an_allowance_of_its_own_over_all_tools() {
    let (gate, clock) = gate_for(2, limits(|it| it.caller_rate_per_min = nonzero(3)));
    let (one, other) = (user(&gate, 0), user(&gate, 1));
    for id in ["a:b.c", "a:b.d", "a:b.e"] {
        assert!(admit(&gate, &one, &tool(id, 0, None)).is_ok());
        clock.advance(Duration::from_secs(1));
    }
    let refusal = admit(&gate, &one, &tool("a:b.f", 0, None)).unwrap_err();
    let expected = (Scope::CallerRate, 3, Some(Duration::from_secs(57)));
    assert_eq!(reached(&refusal), expected);
    assert!(admit(&gate, &other, &tool("a:b.c", 0, None)).is_ok());
    clock.advance(Duration::from_secs(57));
    assert!(admit(&gate, &one, &tool("a:b.f", 0, None)).is_ok());
}

#[test]
fn each_caller_has_an_allowance_of_each_tool() {
    let (gate, _) = gate_for(2, limits(|it| it.caller_tool_rate_per_min = nonzero(1)));
    let (one, other) = (user(&gate, 0), user(&gate, 1));
    let (a, b) = (tool("a:b.a", 0, None), tool("a:b.b", 0, None));
    for (caller, tool) in [(&one, &a), (&one, &b), (&other, &a)] {
        assert!(admit(&gate, caller, tool).is_ok());
        let refusal = admit(&gate, caller, tool).unwrap_err();
        assert_eq!(reached(&refusal), (Scope::CallerToolRate, 1, Some(MINUTE)));
    }
}

#[test]
fn a_client_gains_nothing_by_another_name_or_another_connection() {
    let (gate, _) = gate_for(1, limits(|it| it.caller_rate_per_min = nonzero(2)));
    let any = tool("a:b.c", 0, None);
    let named = |name: &str, known: &Identity| {
        let hello = Hello {
            client_id: Some(name.into()),
            ..Hello::default()
        };
        gate.hello(known, &hello).unwrap()
    };
    assert!(admit(&gate, &named("one", &user(&gate, 0)), &any).is_ok());
    assert!(admit(&gate, &named("two", &user(&gate, 0)), &any).is_ok());
    assert!(admit(&gate, &named("three", &user(&gate, 0)), &any).is_err());

    // Of those whom nobody vouches for, all together are one caller.
    let nobody = Identity::anonymous();
    assert!(admit(&gate, &named("uid:0", &nobody), &any).is_ok());
    assert!(admit(&gate, &nobody, &any).is_ok());
    assert!(admit(&gate, &named("another", &nobody), &any).is_err());
}

#[test]
fn a_call_refused_by_one_limit_counts_against_no_other() {
    let (gate, clock) = gate_for(
        1,
        limits(|it| {
            it.caller_rate_per_min = nonzero(2);
            it.caller_tool_rate_per_min = nonzero(1);
        }),
    );
    let one = user(&gate, 0);
    let (a, b) = (tool("a:b.a", 0, None), tool("a:b.b", 0, Some(1)));
    assert!(admit(&gate, &one, &a).is_ok());
    for _ in 0..5 {
        let refusal = admit(&gate, &one, &a).unwrap_err();
        assert_eq!(reached(&refusal).0, Scope::CallerToolRate);
    }
    assert!(
        admit(&gate, &one, &b).is_ok(),
        "the five took nothing of the two"
    );
    for _ in 0..5 {
        let refusal = admit(&gate, &one, &tool("a:b.c", 0, Some(1))).unwrap_err();
        assert_eq!(reached(&refusal).0, Scope::CallerRate);
    }
    clock.advance(MINUTE);
    assert!(admit(&gate, &one, &tool("a:b.c", 0, Some(1))).is_ok());
}

#[test]
fn a_call_refused_by_a_rate_takes_no_place_from_others_for_a_moment() {
    let calls = 20_000;
    let (gate, _) = gate_for(
        2,
        limits(|it| {
            it.in_flight = nonzero(1).unwrap();
            it.caller_rate_per_min = nonzero(calls);
        }),
    );
    let (greedy, other) = (user(&gate, 0), user(&gate, 1));
    let narrow = tool("a:b.narrow", 1, None);
    for _ in 0..calls {
        assert!(admit(&gate, &greedy, &narrow).is_ok());
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert!(admit(&gate, &greedy, &narrow).is_err());
            }
        });
        let admitted = (0..calls).filter(|_| admit(&gate, &other, &narrow).is_ok());
        let admitted = admitted.count();
        over.store(true, Ordering::Relaxed);
        assert_eq!(admitted, calls as usize);
    });
}

#[test]
fn limits_of_callers_can_be_changed_and_remember_what_was_used() {
    let (gate, _) = gate_for(1, limits(|it| it.caller_rate_per_min = nonzero(5)));
    let (one, any) = (user(&gate, 0), tool("a:b.c", 0, None));
    (0..5).for_each(|_| drop(admit(&gate, &one, &any).unwrap()));
    gate.set_limits(limits(|it| it.caller_rate_per_min = nonzero(7)));
    (0..2).for_each(|_| drop(admit(&gate, &one, &any).unwrap()));
    assert!(admit(&gate, &one, &any).is_err());
    gate.set_limits(limits(|_| {}));
    assert!(admit(&gate, &one, &any).is_ok(), "no limit");
    assert_eq!(gate.limits().caller_rate_per_min, None);
}

/// Whoever was forgotten would get a fresh allowance; nobody is while counted.
#[test]
fn callers_beyond_what_is_tracked_are_refused_and_none_is_forgotten() {
    let few = limits(|it| {
        it.caller_rate_per_min = nonzero(1);
        it.tracked_callers = nonzero(100).unwrap();
    });
    let (gate, clock) = gate_for(10_000, few);
    let any = tool("a:b.c", 0, None);
    for uid in 0..100 {
        assert!(admit(&gate, &user(&gate, uid), &any).is_ok(), "{uid}");
    }
    for uid in 100..10_000 {
        clock.advance(Duration::from_millis(1));
        let refusal = admit(&gate, &user(&gate, uid), &any).unwrap_err();
        assert_eq!(reached(&refusal).0, Scope::TrackedCallers);
    }
    for uid in 0..100 {
        let refusal = admit(&gate, &user(&gate, uid), &any).unwrap_err();
        assert_eq!(
            reached(&refusal).0,
            Scope::CallerRate,
            "{uid} was forgotten"
        );
    }
    clock.advance(MINUTE);
    for uid in 200..300 {
        assert!(admit(&gate, &user(&gate, uid), &any).is_ok(), "{uid}");
    }
}

/// D5: 600 a minute, hammered by 16 clients of one caller for 10 s of fake
/// time: exactly 600, and after the wait that it is told each is let through.
#[test]
fn d5_a_hammered_rate_admits_exactly_what_it_says() {
    for (caller_rate, tool_rate) in [(nonzero(600), None), (None, Some(600))] {
        let (gate, clock) = gate_for(1, limits(|it| it.caller_rate_per_min = caller_rate));
        let any = tool("a:b.c", 0, tool_rate);
        let clients: Vec<_> = (0..16).map(|_| user(&gate, 0)).collect();
        let (mut admitted, mut last) = (0, Duration::ZERO);
        for _ in 0..10_000 {
            for client in &clients {
                match admit(&gate, client, &any) {
                    Ok(_) => admitted += 1,
                    Err(refusal) => last = reached(&refusal).2.expect("a wait"),
                }
            }
            // A wall clock that is set meanwhile changes nothing.
            clock.set_unix(Duration::from_secs(86_400));
            clock.advance(Duration::from_millis(1));
        }
        assert_eq!(admitted, 600);
        let wait = last - Duration::from_millis(1);
        clock.advance(wait - Duration::from_nanos(1));
        assert!(admit(&gate, &clients[0], &any).is_err());
        clock.advance(Duration::from_nanos(1));
        assert!(admit(&gate, &clients[0], &any).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// D5: whatever a caller's limit is and however its calls come, no 60
    /// seconds hold more of them; one that could be refused for no call of the
    /// last 64.3 is let through; and the wait that is told is enough.
    #[test]
    fn d5_no_minute_of_a_caller_holds_more_calls_than_allowed(
        limit in 1_u32..80,
        steps in prop::collection::vec((0_u64..3_000, 1_usize..9), 1..120),
    ) {
        let (gate, clock) = gate_for(1, limits(|it| it.caller_rate_per_min = nonzero(limit)));
        let (one, any) = (user(&gate, 0), tool("a:b.c", 0, None));
        let (mut now, mut model): (u64, Vec<u64>) = (0, Vec::new());
        for (step, calls) in steps {
            now += step;
            clock.advance(Duration::from_millis(step));
            for _ in 0..calls {
                let within = |ms| model.iter().filter(|at| now - **at < ms).count();
                let (minute, more) = (within(60_000), within(64_301));
                match admit(&gate, &one, &any) {
                    Ok(_) => {
                        prop_assert!(minute < limit as usize);
                        model.push(now);
                    }
                    Err(refusal) => {
                        prop_assert!(more >= limit as usize);
                        prop_assert!(limit > 16 || minute >= limit as usize, "exact up to 16");
                        let wait = reached(&refusal).2.expect("a wait");
                        prop_assert!(wait <= Duration::from_millis(64_301));
                    }
                }
            }
        }
        if let Err(refusal) = admit(&gate, &one, &any) {
            clock.advance(reached(&refusal).2.expect("a wait"));
            prop_assert!(admit(&gate, &one, &any).is_ok(), "the wait was enough");
        }
    }

    /// D5: a call is counted for 60 seconds, and for no more than 64.3.
    #[test]
    fn d5_a_call_of_a_caller_is_counted_for_a_minute_and_little_more(
        steps in prop::collection::vec(0_u64..2_000, 20..200),
    ) {
        let (gate, clock) = gate_for(1, limits(|it| it.caller_rate_per_min = nonzero(1_000)));
        let (one, any) = (user(&gate, 0), tool("a:b.c", 0, None));
        let (mut now, mut model): (u64, Vec<u64>) = (0, Vec::new());
        for step in steps {
            now += step;
            clock.advance(Duration::from_millis(step));
            drop(admit(&gate, &one, &any).unwrap());
            model.push(now);
            let within = |ms| model.iter().filter(|at| now - **at < ms).count();
            let explained = gate.explain(&one, &Requirement::of(&any)).to_string();
            let of_caller = |line: &&str| line.ends_with("of this caller a minute");
            let line = explained.lines().find(of_caller).unwrap();
            let counted = line.trim_start_matches("  ok  ").split(' ').next().unwrap();
            let counted: usize = counted.parse().unwrap();
            let (least, most) = (within(60_000), within(64_301));
            prop_assert!((least..=most).contains(&counted), "{least}..={most}: {line}");
        }
    }
}
