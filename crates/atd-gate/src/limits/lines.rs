//! Calls that wait for a limit instead of being refused.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::caller_key::CallerKey;
use crate::refusal::Scope;

/// One limit for which calls wait in one line: what it counts, and of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    pub(super) scope: Scope,
    /// Of the tool, the caller or both; nobody's for the whole server.
    pub(super) key: CallerKey,
}

/// When a call came, among those that wait. A call that has not waited came
/// last.
pub(super) type Arrival = u64;

/// Every line. Who came first goes first, in whichever line it stands: a call
/// that is let past one limit and finds another reached stands in that one's
/// line where it would be, had it stood there from the beginning. So the one
/// that waits longest is held up by limits alone, and never by who waits.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// How many calls wait in all of them: every call looks at it, and at
    /// nothing else while it is 0.
    waiting: AtomicUsize,
    /// How many ever began to wait, and how many of these were let in.
    begun: AtomicU64,
    admitted: AtomicU64,
    standing: Mutex<HashMap<Line, BTreeMap<Arrival, Arc<Notify>>>>,
}

/// How calls waited for limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waits {
    /// Calls that wait now.
    pub waiting: u64,
    /// Calls that began to wait.
    pub begun: u64,
    /// Calls that were let through after they had waited.
    pub admitted: u64,
}

impl Waits {
    /// Calls that waited and were not let through: their time was over, their
    /// client left, or another limit was reached.
    pub fn in_vain(&self) -> u64 {
        self.begun.saturating_sub(self.admitted + self.waiting)
    }
}

/// How many may wait, in one line and in all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    pub(super) in_one: usize,
    pub(super) in_all: usize,
}

/// A place in a line. Dropping it leaves the line and lets the next one see
/// whether its turn has come.
#[derive(Debug)]
pub(crate) struct Ticket {
    lines: Arc<Lines>,
    line: Line,
    pub(super) arrived: Arrival,
    woken: Arc<Notify>,
    is_admitted: bool,
}

type Standing = HashMap<Line, BTreeMap<Arrival, Arc<Notify>>>;

impl Line {
    /// For a place among the calls in flight over the whole server.
    pub(super) const SERVER: Self = Self {
        scope: Scope::ServerConcurrency,
        key: CallerKey::NOBODY,
    };
}

impl Lines {
    /// Sequentially consistent, as are the changes of what is waited for: who
    /// begins to wait looks once more whether there is room, and who makes room
    /// looks whether somebody waits; one of them sees the other.
    pub(super) fn somebody_waits(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// How many wait in this line.
    pub(super) fn length(&self, line: Line) -> usize {
        self.standing().get(&line).map_or(0, BTreeMap::len)
    }

    pub(super) fn waits(&self) -> Waits {
        // They change under the lock alone, so that each call is seen once.
        let _standing = self.standing();
        Waits {
            admitted: self.admitted.load(Ordering::Relaxed),
            waiting: self.waiting.load(Ordering::Relaxed) as u64,
            begun: self.begun.load(Ordering::Relaxed),
        }
    }

    /// The first of these in which somebody stands who came before.
    pub(super) fn held_up_in(
        &self,
        lines: impl IntoIterator<Item = Line>,
        arrived: Arrival,
    ) -> Option<Line> {
        let standing = self.standing();
        let first = |line: &Line| standing.get(line)?.keys().next().copied();
        let mut lines = lines.into_iter();
        lines.find(|line| first(line).is_some_and(|first| first < arrived))
    }

    /// A place at the end of a line, unless there are too many in it.
    pub(super) fn join(self: &Arc<Self>, line: Line, most: Most) -> Option<Ticket> {
        let mut standing = self.standing();
        let waiting = self.waiting.load(Ordering::SeqCst);
        if waiting >= most.in_all || is_full(&standing, line, most) {
            return None;
        }
        let woken = Arc::new(Notify::new());
        let arrived = self.begun.fetch_add(1, Ordering::Relaxed);
        standing
            .entry(line)
            .or_default()
            .insert(arrived, woken.clone());
        self.waiting.fetch_add(1, Ordering::SeqCst);
        drop(standing);
        Some(Ticket {
            lines: self.clone(),
            line,
            arrived,
            woken,
            is_admitted: false,
        })
    }

    /// There may be room now for who stands first in this line, if anybody
    /// does.
    ///
    /// Whoever tries a limit and gives its place back since another one is
    /// reached says so too: who stands first may have tried meanwhile, and
    /// found it taken. It stands in the line of that other limit itself, so it
    /// never wakes itself again and again.
    #[inline]
    pub(super) fn there_is_room(&self, line: Line) {
        if self.somebody_waits() {
            self.wake(line);
        }
    }

    #[cold]
    fn wake(&self, line: Line) {
        wake_first(&self.standing(), line);
    }

    /// There may be room now in any of them.
    pub(super) fn wake_all(&self) {
        let standing = self.standing();
        standing
            .keys()
            .for_each(|line| wake_first(&standing, *line));
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_full(standing: &Standing, line: Line, most: Most) -> bool {
    let length = standing.get(&line).map_or(0, BTreeMap::len);
    length >= most.in_one
}

fn wake_first(standing: &Standing, line: Line) {
    let first = standing.get(&line).and_then(|it| it.values().next());
    first.inspect(|woken| woken.notify_one());
}

/// Takes one out, and wakes who is first then: whoever left may have been, and
/// may have been woken without using the room that there was.
fn leave(standing: &mut Standing, line: Line, arrived: Arrival) {
    let Some(others) = standing.get_mut(&line) else {
        return;
    };
    others.remove(&arrived);
    if others.is_empty() {
        standing.remove(&line);
    } else {
        wake_first(standing, line);
    }
}

impl Ticket {
    pub(crate) fn stands_in(&self, line: Line) -> bool {
        self.line == line
    }

    /// Leaves its line for another, unless there are too many in that one.
    pub(super) fn move_to(&mut self, line: Line, most: Most) -> bool {
        let mut standing = self.lines.standing();
        if is_full(&standing, line, most) {
            return false;
        }
        leave(&mut standing, self.line, self.arrived);
        let others = standing.entry(line).or_default();
        others.insert(self.arrived, self.woken.clone());
        self.line = line;
        true
    }

    /// Waits until there may be room, or for so long.
    ///
    /// Cancelled: nothing is lost, the next wait ends at once where this one
    /// would have.
    pub(crate) async fn wait(&self, longest: Duration) {
        // Either way its holder looks whether its turn has come.
        let _ = timeout(longest, self.woken.notified()).await;
    }

    /// The call was let in.
    pub(crate) fn admitted(mut self) {
        self.is_admitted = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut standing = self.lines.standing();
        leave(&mut standing, self.line, self.arrived);
        self.lines.waiting.fetch_sub(1, Ordering::SeqCst);
        let admitted = u64::from(self.is_admitted);
        self.lines.admitted.fetch_add(admitted, Ordering::Relaxed);
    }
}
