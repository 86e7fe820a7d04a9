//! What a gate has at its heart: a rate and a number of places.

use std::hint::black_box;
use std::num::NonZeroU32;

use anyhow::{Result, ensure};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use super::Admits;

/// For two tools, each with limiters of its own.
pub(super) struct Limiters([Box<One>; 2]);

/// On cache lines of its own.
#[repr(align(128))]
struct One {
    rate: DefaultDirectRateLimiter,
    places: Semaphore,
}

impl Limiters {
    pub(super) fn new() -> Self {
        Self([(), ()].map(|()| {
            Box::new(One {
                rate: RateLimiter::direct(Quota::per_second(NonZeroU32::MAX)),
                places: Semaphore::new(64),
            })
        }))
    }
}

impl Admits for Limiters {
    fn admit(&self, tool: usize, calls: u64) -> Result<()> {
        let tool = &*self.0[tool];
        for _ in 0..calls {
            ensure!(tool.rate.check().is_ok(), "the rate is reached");
            drop(black_box(tool.places.try_acquire()?));
        }
        Ok(())
    }
}
