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
//! - `admit/bare_limiters`: what `all_of_it` is to be held against: a check of
//!   governor's limiter, and a semaphore's permit taken and given back.
//!
//! `admit_threads` admits calls of `all_of_it`'s kind on one thread, on two
//! threads of a tool each, and on two of one tool. An iteration is one call on
//! each thread, so the same time for two threads is twice the throughput.
//! `bare_spin` is what that is to be held against: a hundred multiplications on
//! one thread and on two, which share nothing but the machine.
//!
//! Left out: refusals.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use atd_runtime::gate::{CallLimits, Clock, MonotonicClock, Requirement};
use atd_runtime::proto::{Hello, ToolDefinition};
use atd_runtime::{Gate, Identity};
use criterion::{Criterion, criterion_group};
use governor::{Quota, RateLimiter};
use tokio::sync::Semaphore;

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
    gate.set_limits(CallLimits::default());

    let limiter = RateLimiter::direct(Quota::per_second(NonZeroU32::MAX));
    let semaphore = Semaphore::new(64);
    group.bench_function("bare_limiters", |b| {
        b.iter(|| (limiter.check(), semaphore.try_acquire()));
    });
    group.finish();
    threads(c, &held);
}

/// A tool that asks for three of these capabilities and has both limits.
fn demanding(id: &str, held: &[String]) -> ToolDefinition {
    ToolDefinition::builder(id, "Does nothing.")
        .requires([&held[2], &held[9], &held[19]].map(String::as_str))
        .max_concurrent(64)
        .rate_limit_per_min(u32::MAX)
        .build()
}

fn threads(c: &mut Criterion, held: &[String]) {
    let tools = ["bench:gate.one", "bench:gate.two"].map(|id| demanding(id, held));
    let mut group = c.benchmark_group("admit_threads");
    for (name, of_threads) in [
        ("1_on_1_tool", &[0][..]),
        ("2_on_2_tools", &[0, 1]),
        ("2_on_1_tool", &[0, 0]),
    ] {
        let gate = Gate::builder().allow(held).clock(Hasty::default()).build();
        let caller = hello(&gate, held);
        let admit = |tool: usize, calls| {
            for _ in 0..calls {
                let admitted = gate.admit(&caller, &Requirement::of(&tools[tool]));
                assert!(admitted.is_ok(), "{name} is refused");
            }
        };
        group.bench_function(name, |b| {
            b.iter_custom(|calls| at_once(of_threads, |tool| admit(tool, calls)));
        });
    }
    for (name, of_threads) in [("bare_spin_1", &[0][..]), ("bare_spin_2", &[0, 0])] {
        group.bench_function(name, |b| {
            b.iter_custom(|rounds| at_once(of_threads, |_| spin(rounds)));
        });
    }
}

fn spin(rounds: u64) {
    for round in 0..rounds {
        let all = (0..100).fold(round, |so_far, _| black_box(so_far.wrapping_mul(5)));
        black_box(all);
    }
}

/// How long it takes until each thread has done its work, from the moment at
/// which all of them begin.
fn at_once(tools: &[usize], work: impl Fn(usize) + Sync) -> Duration {
    let begin = Barrier::new(tools.len() + 1);
    thread::scope(|scope| {
        let threads: Vec<_> = tools
            .iter()
            .map(|tool| {
                scope.spawn(|| {
                    begin.wait();
                    work(*tool);
                })
            })
            .collect();
        begin.wait();
        let began = now();
        for thread in threads {
            thread.join().expect("a thread that only admits");
        }
        began.elapsed()
    })
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
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
