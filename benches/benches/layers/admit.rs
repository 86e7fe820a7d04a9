//! The gate: may this caller call this tool now?
//!
//! Each iteration reads the requirement off the tool's definition, admits one
//! call and gives its permit back, as dispatch does:
//!
//! - `admit/no_limits`: a tool that asks for nothing.
//! - `admit/3_of_20_capabilities`: a tool that asks for three capabilities, by
//!   a caller who holds twenty.
//! - `admit/concurrency`: a tool with a limit on its calls at a time.
//! - `admit/concurrency_and_rate`: one with a limit on its calls a minute too.
//!   The gate keeps the time of each call of the last minute; the clock here
//!   runs 10,000 times as fast as the machine's, so that those are as many as
//!   for a tool that is called some 1,000 times a second, whose minute holds
//!   60,000, and not as many as this bench can make.
//! - `admit/all_of_it`: one with three capabilities of twenty and both limits.
//! - `admit/all_of_it_and_caller_rates`: the same, with limits on the caller's
//!   calls a minute, over all tools and of this one.
//!
//! How it stands beside bare limiters, and how it grows with threads, is in the
//! comparison: `gate/admit`, `gate/two_tools`, `gate/one_tool`.
//!
//! Left out: refusals.

use std::num::NonZeroU32;
use std::time::Duration;

use atd_runtime::gate::{Clock, MonotonicClock, Requirement};
use atd_runtime::proto::{Hello, ToolDefinition};
use atd_runtime::{Gate, Identity};
use criterion::{Criterion, criterion_group};

/// How much faster the gate's clock runs than the machine's.
const HASTE: u32 = 10_000;

#[derive(Debug, Default)]
struct Hasty(MonotonicClock);

impl Clock for Hasty {
    fn now(&self) -> Duration {
        self.0.now() * HASTE
    }
}

fn admit(c: &mut Criterion) {
    let held: Vec<_> = (0..20).map(|number| format!("scope{number}.use")).collect();
    let gate = Gate::builder()
        .allow(held.clone())
        .clock(Hasty::default())
        .build();
    let caller = hello(&gate, &held);
    assert_eq!(caller.capabilities().len(), held.len());

    let tool = |id| ToolDefinition::builder(id, "Does nothing.");
    let tools = [
        ("no_limits", tool("bench:gate.free").build()),
        (
            "3_of_20_capabilities",
            tool("bench:gate.guarded")
                .requires([&held[2], &held[9], &held[19]].map(String::as_str))
                .build(),
        ),
        (
            "concurrency",
            tool("bench:gate.narrow").max_concurrent(64).build(),
        ),
        (
            "concurrency_and_rate",
            tool("bench:gate.slow")
                .max_concurrent(64)
                .rate_limit_per_min(u32::MAX)
                .build(),
        ),
        ("all_of_it", demanding("bench:gate.all", &held)),
    ];

    let mut group = c.benchmark_group("admit");
    for (name, tool) in &tools {
        let admit_one = || gate.admit(&caller, &Requirement::of(tool));
        assert!(admit_one().is_ok(), "{name} is refused");
        group.bench_function(*name, |b| b.iter(admit_one));
        assert!(admit_one().is_ok(), "{name} was refused at last");
    }

    let mut limits = gate.limits();
    limits.caller_rate_per_min = NonZeroU32::new(u32::MAX);
    limits.caller_tool_rate_per_min = NonZeroU32::new(u32::MAX);
    gate.set_limits(limits);
    let tool = demanding("bench:gate.all", &held);
    group.bench_function("all_of_it_and_caller_rates", |b| {
        b.iter(|| gate.admit(&caller, &Requirement::of(&tool)));
    });
    group.finish();
}

/// A tool that asks for three of these capabilities and has both limits.
fn demanding(id: &str, held: &[String]) -> ToolDefinition {
    ToolDefinition::builder(id, "Does nothing.")
        .requires([&held[2], &held[9], &held[19]].map(String::as_str))
        .max_concurrent(64)
        .rate_limit_per_min(u32::MAX)
        .build()
}

fn hello(gate: &Gate, capabilities: &[String]) -> Identity {
    let hello = Hello {
        client_id: Some("bench".to_owned()),
        requested_capabilities: capabilities.iter().collect(),
        ..Hello::default()
    };
    gate.hello(&Identity::anonymous(), &hello)
        .expect("a hello like any other")
}

criterion_group!(benches, admit);
