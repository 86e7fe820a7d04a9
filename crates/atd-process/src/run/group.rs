//! A program that this process itself ends, with its process group.

use std::io::PipeReader;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::ExitStatusExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::start::Attempt;
use super::{Ending, Exit, Ways};
use crate::error::ProgramError;
use crate::program::Program;

type Parts = (Option<ChildStdout>, Option<ChildStderr>, Ways);

pub(super) fn start(
    program: Program,
    attempt: &Attempt,
    stdin: Option<PipeReader>,
) -> Result<Parts, ProgramError> {
    let mut child = Command::new(attempt.file())
        .arg0(&program.program)
        .args(&program.args)
        .env_clear()
        .envs(program.whole_env())
        .current_dir(&program.working_dir)
        .stdin(stdin.map_or_else(Stdio::null, Stdio::from))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| attempt.failed(error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (tell_exit, exit) = oneshot::channel();
    let (tell_gone, gone) = oneshot::channel();
    let (ending, ended) = oneshot::channel();
    let group = Group::of(child);
    tokio::spawn(async move {
        // Whether anybody still wants to know is their affair.
        let _ = tell_exit.send(group.end(ended, program.limits.grace).await);
        drop(program.held);
        let _ = tell_gone.send(());
    });
    let ways = Ways {
        exit,
        gone,
        ending: Ending::Group(ending),
    };
    Ok((stdout, stderr, ways))
}

/// A program that leads a process group.
struct Group {
    leader: Child,
    /// Until the group was killed. The leader was not waited for before, so
    /// that its number is no other's.
    id: Option<Pid>,
}

impl Group {
    fn of(leader: Child) -> Self {
        let id = leader
            .id()
            .and_then(|id| Pid::from_raw(id.try_into().ok()?));
        Self { leader, id }
    }

    /// Waits for its end, or brings it about once `ended` is ready.
    async fn end(
        mut self,
        ended: oneshot::Receiver<()>,
        grace: Duration,
    ) -> Result<Exit, ProgramError> {
        // Cancelled: the leader was not waited for, and is below.
        let exited = tokio::select! {
            exited = self.leader.wait() => exited,
            _ = ended => {
                self.signal(Signal::TERM);
                match timeout(grace, self.leader.wait()).await {
                    Ok(exited) => exited,
                    Err(_) => {
                        self.kill();
                        self.leader.wait().await
                    }
                }
            }
        };
        // What it left behind. Numbers are given out in turn, so in the moment
        // since it was waited for, the group's went to nobody else.
        self.kill();
        exited.map(exit_of).map_err(ProgramError::Pipe)
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            // Gone, or all of it another user's by now: there is nothing to do.
            let _ = kill_process_group(id, signal);
        }
    }

    fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.id = None;
    }
}

impl Drop for Group {
    /// The runtime shuts down, so nobody waits for a grace to pass.
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Stopped,
    }
}
