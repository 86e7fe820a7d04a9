//! Who is let through, who is not, and what they are told.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use atd_gate::{
    FakeClock, Gate, Grant, Grantee, Ground, HelloError, Identity, PeerCredentials, PeerRefused,
    Permit, Refusal, Requirement, Scope,
};
use atd_proto::{CapabilitySet, Hello, ToolDefinition};
use proptest::prelude::*;

fn hello(client_id: &str, capabilities: &[&str]) -> Hello {
    Hello {
        client_id: Some(client_id.into()),
        requested_capabilities: capabilities.iter().copied().collect(),
        ..Hello::default()
    }
}

fn limited(max_concurrent: u32, per_min: Option<u32>) -> ToolDefinition {
    let tool = ToolDefinition::builder("demo:some.tool", "").max_concurrent(max_concurrent);
    match per_min {
        Some(calls) => tool.rate_limit_per_min(calls).build(),
        None => tool.build(),
    }
}

fn fake() -> (Gate, FakeClock) {
    let clock = FakeClock::default();
    (Gate::builder().clock(clock.clone()).build(), clock)
}

fn admit<'a>(gate: &'a Gate, tool: &ToolDefinition) -> Result<Permit<'a>, Refusal> {
    gate.admit(&Identity::anonymous(), &Requirement::of(tool))
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[test]
fn a_caller_is_granted_what_it_asks_for_and_is_allowed() {
    let gate = Gate::builder().allow(["read", "write"]).build();
    let agent = gate
        .hello(&Identity::anonymous(), &hello("a", &["admin", "read"]))
        .unwrap();
    assert_eq!(agent.capabilities().to_string(), "read");
    assert_eq!(agent.caller_id().map(|id| &**id), Some("a"));

    let again = gate.hello(&agent, &hello("b", &["write"])).unwrap();
    assert_eq!(again.capabilities().to_string(), "write");
    assert_eq!(again.caller_id().map(|id| &**id), Some("b"));
}

#[test]
fn nothing_is_allowed_that_nobody_configured() {
    let gate = Gate::builder().build();
    let agent = gate
        .hello(&Identity::anonymous(), &hello("a", &["read"]))
        .unwrap();
    assert!(agent.capabilities().is_empty());
}

#[test]
fn a_missing_capability_is_refused_with_all_three_sets() {
    let gate = Gate::builder().allow(["read"]).build();
    let agent = gate
        .hello(&Identity::anonymous(), &hello("a", &["read"]))
        .unwrap();
    let tool = ToolDefinition::builder("a:b.c", "")
        .requires(["write", "read", "admin"])
        .build();
    let refusal = gate.admit(&agent, &Requirement::of(&tool)).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::CapabilityDenied {
            required: CapabilitySet::from_iter(["admin", "read", "write"]),
            granted: Arc::new(CapabilitySet::from_iter(["read"])),
            missing: CapabilitySet::from_iter(["admin", "write"]),
        }
    );
}

#[test]
fn a_token_is_refused_while_no_issuer_is_trusted() {
    let gate = Gate::builder().allow(["read"]).build();
    let with_token = Hello {
        ucan_tokens: vec!["a.b.c".into()],
        ..hello("a", &["read"])
    };
    let refused = gate.hello(&Identity::anonymous(), &with_token);
    assert_eq!(refused, Err(HelloError::NoTrustedRoot));
}

#[test]
fn a_name_too_long_to_keep_is_refused() {
    let gate = Gate::builder().build();
    let refused = gate.hello(&Identity::anonymous(), &hello(&"x".repeat(1025), &[]));
    assert!(matches!(
        refused,
        Err(HelloError::ClientIdTooLong { length: 1025, .. })
    ));
}

/// U5: the name that a client gives itself verifies nothing.
#[test]
fn only_the_operating_systems_word_makes_a_verified_id() {
    let gate = Gate::builder().build();
    let asserted = gate
        .hello(&Identity::anonymous(), &hello("uid:0", &[]))
        .unwrap();
    assert_eq!(asserted.ground(), Ground::Asserted);
    assert_eq!(asserted.verified_id(), None);

    let peer = PeerCredentials {
        uid: own_uid(),
        gid: 0,
        pid: None,
    };
    let connected = gate.connect(Some(peer)).unwrap();
    let named = gate.hello(&connected, &hello("uid:0", &[])).unwrap();
    assert_eq!(named.ground(), Ground::Peer);
    let own_id = format!("uid:{}", own_uid());
    assert_eq!(named.verified_id().map(|id| &**id), Some(&*own_id));
}

/// S3: another uid is refused unless allowed.
#[test]
fn another_user_is_refused_unless_allowed() {
    let stranger = PeerCredentials {
        uid: own_uid() + 1,
        gid: 0,
        pid: Some(1),
    };
    let refused = Gate::builder().build().connect(Some(stranger));
    assert_eq!(refused, Err(PeerRefused { uid: stranger.uid }));

    let open = Gate::builder().allow_uid(stranger.uid).build();
    assert_eq!(open.connect(Some(stranger)).unwrap().peer(), Some(stranger));
}

#[test]
fn no_more_calls_run_at_a_time_than_allowed() {
    let (gate, _) = fake();
    let tool = limited(2, None);
    let first = admit(&gate, &tool).unwrap();
    let _second = admit(&gate, &tool).unwrap();
    let refusal = admit(&gate, &tool).unwrap_err();
    assert!(matches!(
        refusal,
        Refusal::RateLimited {
            scope: Scope::Concurrency,
            limit: 2,
            retry_after: None
        }
    ));
    drop(first);
    assert!(admit(&gate, &tool).is_ok());
}

/// D5: a rate of N a minute on a fake clock: exactly N.
#[test]
fn a_minute_holds_exactly_the_calls_allowed_and_the_wait_is_exact() {
    let (gate, clock) = fake();
    let tool = limited(0, Some(600));
    let mut admitted = 0;
    for _ in 0..60_000 {
        admitted += u32::from(admit(&gate, &tool).is_ok());
        clock.advance(Duration::from_millis(1));
    }
    assert_eq!(admitted, 600);

    clock.advance(Duration::from_secs(60));
    for _ in 0..599 {
        drop(admit(&gate, &tool).expect("the minute is over"));
        clock.advance(Duration::from_micros(17));
    }
    drop(admit(&gate, &tool).expect("the 600th"));
    let refusal = admit(&gate, &tool).unwrap_err();
    let wait = Duration::from_millis(refusal.retry_after_ms().unwrap());
    clock.advance(wait - Duration::from_millis(1));
    assert!(admit(&gate, &tool).is_err());
    clock.advance(Duration::from_millis(1));
    assert!(admit(&gate, &tool).is_ok());
}

#[test]
fn a_refused_call_counts_against_no_limit() {
    let (gate, _) = fake();
    let both = limited(1, Some(2));
    let running = admit(&gate, &both).unwrap();
    for _ in 0..10 {
        assert!(admit(&gate, &both).is_err());
    }
    drop(running);
    let running = admit(&gate, &both).expect("the refused ones took nothing of the rate");
    drop(running);
    for _ in 0..3 {
        let refusal = admit(&gate, &both).unwrap_err();
        let Refusal::RateLimited { scope, .. } = refusal else {
            panic!("{refusal}");
        };
        assert_eq!(
            scope,
            Scope::ToolRate,
            "the rate's refusal gave the place back"
        );
    }
}

#[test]
fn a_rate_of_zero_lets_nothing_through_and_promises_nothing() {
    let (gate, _) = fake();
    let refusal = admit(&gate, &limited(0, Some(0))).unwrap_err();
    assert_eq!(refusal.retry_after_ms(), None);
}

#[test]
fn limits_may_change_between_calls() {
    let (gate, clock) = fake();
    for _ in 0..10 {
        drop(admit(&gate, &limited(0, Some(10))).unwrap());
        clock.advance(Duration::from_secs(1));
    }
    // Ten are inside, made at 0 s to 9 s; with four allowed the next comes
    // when the seventh has left, at 66 s.
    let refusal = admit(&gate, &limited(0, Some(4))).unwrap_err();
    assert_eq!(refusal.retry_after_ms(), Some(56_000));
    assert!(admit(&gate, &limited(0, Some(11))).is_ok());
}

#[test]
fn tools_that_come_and_go_leave_no_state_and_get_no_fresh_allowance() {
    let (gate, clock) = fake();
    let busy = limited(0, Some(1));
    drop(admit(&gate, &busy).unwrap());
    for n in 0..5_000 {
        let passing = ToolDefinition::builder(format!("demo:passing.t{n}"), "")
            .max_concurrent(1)
            .build();
        drop(admit(&gate, &passing).unwrap());
    }
    assert!(admit(&gate, &busy).is_err(), "a sweep forgot the call");
    clock.advance(Duration::from_secs(60));
    assert!(admit(&gate, &busy).is_ok());
    assert!(format!("{gate:?}").matches("demo:passing").count() < 1025);
}

#[test]
fn threads_together_get_exactly_what_is_allowed() {
    let (gate, _) = fake();
    let tool = limited(0, Some(1_000));
    let admitted: usize = thread::scope(|scope| {
        let hammer = || (0..1_000).filter(|_| admit(&gate, &tool).is_ok()).count();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(hammer)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(admitted, 1_000);
}

proptest! {
    /// D5: no 60 seconds, wherever they begin, hold more calls than allowed.
    #[test]
    fn no_minute_anywhere_holds_more_calls_than_allowed(
        limit in 1_u32..8,
        steps in proptest::collection::vec(0_u64..20_000, 1..200),
    ) {
        let (gate, clock) = fake();
        let tool = limited(0, Some(limit));
        let (mut now, mut model): (u64, Vec<u64>) = (0, Vec::new());
        for step in steps {
            now += step;
            clock.advance(Duration::from_millis(step));
            let recent = model.iter().filter(|at| now - **at < 60_000).count();
            let room = recent < limit as usize;
            prop_assert_eq!(admit(&gate, &tool).is_ok(), room);
            if room {
                model.push(now);
            }
        }
    }
}

#[test]
fn a_grant_is_for_whom_it_names() {
    let gate = Gate::builder()
        .allow(["list"])
        .allow_uid(1_000)
        .grant(Grantee::Uid(1_000), ["read"])
        .grant(Grantee::Gid(100), ["read", "write"])
        .grant(Grantee::Verified("uid:1000".into()), ["admin"])
        .build();
    let all = hello("uid:1000", &["admin", "list", "read", "root", "write"]);
    let granted = |peer: Option<(u32, u32)>| {
        let peer = peer.map(|(uid, gid)| PeerCredentials {
            uid,
            gid,
            pid: None,
        });
        gate.hello(&gate.connect(peer).unwrap(), &all).unwrap()
    };
    let shown = |identity: &Identity| identity.capabilities().to_string();
    assert_eq!(shown(&granted(None)), "list");
    assert_eq!(shown(&granted(Some((1_000, 1)))), "admin, list, read");
    assert_eq!(shown(&granted(Some((own_uid(), 100)))), "list, read, write");
    let both = granted(Some((1_000, 100)));
    let by: Vec<_> = both.granted_by("read").map(ToString::to_string).collect();
    assert_eq!(by, ["uid:1000", "gid:100"]);
    let named: Vec<_> = both.grants().iter().map(Grant::capability).collect();
    assert_eq!(named, ["admin", "list", "read", "read", "write"]);
}
