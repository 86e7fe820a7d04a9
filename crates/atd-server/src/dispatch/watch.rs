//! The watchdog: names the async tool that does not give its worker back.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use tokio::runtime::Handle;

use super::STALL;

/// What each thread of the process is polling, if it is a tool.
static WORKERS: Mutex<Vec<Weak<Worker>>> = Mutex::new(Vec::new());

/// Numbers the watches of the process.
static NEXT_OWNER: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static WORKER: OwnWorker = OwnWorker::enrol();
}

/// What the watchdog sees of a thread.
#[derive(Debug, Default)]
struct Worker {
    /// Counts what has begun and ended on this thread, so that two looks can
    /// tell whether it is still the same. Odd while a tool is polled; only the
    /// thread itself writes it.
    moves: AtomicU64,
    /// What was polled last. The thread changes it before it makes `moves` odd,
    /// with the lock held for both.
    polled: Mutex<Option<Polled>>,
}

#[derive(Clone, Debug)]
struct Polled {
    owner: u64,
    tool_id: Arc<str>,
}

/// What the thread itself has of it.
struct OwnWorker {
    seen: Arc<Worker>,
    /// The same as `seen.polled`, to be compared with without the lock.
    last: RefCell<Option<Polled>>,
}

impl OwnWorker {
    fn enrol() -> Self {
        let seen = Arc::<Worker>::default();
        let mut workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|worker| worker.strong_count() > 0);
        workers.push(Arc::downgrade(&seen));
        Self {
            seen,
            last: RefCell::default(),
        }
    }

    /// Notes what is polled from now on. What the tool stands in whose poll
    /// this is, if it does in one, is given back.
    fn begin(&self, owner: u64, tool_id: &Arc<str>) -> Option<Polled> {
        let moves = self.seen.moves.load(Ordering::Relaxed);
        let is_it = |it: &Polled| it.owner == owner && Arc::ptr_eq(&it.tool_id, tool_id);
        let is_nested = moves % 2 == 1;
        // Mostly the tool that was polled before is polled again.
        if !is_nested && self.last.borrow().as_ref().is_some_and(is_it) {
            self.seen.moves.store(moves + 1, Ordering::Relaxed);
            return None;
        }
        let polled = Polled {
            owner,
            tool_id: tool_id.clone(),
        };
        let moves = moves + 1 + u64::from(is_nested);
        self.set(polled, moves).filter(|_| is_nested)
    }

    /// The poll has returned. It may have stood in another.
    fn end(&self, outer: Option<Polled>) {
        let moves = self.seen.moves.load(Ordering::Relaxed);
        match outer {
            None => self.seen.moves.store(moves + 1, Ordering::Relaxed),
            Some(outer) => drop(self.set(outer, moves + 2)),
        }
    }

    /// Another is polled. Gives back which was before.
    fn set(&self, now: Polled, moves: u64) -> Option<Polled> {
        let before = self.last.replace(Some(now.clone()));
        let mut polled = self.seen.polled();
        *polled = Some(now);
        self.seen.moves.store(moves, Ordering::Relaxed);
        before
    }
}

impl Worker {
    /// What is polled, and the number of that poll.
    fn look(&self) -> Option<(Polled, u64)> {
        let polled = self.polled();
        let moves = self.moves.load(Ordering::Relaxed);
        let polled = polled.as_ref().filter(|_| moves % 2 == 1)?;
        Some((polled.clone(), moves))
    }

    fn polled(&self) -> MutexGuard<'_, Option<Polled>> {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps book of which tool a worker is polling.
#[derive(Debug)]
pub(crate) struct Watch {
    owner: u64,
    stalls: Arc<Mutex<BTreeMap<String, u64>>>,
    /// One thread looks, however many sockets are served.
    dog: Mutex<Weak<Watchdog>>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            owner: NEXT_OWNER.fetch_add(1, Ordering::Relaxed),
            stalls: Arc::default(),
            dog: Mutex::default(),
        }
    }
}

/// Ends the polling when the poll returns, or unwinds.
struct Polling(Option<Polled>);

impl Drop for Polling {
    fn drop(&mut self) {
        let outer = self.0.take();
        let _ = WORKER.try_with(|worker| worker.end(outer));
    }
}

impl Watch {
    /// Runs a tool's future so that the watchdog sees each poll of it.
    pub(super) fn watched<T>(
        &self,
        tool_id: &Arc<str>,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> impl Future<Output = T> {
        std::future::poll_fn(move |cx| {
            let outer = WORKER.with(|worker| worker.begin(self.owner, tool_id));
            let _polling = Polling(outer);
            work.as_mut().poll(cx)
        })
    }

    /// How often each tool was found to hold its worker.
    pub(crate) fn stalls(&self) -> BTreeMap<String, u64> {
        self.stalls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The thread that looks. It ends soon after the last clone is dropped; it
/// holds nothing that anybody would wait for.
#[derive(Debug)]
pub(crate) struct Watchdog {
    _stop: mpsc::Sender<()>,
}

impl Watch {
    /// The thread, started where there is none. To be called on the runtime
    /// that it watches.
    pub(crate) fn dog(&self) -> std::io::Result<Arc<Watchdog>> {
        let mut dog = self.dog.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = dog.upgrade() {
            return Ok(running);
        }
        let started = Arc::new(self.start()?);
        *dog = Arc::downgrade(&started);
        Ok(started)
    }

    fn start(&self) -> std::io::Result<Watchdog> {
        let (stop, stopped) = mpsc::channel();
        let (owner, stalls) = (self.owner, self.stalls.clone());
        let runtime = Handle::current();
        thread::Builder::new()
            .name("atd-watchdog".to_owned())
            .spawn(move || {
                let mut seen = HashMap::new();
                while stopped.recv_timeout(STALL) == Err(RecvTimeoutError::Timeout) {
                    if look(owner, &stalls, &mut seen) {
                        // The worker that is held may be the one that waited
                        // for the sockets of all: a task from outside wakes
                        // another, which then waits in its place.
                        runtime.spawn(async {});
                    }
                }
            })?;
        Ok(Watchdog { _stop: stop })
    }
}

/// A poll seen twice, one look apart, is told once.
struct Seen {
    moves: u64,
    told: bool,
}

/// Whether a tool holds its worker.
fn look(
    owner: u64,
    stalls: &Mutex<BTreeMap<String, u64>>,
    seen: &mut HashMap<usize, Seen>,
) -> bool {
    let mut held = false;
    let workers: Vec<Arc<Worker>> = WORKERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
        .filter_map(Weak::upgrade)
        .collect();
    let mut now = HashMap::new();
    for worker in workers {
        let looked_at = worker.look();
        let Some((polled, moves)) = looked_at.filter(|(polled, _)| polled.owner == owner) else {
            continue;
        };
        let key = Arc::as_ptr(&worker) as usize;
        let before = seen.get(&key).filter(|before| before.moves == moves);
        let mut told = before.is_some_and(|before| before.told);
        held |= before.is_some();
        if before.is_some() && !told {
            told = true;
            let tool_id = &polled.tool_id;
            tracing::warn!(
                %tool_id,
                "an async tool has held its worker for over {} ms; one that blocks should be \
                 registered as a blocking tool",
                STALL.as_millis()
            );
            let mut stalls = stalls.lock().unwrap_or_else(PoisonError::into_inner);
            *stalls.entry(tool_id.to_string()).or_default() += 1;
        }
        now.insert(key, Seen { moves, told });
    }
    *seen = now;
    held
}
