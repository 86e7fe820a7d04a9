//! Threads for tools that block, apart from the runtime's own.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a thread without work is kept.
const IDLE: Duration = Duration::from_secs(10);

/// How many calls may wait for each thread of the limit.
const WAITING_PER_THREAD: usize = 16;

/// Threads for tools that block: started when there is work, kept for ten
/// seconds without, never more than the limit.
///
/// A thread cannot be ended from outside. A tool that goes on after its call
/// was ended keeps its thread until it returns; while every thread is taken,
/// further calls wait for one until their own deadline, sixteen for each
/// thread, and more are refused. [`BlockingStats`] says how many there are.
/// They never keep the process from exiting.
#[derive(Clone, Debug)]
pub struct BlockingPool(Arc<Shared>);

/// What a [`BlockingPool`] is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockingStats {
    /// Threads that exist.
    pub threads: usize,
    /// Threads that run a tool.
    pub busy: usize,
    /// Of these, the ones whose call was answered without them.
    pub abandoned: usize,
    /// Calls that wait for a thread.
    pub waiting: usize,
}

#[derive(Debug)]
struct Shared {
    limit: NonZeroUsize,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    /// Each with its place, rising.
    queue: VecDeque<(u64, Job)>,
    next_place: u64,
    threads: usize,
    idle: usize,
    abandoned: usize,
}

/// Why a job was not taken.
#[derive(Debug)]
pub(super) enum PoolError {
    /// Too many wait already.
    Full,
    /// There is no thread, and none could be started.
    NoThread(std::io::Error),
}

pub(super) type Job = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("waiting", &self.queue.len())
            .field("threads", &self.threads)
            .field("idle", &self.idle)
            .field("abandoned", &self.abandoned)
            .finish()
    }
}

impl Default for BlockingPool {
    /// At most 64 threads.
    fn default() -> Self {
        Self::new(NonZeroUsize::MIN.saturating_add(63))
    }
}

impl BlockingPool {
    /// A pool of at most this many threads.
    pub fn new(limit: NonZeroUsize) -> Self {
        Self(Arc::new(Shared {
            limit,
            state: Mutex::default(),
            work: Condvar::new(),
        }))
    }

    /// What the pool is doing.
    pub fn stats(&self) -> BlockingStats {
        let state = self.0.state();
        BlockingStats {
            threads: state.threads,
            busy: state.threads - state.idle,
            abandoned: state.abandoned,
            waiting: state.queue.len(),
        }
    }

    /// Runs `job` on a thread of the pool, as soon as there is one. A job that
    /// finds nobody waiting for it any more should return at once. Returns its place, for [`withdraw`](Self::withdraw).
    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) -> Result<u64, PoolError> {
        let mut state = self.0.state();
        if state.queue.len() >= self.0.limit.get().saturating_mul(WAITING_PER_THREAD) {
            return Err(PoolError::Full);
        }
        let place = state.next_place;
        state.next_place += 1;
        state.queue.push_back((place, Box::new(job)));
        if state.queue.len() <= state.idle {
            self.0.work.notify_one();
            return Ok(place);
        }
        if state.threads < self.0.limit.get() {
            let shared = self.0.clone();
            let spawned = thread::Builder::new()
                .name("atd-blocking".to_owned())
                .spawn(move || shared.work());
            match spawned {
                Ok(_) => state.threads += 1,
                // Another thread will get to the job.
                Err(_) if state.threads > 0 => {}
                Err(error) => {
                    state.queue.pop_back();
                    return Err(PoolError::NoThread(error));
                }
            }
        }
        Ok(place)
    }

    /// Takes a job that no thread has begun back out of the queue.
    pub(super) fn withdraw(&self, place: u64) -> Option<Job> {
        let mut state = self.0.state();
        let at = state
            .queue
            .binary_search_by_key(&place, |(place, _)| *place)
            .ok()?;
        state.queue.remove(at).map(|(_, job)| job)
    }

    /// Counts a running job that nobody waits for any more, until the returned
    /// guard is dropped.
    pub(super) fn abandon(&self) -> Abandoned {
        self.0.state().abandoned += 1;
        Abandoned(self.0.clone())
    }
}

/// A running job that nobody waits for any more.
pub(super) struct Abandoned(Arc<Shared>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.state().abandoned -= 1;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some((_, job)) = state.queue.pop_front() {
                drop(state);
                // The job tells its own waiter of a panic; this keeps the
                // thread.
                if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
                    // Its own drop may panic as well.
                    std::mem::forget(panic);
                }
                state = self.state();
                continue;
            }
            state.idle += 1;
            let (woken, waited) = self
                .work
                .wait_timeout(state, IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}
