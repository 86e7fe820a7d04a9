//! A tool's calls a minute, counted by many threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use atd_gate::Identity;
use proptest::prelude::*;

use super::world::*;

const THREADS: usize = 4;
const TRIES: usize = 400;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// D5: threads that meet in one tool are let through exactly as often as
    /// its limit says in any 60 seconds, also when it is changed meanwhile; and
    /// the wait that the last one is told is exact.
    #[test]
    fn d5_threads_share_exactly_the_rate_of_a_tool(
        rounds in prop::collection::vec((0_u64..25_000, 1_u32..2_000), 1..12),
    ) {
        let (gate, clock) = gate_for(0, limits(|_| ()));
        let (mut now, mut model): (u64, Vec<(u64, usize)>) = (0, Vec::new());
        for (step, limit) in rounds {
            now += step;
            clock.advance(Duration::from_millis(step));
            let asked = tool("a:b.c", 0, Some(limit));
            let admitted = AtomicUsize::new(0);
            let hammer = || {
                let admit_one = || admit(&gate, &Identity::anonymous(), &asked).is_ok();
                let let_in = (0..TRIES).filter(|_| admit_one()).count();
                admitted.fetch_add(let_in, Ordering::SeqCst);
            };
            thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(hammer))));

            let admitted = admitted.into_inner();
            model.retain(|(at, _)| now - at < 60_000);
            let inside: usize = model.iter().map(|(_, calls)| calls).sum();
            let free = (limit as usize).saturating_sub(inside);
            prop_assert_eq!(admitted, free.min(THREADS * TRIES));
            model.push((now, admitted));
            if let Err(refusal) = admit(&gate, &Identity::anonymous(), &asked) {
                let over = inside + admitted - limit as usize;
                let mut leaving = 0;
                let frees = model.iter().find(|(_, calls)| {
                    leaving += calls;
                    leaving > over
                });
                let leaves = frees.expect("a call that is inside").0 + 60_000 - now;
                prop_assert_eq!(reached(&refusal).2, Some(Duration::from_millis(leaves)));
            } else {
                model.push((now, 1));
            }
        }
    }
}
