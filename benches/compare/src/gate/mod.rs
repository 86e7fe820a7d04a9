//! The gate: may this caller call this tool now?
//!
//! One call is admitted and its permit given back, again and again: of a tool
//! that asks for three of the caller's twenty capabilities and has limits on
//! its calls at a time and its calls a minute.
//!
//! - `gate/admit`: beside bare limiters, a check of governor's and a permit of
//!   tokio's semaphore taken and given back.
//! - `gate/two_tools`, `gate/one_tool`: ours alone, two threads with a tool each
//!   and two with one tool, beside one thread.
//! - `gate/two_limiters`: what `gate/two_tools` is to be held against: two
//!   threads that share nothing, each with bare limiters of its own, beside one.
//!   This much the machine gives.
//!
//! The gate keeps the time of each call of the last minute. Its clock runs
//! 10,000 times as fast as the machine's, so that those are as many as for a
//! tool that is called some 1,000 times a second.

mod limiters;
mod ours;

use std::sync::Barrier;
use std::thread;

use anyhow::{Context, Result};

use self::limiters::Limiters;
use self::ours::Ours;
use crate::clock::now;
use crate::measure::{Case, Measure, Named, Round, Subject};
use crate::names::{LIMITERS, ONE_LIMITER, ONE_THREAD, OURS, TWO_LIMITERS, TWO_THREADS};

/// What admits calls, from any number of threads.
trait Admits: Sync {
    /// Admits so many calls of the tool with this number.
    fn admit(&self, tool: usize, calls: u64) -> Result<()>;
}

/// The cases of the gate.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name, shown, subjects: fn() -> Result<Vec<Named>>| {
        Case::new(name, [shown], move |_| subjects())
    };
    vec![
        case("gate/admit", Measure::Time, || {
            Ok(vec![
                Named::new(OURS, Threads::new(Ours::new()?, &[0])),
                Named::new(LIMITERS, Threads::new(Limiters::new(), &[0])),
            ])
        }),
        case("gate/two_tools", Measure::Rate, || ours_on(&[0, 1])),
        case("gate/one_tool", Measure::Rate, || ours_on(&[0, 0])),
        case("gate/two_limiters", Measure::Rate, || {
            Ok(vec![
                Named::new(TWO_LIMITERS, Threads::new(Limiters::new(), &[0, 1])),
                Named::new(ONE_LIMITER, Threads::new(Limiters::new(), &[0])),
            ])
        }),
    ]
}

/// Ours with threads on these tools beside ours with one.
fn ours_on(tools: &'static [usize]) -> Result<Vec<Named>> {
    Ok(vec![
        Named::new(TWO_THREADS, Threads::new(Ours::new()?, tools)),
        Named::new(ONE_THREAD, Threads::new(Ours::new()?, &[0])),
    ])
}

/// A thread for each of these tools, all of which begin at once.
struct Threads<A> {
    gate: A,
    tools: &'static [usize],
}

impl<A: Admits> Threads<A> {
    fn new(gate: A, tools: &'static [usize]) -> Self {
        Self { gate, tools }
    }
}

impl<A: Admits> Subject for Threads<A> {
    fn measure(&mut self, work: u64) -> Result<Round> {
        let begin = Barrier::new(self.tools.len() + 1);
        let each = work.div_ceil(self.tools.len() as u64);
        thread::scope(|scope| {
            let admit = |tool| {
                begin.wait();
                self.gate.admit(tool, each)
            };
            let threads: Vec<_> = self
                .tools
                .iter()
                .map(|tool| scope.spawn(move || admit(*tool)))
                .collect();
            begin.wait();
            let began = now();
            for thread in threads {
                thread.join().ok().context("a thread panicked")??;
            }
            let done = each * self.tools.len() as u64;
            Ok(Round::of(done, began.elapsed()))
        })
    }
}
