//! The calls that were started and are not on record yet, on disk.
//!
//! A journal is a file of lines. Each is the line that the log is to have for
//! a call if nothing else becomes known of it. The file is made anew without
//! the calls that are on record whenever it has grown.

mod recover;

use std::{
    collections::HashMap,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

pub(super) use self::recover::recover;
use super::{
    file::{Disk, Handle, open_locked},
    line::call_id,
    lines::Span,
};
use crate::{AuditError, segments};

/// The file is made anew when it has grown to this many bytes, and to twice what
/// it was then.
const LARGE: u64 = 8 * 1024 * 1024;

pub(super) struct Journal {
    path: PathBuf,
    disk: Disk,
    state: Mutex<State>,
    /// Who waits for a commit, or to make one, waits here.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    calls: HashMap<CallId, Call>,
    /// Empty when the file is to be made anew before it is written to.
    file: Option<Handle>,
    length: u64,
    /// Lines that are to be appended to the file.
    pending: Vec<u8>,
    /// Starts ever taken, on disk, and refused; each counts those before it.
    taken: u64,
    committed: u64,
    failed: u64,
    error: Option<Arc<io::Error>>,
    is_committing: bool,
    /// The length from which on the file is made anew.
    large: u64,
    /// No more calls are started.
    is_closed: bool,
}

/// A call's id as it stands in a line.
type CallId = Box<[u8]>;

struct Call {
    /// Counts the starts: the file holds the calls in this order.
    number: u64,
    line: Box<[u8]>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A place in the queue is kept for its event.
    Started,
    /// Its event is in the queue.
    Ended,
    /// Its event is on record, and on disk after the log's next sync.
    Recorded,
    /// Its event was on record when the log could not be synced: whether it
    /// still is, the next opening finds out.
    InDoubt,
}

impl Journal {
    /// The journal at `path`, of which `calls` are left that are to be put on
    /// record now.
    pub(super) fn open(path: &Path, disk: Disk, calls: &[Vec<u8>]) -> io::Result<Self> {
        let file = open_locked(&disk, path)?;
        let call = |(number, line): (u64, &Vec<u8>)| {
            let call = Call {
                number,
                line: line.as_slice().into(),
                phase: Phase::Ended,
            };
            (call_id(line).into(), call)
        };
        let mut state = State {
            calls: (0..).zip(calls).map(call).collect(),
            taken: calls.len() as u64,
            committed: calls.len() as u64,
            large: LARGE,
            ..State::default()
        };
        let lines = state.lines();
        let journal = Self {
            path: path.to_owned(),
            disk,
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        // The old file stays locked until the new one is in its place.
        state.length = lines.len() as u64;
        state.file = Some(journal.make_anew(&lines)?);
        drop(file);
        *journal.lock() = state;
        Ok(journal)
    }

    /// Puts the start of a call on disk, together with those that are started
    /// at the same time. A start that is refused says whether the place that was
    /// kept for its event is still free.
    pub(super) fn start(&self, line: &[u8]) -> Result<(), (AuditError, bool)> {
        let id = call_id(line);
        let mut state = self.lock();
        if state.is_closed {
            return Err((AuditError::Ended, true));
        }
        let is_over = |call: &Call| call.phase == Phase::Recorded;
        if !state.calls.get(id).is_none_or(is_over) {
            return Err((AuditError::AlreadyStarted, true));
        }
        let call = Call {
            number: state.taken,
            line: line.into(),
            phase: Phase::Started,
        };
        state.calls.insert(id.into(), call);
        state.pending.extend_from_slice(line);
        state.taken += 1;
        let mine = state.taken;
        loop {
            if state.committed >= mine {
                return Ok(());
            }
            if state.failed >= mine {
                let refused = state.calls.remove(id);
                let is_free = refused.is_some_and(|call| call.phase == Phase::Started);
                let source = state.error.clone();
                let source = source.unwrap_or_else(|| Arc::new(io::Error::other("it failed")));
                return Err((AuditError::Journal { source }, is_free));
            }
            state = if state.is_committing {
                self.wait(state)
            } else {
                self.commit(state)
            };
        }
    }

    /// The event of a call goes into the queue; whether a place was kept there.
    pub(super) fn end(&self, line: &[u8]) -> bool {
        let mut state = self.lock();
        match state.calls.get_mut(call_id(line)) {
            Some(call) if call.phase == Phase::Started => {
                call.phase = Phase::Ended;
                true
            }
            _ => false,
        }
    }

    /// The events in `lines` are on record.
    pub(super) fn recorded(&self, lines: Span<'_>) {
        let mut state = self.lock();
        for line in lines.each() {
            if let Some(call) = state.calls.get_mut(call_id(line)) {
                // A call that has just begun under the same id is another.
                if call.phase == Phase::Ended {
                    call.phase = Phase::Recorded;
                }
            }
        }
    }

    /// The log could not be synced: what was written since the last time it
    /// was may be lost.
    pub(super) fn doubt(&self) {
        for call in self.lock().calls.values_mut() {
            if call.phase == Phase::Recorded {
                call.phase = Phase::InDoubt;
            }
        }
    }

    pub(super) fn is_large(&self) -> bool {
        let state = self.lock();
        state.length >= state.large
    }

    /// Makes the file anew without the calls that are on record. The log has
    /// just been synced.
    pub(super) fn shrink(&self) -> io::Result<()> {
        let mut state = self.lock();
        while state.is_committing {
            state = self.wait(state);
        }
        state.calls.retain(|_, call| call.phase != Phase::Recorded);
        state.file = None;
        let mut state = self.commit(state);
        state.large = LARGE.max(2 * state.length);
        match &state.error {
            Some(error) if state.file.is_none() => Err(io::Error::new(error.kind(), error.clone())),
            _ => Ok(()),
        }
    }

    /// Takes no more starts. If the log has just been synced, the file is made
    /// anew with the calls that are not on record, and deleted if there is none.
    pub(super) fn close(&self, is_synced: bool) -> io::Result<()> {
        let mut state = self.lock();
        state.is_closed = true;
        while state.is_committing {
            state = self.wait(state);
        }
        let mut calls = state.calls.values();
        let is_empty = calls.all(|call| call.phase == Phase::Recorded);
        drop(state);
        let closed = match (is_synced, is_empty) {
            (true, true) => self.disk.remove(&self.path),
            (true, false) => self.shrink(),
            (false, _) => Ok(()),
        };
        // With the file goes the lock.
        self.lock().file = None;
        closed
    }

    /// Puts everything that is pending on disk. The lock is let go meanwhile,
    /// and who comes then waits for the next turn.
    fn commit<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.is_committing = true;
        let upto = state.taken;
        let pending = std::mem::take(&mut state.pending);
        let file = state.file.take();
        // A file that is made anew holds all the calls there are.
        let lines = if file.is_some() {
            pending
        } else {
            state.length = 0;
            state.lines()
        };
        drop(state);
        let result = match file {
            Some(mut file) => append(&mut file, &lines).map(|()| file),
            None => self.make_anew(&lines),
        };
        let mut state = self.lock();
        state.is_committing = false;
        match result {
            Ok(file) => {
                state.file = Some(file);
                state.length += lines.len() as u64;
                state.committed = upto;
            }
            Err(error) => {
                state.error = Some(Arc::new(error));
                state.failed = upto;
            }
        }
        self.changed.notify_all();
        state
    }

    /// A file with these lines in the place of the one before.
    fn make_anew(&self, lines: &[u8]) -> io::Result<Handle> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".next");
        let next = self.path.with_file_name(name);
        self.disk.remove(&next)?;
        let mut file = self.disk.create(&next)?;
        file.lock(&self.path)?;
        append(&mut file, lines)?;
        self.disk.rename(&next, &self.path)?;
        self.disk.sync_directory(segments::directory(&self.path))?;
        Ok(file)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A poisoned lock is taken all the same: no code that holds it leaves the
    /// state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The lines of all the calls that are not on record.
    fn lines(&self) -> Vec<u8> {
        let calls = self.calls.values();
        let mut calls: Vec<&Call> = calls.filter(|it| it.phase != Phase::Recorded).collect();
        calls.sort_by_key(|call| call.number);
        calls
            .iter()
            .flat_map(|call| call.line.iter().copied())
            .collect()
    }
}

fn append(file: &mut Handle, lines: &[u8]) -> io::Result<()> {
    file.write_all(lines)?;
    loop {
        match file.sync() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            synced => return synced,
        }
    }
}
