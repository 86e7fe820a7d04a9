//! A gate on a fake clock, and callers whom it knows.

use std::num::NonZeroU32;
use std::time::Duration;

use atd_gate::{
    CallLimits, FakeClock, Gate, GateBuilder, Identity, PeerCredentials, Permit, Refusal,
    Requirement, Scope,
};
use atd_proto::ToolDefinition;

pub(crate) fn gate_for(users: u32, limits: CallLimits) -> (Gate, FakeClock) {
    let clock = FakeClock::default();
    let builder = Gate::builder().clock(clock.clone()).limits(limits);
    let gate = (0..users).fold(builder, GateBuilder::allow_uid);
    (gate.build(), clock)
}

pub(crate) fn user(gate: &Gate, uid: u32) -> Identity {
    let peer = PeerCredentials {
        uid,
        gid: 0,
        pid: None,
    };
    gate.connect(Some(peer)).unwrap()
}

pub(crate) fn nonzero(number: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(number)
}

/// Limits with one thing said.
pub(crate) fn limits(say: impl FnOnce(&mut CallLimits)) -> CallLimits {
    let mut limits = CallLimits::default();
    say(&mut limits);
    limits
}

pub(crate) fn tool(id: &str, max_concurrent: u32, per_min: Option<u32>) -> ToolDefinition {
    let tool = ToolDefinition::builder(id, "").max_concurrent(max_concurrent);
    match per_min {
        Some(calls) => tool.rate_limit_per_min(calls).build(),
        None => tool.build(),
    }
}

pub(crate) fn admit<'a>(
    gate: &'a Gate,
    caller: &Identity,
    tool: &ToolDefinition,
) -> Result<Permit<'a>, Refusal> {
    gate.admit(caller, &Requirement::of(tool))
}

/// The scope, the limit and the wait of a refusal.
pub(crate) fn reached(refusal: &Refusal) -> (Scope, u32, Option<Duration>) {
    match refusal {
        Refusal::RateLimited {
            scope,
            limit,
            retry_after,
        } => (*scope, *limit, *retry_after),
        other => panic!("{other}"),
    }
}
