//! What each caller has used, and each caller of each tool.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::caller_key::CallerKey;
use super::few_groups::FewGroups;
use super::settings::Settings;
use super::{LENGTH, Usage};
use crate::refusal::Scope;

const SHARDS: usize = 64;

/// How many of a shard are kept before the idle ones are looked for.
const FIRST_SWEEP: usize = 64;

/// How often all of them are looked through when there is no room.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// What callers have used. All that is kept of one caller lies in one shard,
/// under one lock. A caller without a call in the last minute is the same as
/// one never seen, so dropping it gives nobody a fresh allowance; others are
/// never dropped.
#[derive(Debug)]
pub(super) struct Callers {
    shards: Vec<Mutex<Shard>>,
    tools: [RandomState; 2],
    held: AtomicUsize,
    /// Nanoseconds of the gate's clock.
    next_sweep: AtomicU64,
}

/// The boxes keep the table small, which is up to half empty.
type Windows = HashMap<CallerKey, Box<FewGroups>, BuildHasherDefault<AsItIs>>;

#[derive(Debug, Default)]
struct Shard {
    windows: Windows,
    sweep_at: usize,
}

/// Keys are hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }
}

/// A limit that was reached: which, how many it allows, how long to wait.
pub(super) type Reached = (Scope, u32, Option<Duration>);

/// A limit that a call counts against.
struct Count {
    scope: Scope,
    limit: u32,
    key: CallerKey,
}

/// Room for one call within all of its caller's limits, which no other call of
/// the caller takes meanwhile.
pub(super) struct Allowance<'a> {
    callers: &'a Callers,
    shard: MutexGuard<'a, Shard>,
    counts: [Option<Count>; 2],
    now: Duration,
}

impl Default for Callers {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            tools: Default::default(),
            held: AtomicUsize::new(0),
            next_sweep: AtomicU64::new(0),
        }
    }
}

impl Callers {
    /// Room for one call within all of a caller's limits.
    pub(super) fn reserve(
        &self,
        caller: CallerKey,
        tool_id: &str,
        settings: &Settings,
        now: Duration,
    ) -> Result<Allowance<'_>, Reached> {
        let limits = self.counts(caller, tool_id, settings);
        let counts = || limits.iter().flatten();
        let mut shard = self.shard(caller);
        let missing = counts().filter(|it| !shard.windows.contains_key(&it.key));
        let missing = missing.count();
        if missing > 0 {
            let tracked = settings.tracked_callers();
            if self.held.load(Ordering::Relaxed) + missing > tracked {
                drop(shard);
                self.make_room(missing, tracked, now)?;
                shard = self.shard(caller);
            }
            self.sweep_grown(&mut shard, now);
        }
        for it in counts() {
            if let Some(window) = shard.windows.get_mut(&it.key) {
                let room = window.room(it.limit, now);
                room.map_err(|wait| (it.scope, it.limit, wait))?;
            }
        }
        Ok(Allowance {
            callers: self,
            shard,
            counts: limits,
            now,
        })
    }

    /// What a call would count against, how many calls each has counted, and
    /// how long it would wait. Nothing is counted.
    pub(super) fn look(
        &self,
        caller: CallerKey,
        tool_id: &str,
        settings: &Settings,
        now: Duration,
    ) -> Vec<Usage> {
        let counts = self.counts(caller, tool_id, settings);
        let mut shard = self.shard(caller);
        let looked_at =
            counts
                .into_iter()
                .flatten()
                .map(|it| match shard.windows.get_mut(&it.key) {
                    Some(window) => {
                        let room = window.room(it.limit, now);
                        (it.scope, it.limit, window.len(now), room)
                    }
                    None => (it.scope, it.limit, 0, Ok(())),
                });
        looked_at.collect()
    }

    fn counts(&self, caller: CallerKey, tool_id: &str, settings: &Settings) -> [Option<Count>; 2] {
        let own = settings.caller_rate().map(|limit| Count {
            scope: Scope::CallerRate,
            limit: limit.get(),
            key: caller,
        });
        let of_tool = settings.caller_tool_rate().map(|limit| Count {
            scope: Scope::CallerToolRate,
            limit: limit.get(),
            key: self.pair(caller, tool_id),
        });
        [own, of_tool]
    }

    /// The key of this caller with this tool; of the tool alone where the
    /// caller is nobody.
    pub(super) fn pair(&self, caller: CallerKey, tool_id: &str) -> CallerKey {
        caller.with(self.tools.each_ref().map(|it| it.hash_one(tool_id)))
    }

    fn shard(&self, caller: CallerKey) -> MutexGuard<'_, Shard> {
        let shard = &self.shards[caller.spread(SHARDS)];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the idle ones of a shard that has doubled since the last time.
    fn sweep_grown(&self, shard: &mut Shard, now: Duration) {
        if shard.windows.len() >= shard.sweep_at.max(FIRST_SWEEP) {
            self.sweep(shard, now);
            shard.sweep_at = shard.windows.len() * 2;
        }
    }

    fn sweep(&self, shard: &mut Shard, now: Duration) {
        let before = shard.windows.len();
        shard.windows.retain(|_, window| window.len(now) > 0);
        let dropped = before - shard.windows.len();
        self.held.fetch_sub(dropped, Ordering::Relaxed);
        if shard.windows.capacity() > 4 * shard.windows.len().max(FIRST_SWEEP) {
            shard.windows.shrink_to_fit();
        }
    }

    /// Drops the idle ones everywhere, once a second at most.
    fn make_room(&self, missing: usize, tracked: usize, now: Duration) -> Result<(), Reached> {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let due = self.next_sweep.load(Ordering::Relaxed);
        if nanos(now) >= due {
            let next = nanos(now.saturating_add(SWEEP_EVERY));
            self.next_sweep.store(next, Ordering::Relaxed);
            for shard in &self.shards {
                let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                self.sweep(&mut shard, now);
            }
        }
        if self.held.load(Ordering::Relaxed) + missing <= tracked {
            return Ok(());
        }
        let limit = u32::try_from(tracked).unwrap_or(u32::MAX);
        Err((Scope::TrackedCallers, limit, Some(LENGTH)))
    }
}

impl Allowance<'_> {
    /// Counts the call against all of them.
    pub(super) fn take(mut self) {
        for it in self.counts.iter().flatten() {
            let window = self.shard.windows.entry(it.key).or_insert_with(|| {
                self.callers.held.fetch_add(1, Ordering::Relaxed);
                Box::default()
            });
            window.take(self.now);
        }
    }
}
