//! What calls in flight have to say to their connection.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use atd_proto::Progress;
use tokio::sync::Notify;

use crate::answer::Answer;

/// One call of a connection. Request ids come again; this does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    pub(super) serial: u64,
    pub(super) request_id: u64,
}

/// What a call has to say.
pub(super) enum Letter {
    Progress(Progress),
    Ended(Answer),
}

/// Letters that wait for the connection: of each call the latest progress and
/// its answer, so it holds no more than there are calls.
#[derive(Default)]
pub(super) struct Mailbox {
    letters: Mutex<Letters>,
    arrived: Notify,
}

#[derive(Default)]
struct Letters {
    progress: BTreeMap<Ticket, Progress>,
    ended: VecDeque<(Ticket, Answer)>,
}

impl Mailbox {
    /// How far the call has come. Takes the place of what it said before, if
    /// that has not been taken out.
    pub(super) fn progress(&self, of: Ticket, progress: Progress) {
        let first = self.letters().progress.insert(of, progress).is_none();
        if first {
            self.arrived.notify_one();
        }
    }

    /// The call's answer.
    pub(super) fn ended(&self, call: Ticket, answer: Answer) {
        self.letters().ended.push_back((call, answer));
        self.arrived.notify_one();
    }

    /// The next letter, and whose it is. What a call said before its answer
    /// comes before it.
    pub(super) fn take(&self) -> Option<(Ticket, Letter)> {
        let mut letters = self.letters();
        if let Some((call, answer)) = letters.ended.pop_front() {
            let Some(progress) = letters.progress.remove(&call) else {
                return Some((call, Letter::Ended(answer)));
            };
            letters.ended.push_front((call, answer));
            return Some((call, Letter::Progress(progress)));
        }
        let (call, progress) = letters.progress.pop_first()?;
        Some((call, Letter::Progress(progress)))
    }

    /// Waits until there may be a letter.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn letters(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
