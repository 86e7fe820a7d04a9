//! Waiting for an event of one's own to be settled.
//!
//! The writer thread wakes one of those who wait for a batch, and that one all the
//! others with one system call: meanwhile the writer thread is at the disk
//! again. None of them takes the lock of the queue, under which others report
//! their next event.

use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Queue;
use crate::timestamp::monotonic;

/// A line in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::json_lines) struct Ticket {
    /// It is settled when so many are.
    pub(super) number: u64,
    /// With which batch the writer thread takes it.
    pub(super) batch: u64,
}

/// How many events are settled, for those who wait until theirs is.
#[derive(Default)]
pub(super) struct Tally {
    known: Mutex<Known>,
    grown: [Condvar; SIDES],
}

/// Those who wait for a batch that is being written, and those who wait for the
/// one after it: who wakes the ones lets the others sleep. A batch is settled
/// before the next one is taken.
const SIDES: usize = 2;

#[derive(Default)]
struct Known {
    settled: u64,
    sides: [Side; SIDES],
}

#[derive(Default)]
struct Side {
    waiting: u64,
    /// Whoever of them gets up first is to wake the others.
    is_called: bool,
}

fn side_of(batch: u64) -> usize {
    (batch % SIDES as u64) as usize
}

impl Tally {
    /// So many events are settled, the last of them in this batch.
    pub(super) fn reach(&self, settled: u64, batch: u64) {
        let at = side_of(batch);
        let mut known = self.lock();
        if known.settled == settled {
            return;
        }
        known.settled = settled;
        let side = &mut known.sides[at];
        // To wake nobody takes a system call too.
        side.is_called = side.waiting > 0;
        let is_called = side.is_called;
        let late = self.late(&mut known, |other| other != at);
        drop(known);
        if is_called {
            self.grown[at].notify_one();
        }
        late.into_iter().flatten().for_each(Condvar::notify_all);
    }

    /// Wakes those who are asleep because the one who was to wake them is: it may
    /// be long in coming.
    pub(super) fn wake_the_late(&self) {
        let late = self.late(&mut self.lock(), |_| true);
        late.into_iter().flatten().for_each(Condvar::notify_all);
    }

    fn late(&self, known: &mut Known, of: impl Fn(usize) -> bool) -> [Option<&Condvar>; SIDES] {
        std::array::from_fn(|at| {
            let is_late = of(at) && mem::take(&mut known.sides[at].is_called);
            is_late.then(|| &self.grown[at])
        })
    }

    /// Nothing more becomes of any event.
    pub(super) fn end(&self) {
        self.lock().settled = u64::MAX;
        self.grown.iter().for_each(Condvar::notify_all);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Waits until this line is settled, no longer than `at_most`.
    pub(in crate::json_lines) fn wait_for(&self, ticket: Ticket, at_most: Option<Duration>) {
        let until = at_most.and_then(|limit| monotonic().checked_add(limit));
        let (tally, at) = (&self.tally, side_of(ticket.batch));
        let mut known = tally.lock();
        known.sides[at].waiting += 1;
        while known.settled < ticket.number {
            let left = until.map(|until| until.saturating_duration_since(monotonic()));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            known = match left {
                None => tally.grown[at].wait(known),
                Some(left) => match tally.grown[at].wait_timeout(known, left) {
                    Ok((known, _)) => Ok(known),
                    Err(poisoned) => Ok(poisoned.into_inner().0),
                },
            }
            .unwrap_or_else(PoisonError::into_inner);
            if mem::take(&mut known.sides[at].is_called) {
                drop(known);
                tally.grown[at].notify_all();
                known = tally.lock();
            }
        }
        known.sides[at].waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, sync::mpsc, thread};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Two wait for an event that is settled, and who of them was to wake the
    /// other does not come; then this happens.
    fn both_return_after(happens: impl FnOnce(&Tally)) {
        let queue = Queue::new(NonZeroUsize::MIN);
        let (returned, returns) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..2 {
                let (queue, returned) = (&queue, returned.clone());
                scope.spawn(move || {
                    let (number, batch) = (1, 0);
                    queue.wait_for(Ticket { number, batch }, None);
                    returned.send(()).unwrap();
                });
            }
            while queue.tally.lock().sides[0].waiting < 2 {
                thread::yield_now();
            }
            let mut known = queue.tally.lock();
            known.settled = 1;
            known.sides[0].is_called = true;
            drop(known);
            happens(&queue.tally);
            let both = [0; 2].map(|_| returns.recv_timeout(PATIENCE));
            // Before it is judged, so that nobody is waited for in vain.
            queue.tally.end();
            assert!(both.iter().all(Result::is_ok), "{both:?}");
        });
    }

    #[test]
    fn who_is_not_woken_in_time_is_woken_before_the_writer_sleeps() {
        both_return_after(Tally::wake_the_late);
    }

    #[test]
    fn who_is_not_woken_in_time_is_woken_with_the_next_batch() {
        both_return_after(|tally| tally.reach(2, 1));
    }
}
