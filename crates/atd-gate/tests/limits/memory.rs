//! What the limits cost in memory, by an allocator that counts.

use std::time::Duration;

use allocation_counter::measure;
use atd_gate::{Gate, Identity, PeerCredentials, Requirement};
use atd_proto::{Hello, ToolDefinition};

use super::world::*;

/// A call by somebody who holds twenty capabilities, of a tool that requires
/// three of them, with every limit on.
#[test]
fn a_call_that_is_let_through_allocates_nothing() {
    let clock = atd_gate::FakeClock::default();
    let held: Vec<_> = (0..20).map(|number| format!("scope{number}.use")).collect();
    let gate = Gate::builder()
        .clock(clock.clone())
        .allow(held.clone())
        .limits(limits(|it| {
            it.caller_rate_per_min = nonzero(600);
            it.caller_tool_rate_per_min = nonzero(600);
            it.waiting = 4;
        }))
        .build();
    let hello = Hello {
        requested_capabilities: held.iter().collect(),
        ..Hello::default()
    };
    let agent = gate.hello(&Identity::anonymous(), &hello).unwrap();
    let needy = ToolDefinition::builder("a:b.c", "")
        .requires([&held[2], &held[9], &held[19]].map(String::as_str))
        .max_concurrent(4)
        .rate_limit_per_min(600)
        .build();
    let call = || {
        clock.advance(Duration::from_millis(110));
        drop(gate.admit(&agent, &Requirement::of(&needy)).unwrap());
    };
    // The first call makes the tool and the caller known.
    call();
    let made = measure(|| (0..10_000).for_each(|_| call()));
    assert_eq!(made.count_total, 0);
}

/// Each of 100,000 callers with a rate limit costs at most 200 bytes, whether
/// it made one call or as many as it may.
#[test]
fn a_caller_is_remembered_in_200_bytes() {
    const CALLERS: u32 = 100_000;
    for calls in [1, 20] {
        let limits = limits(|it| it.caller_rate_per_min = nonzero(20));
        let clock = atd_gate::FakeClock::default();
        let peer = |uid| PeerCredentials {
            uid,
            gid: 0,
            pid: None,
        };
        let builder = Gate::builder().clock(clock.clone()).limits(limits);
        let builder = (0..CALLERS).fold(builder, atd_gate::GateBuilder::allow_uid);
        let gate = builder.build();
        let any = tool("a:b.c", 0, None);
        let kept = measure(|| {
            for _ in 0..calls {
                for uid in 0..CALLERS {
                    let one = gate.connect(Some(peer(uid))).unwrap();
                    drop(admit(&gate, &one, &any).unwrap());
                }
                clock.advance(Duration::from_secs(2));
            }
        });
        let each = kept.bytes_current / i64::from(CALLERS);
        assert!((1..=200).contains(&each), "{each} bytes each");
    }
}
