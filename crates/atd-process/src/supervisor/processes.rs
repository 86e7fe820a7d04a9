//! Processes that belong together, by `/proc`.

use std::collections::HashMap;
use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, pidfd_send_signal,
};

/// A process as `/proc` shows it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Process {
    id: i32,
    parent: i32,
    group: i32,
    session: i32,
    /// When it was started; with the id, this is of one process alone.
    started: u64,
    zombie: bool,
}

/// Sends signals to every process that descends from this one, but for those of
/// the group `but`. One that is forked meanwhile may be missed.
pub(super) fn signal_descendants(but: Option<Pid>, signals: &[Signal]) -> io::Result<()> {
    let but = but.map(|group| group.as_raw_nonzero().get());
    for process in descendants()? {
        if Some(process.group) != but {
            process.signal(signals);
        }
    }
    Ok(())
}

/// Kills every process of the session that `leader` began, in as many turns as
/// it takes to find none, and no more than `turns`.
pub(crate) fn kill_session(leader: i32, turns: usize) -> io::Result<()> {
    for _ in 0..turns {
        let mut processes = all()?;
        processes.retain(|process| process.session == leader && !process.zombie);
        if processes.is_empty() {
            break;
        }
        for process in processes {
            process.signal(&[Signal::KILL]);
        }
    }
    Ok(())
}

fn all() -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let id = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        processes.extend(id.and_then(Process::read));
    }
    Ok(processes)
}

fn descendants() -> io::Result<Vec<Process>> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all()? {
        children.entry(process.parent).or_default().push(process);
    }
    let mut parents = vec![getpid().as_raw_nonzero().get()];
    let mut found = Vec::new();
    while let Some(parent) = parents.pop() {
        let of_parent = children.remove(&parent).unwrap_or_default();
        parents.extend(of_parent.iter().map(|process| process.id));
        found.extend(of_parent);
    }
    found.retain(|process| !process.zombie);
    Ok(found)
}

impl Process {
    fn read(id: i32) -> Option<Self> {
        let stat = fs::read(format!("/proc/{id}/stat")).ok()?;
        Self::parse(id, &stat)
    }

    /// Reads `stat`: the id, the name in parentheses, the state, the parent, the
    /// group, the session, and as the 22nd field the start. The name may hold
    /// anything.
    fn parse(id: i32, stat: &[u8]) -> Option<Self> {
        let name_ends = stat.iter().rposition(|&byte| byte == b')')?;
        let rest = std::str::from_utf8(stat.get(name_ends + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        let started = fields.nth(15)?.parse().ok()?;
        Some(Self {
            id,
            parent,
            group,
            session,
            started,
            zombie: matches!(state, "Z" | "X"),
        })
    }

    /// Signals it, and never another that has its number by now: the handle is
    /// of whoever had the number when it was opened, which is this one if it
    /// still has it afterwards.
    fn signal(self, signals: &[Signal]) {
        let Some(id) = Pid::from_raw(self.id) else {
            return;
        };
        let handle = pidfd_open(id, PidfdFlags::empty());
        if Self::read(self.id).is_none_or(|now| now.started != self.started) {
            return;
        }
        for &signal in signals {
            // An error: it is gone, or another user's by now.
            let _ = match &handle {
                Ok(handle) => pidfd_send_signal(handle, signal),
                // Linux before 5.3.
                Err(Errno::NOSYS) => kill_process(id, signal),
                Err(gone) => Err(*gone),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_what_looks_like_the_end_of_it() {
        let stat = b"7 (a) S 1 (b\n) ) Z 42 7 6 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 99 1000 10";
        let process = Process::parse(7, stat);
        assert!(process.is_some_and(|it| it.parent == 42
            && it.group == 7
            && it.session == 6
            && it.started == 99
            && it.zombie));
        assert!(Process::parse(7, b"7 (cut) S 1").is_none());
    }
}
