//! One change of a file at a time.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::fs::patience::Patience;

/// How often somebody who waits for a turn asks whether the call goes on.
const ASK: Duration = Duration::from_millis(20);

/// The files that are being changed. There is one list a process: two roots
/// may hold the same file.
static TURNS: Turns = Turns {
    taken: Mutex::new(BTreeSet::new()),
    ended: Condvar::new(),
};

struct Turns {
    taken: Mutex<BTreeSet<PathBuf>>,
    ended: Condvar,
}

/// The turn of one who changes a file: nobody else of this process changes it
/// between his look at it and his change.
#[derive(Debug)]
pub(super) struct Turn {
    file: PathBuf,
}

impl Turn {
    /// Waits for the turn to change the file of this
    /// [name](crate::fs::root::FsRoot::name_of), until patience is over.
    pub(super) fn take(file: PathBuf, patience: &Patience<'_>) -> Option<Self> {
        let mut taken = TURNS.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.contains(&file) {
            if patience.is_over() {
                return None;
            }
            let waited = TURNS.ended.wait_timeout(taken, ASK);
            taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        taken.insert(file.clone());
        Some(Self { file })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = TURNS.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.file);
        TURNS.ended.notify_all();
    }
}
