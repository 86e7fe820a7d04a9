//! Saying what would happen.

use std::time::Duration;

use atd_gate::{Gate, Grantee, Identity, Requirement};
use atd_proto::{Hello, ToolDefinition};

use super::world::*;

#[test]
fn it_says_what_is_held_what_is_missing_and_how_far_limits_are_used() {
    let clock = atd_gate::FakeClock::default();
    let gate = Gate::builder()
        .clock(clock.clone())
        .allow(["list", "read"])
        .grant(Grantee::Gid(100), ["write"])
        .limits(limits(|it| it.caller_rate_per_min = nonzero(5)))
        .build();
    let hello = Hello {
        client_id: Some("agent\n7".into()),
        requested_capabilities: ["read"].into_iter().collect(),
        ..Hello::default()
    };
    let agent = gate.hello(&Identity::anonymous(), &hello).unwrap();
    let needy = ToolDefinition::builder("a:b.c", "")
        .requires(["admin", "list", "read", "write"])
        .max_concurrent(1)
        .build();
    let explained = gate.explain(&agent, &Requirement::of(&needy));
    assert_eq!(
        explained.to_string(),
        "somebody who calls itself \"agent\\n7\" (asserted): refused\n  \
         bad lacks `admin`: this server's configuration grants it to nobody\n  \
         bad lacks `list`: the server would grant it if `hello` asked for it\n  \
         ok  holds `read`, granted by the configuration to everybody\n  \
         bad lacks `write`: this server grants it to group id 100 only\n  \
         ok  0 of 5 calls of this caller a minute\n  \
         ok  0 of 1 calls of this tool at a time\n  \
         ok  0 of 4096 calls of the whole server at a time"
    );
}

#[test]
fn it_says_what_admit_would_and_counts_nothing() {
    let (gate, clock) = gate_for(0, limits(|_| {}));
    let (nobody, one) = (Identity::anonymous(), tool("a:b.c", 1, Some(2)));
    let explain = || gate.explain(&nobody, &Requirement::of(&one));
    for _ in 0..10 {
        assert!(explain().admitted);
    }
    let running = admit(&gate, &nobody, &one).unwrap();
    assert!(
        explain()
            .to_string()
            .contains("bad 1 of 1 calls of this tool at a time: full")
    );
    drop(running);
    drop(admit(&gate, &nobody, &one).unwrap());
    clock.advance(Duration::from_secs(1));
    assert!(
        explain()
            .to_string()
            .contains("bad 2 of 2 calls of this tool a minute: full for 59000 ms")
    );
    clock.advance(Duration::from_secs(59));
    assert!(explain().admitted);
    assert!(admit(&gate, &nobody, &one).is_ok());
}
