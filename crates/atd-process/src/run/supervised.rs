//! A program that a supervisor ends, with all that descends from it.

use std::io::PipeReader;
use std::os::fd::OwnedFd;
use std::os::unix::net;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::start::{Attempt, pipe_failed};
use super::{Ending, Exit, Ways};
use crate::error::ProgramError;
use crate::program::Program;
use crate::supervisor::{Supervisor, Word, give_stdin, kill_session};

type Parts = (Option<ChildStdout>, Option<ChildStderr>, Ways);

/// Starts the supervisor, with a socket to it as its standard input. It says
/// there what becomes of the program, and ends it when the socket is closed,
/// however that comes to be.
pub(super) fn start(
    program: Program,
    attempt: Attempt,
    supervisor: &Supervisor,
    stdin: Option<&PipeReader>,
) -> Result<Parts, ProgramError> {
    let (ours, theirs) = net::UnixStream::pair().map_err(pipe_failed)?;
    give_stdin(&ours, stdin).map_err(pipe_failed)?;
    let mut child = Command::from(supervisor.command())
        .arg(program.limits.grace.as_millis().to_string())
        .arg(attempt.file())
        .arg(&program.program)
        .args(&program.args)
        .env_clear()
        .envs(program.whole_env())
        .current_dir(&program.working_dir)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| attempt.failed(error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    ours.set_nonblocking(true).map_err(pipe_failed)?;
    let (told, ending) = UnixStream::from_std(ours)
        .map_err(pipe_failed)?
        .into_split();
    let (tell_exit, exit) = oneshot::channel();
    let (tell_gone, gone) = oneshot::channel();
    let (tell_ended, ended) = oneshot::channel();
    let held = program.held;
    tokio::spawn(async move {
        // Cancelled: the supervisor says it later, and nobody listens.
        tokio::select! {
            // Whether anybody still wants to know is their affair.
            told = exit_told(told, &attempt) => drop(tell_exit.send(told)),
            _ = ended => {}
        }
        see_off(child).await;
        drop(held);
        let _ = tell_gone.send(());
    });
    let ways = Ways {
        exit,
        gone,
        ending: Ending::Supervised(ending, tell_ended),
    };
    Ok((stdout, stderr, ways))
}

/// How often a supervisor that is to end is told to go on, in case that its
/// program has stopped it.
const GOING_ON: Duration = Duration::from_millis(250);

/// Waits until the supervisor has ended, which it does when nothing of the
/// program is left.
async fn see_off(mut supervisor: Child) {
    // Not waited for before, so that its number is no other's.
    let id = supervisor.id().and_then(|id| i32::try_from(id).ok());
    let status = loop {
        if let Some(id) = supervisor.id().and_then(|_| Pid::from_raw(id?)) {
            let _ = kill_process(id, Signal::CONT);
        }
        if let Ok(status) = timeout(GOING_ON, supervisor.wait()).await {
            break status;
        }
    };
    if let (Some(id), false) = (id, status.is_ok_and(|status| status.success())) {
        // Somebody has killed it. What is left is found by the session.
        let _ = tokio::task::spawn_blocking(move || kill_session(id, 1_000)).await;
    }
}

/// What the supervisor says.
async fn exit_told(mut told: OwnedReadHalf, attempt: &Attempt) -> Result<Exit, ProgramError> {
    let mut bytes = [0; Word::LENGTH];
    let word = match told.read_exact(&mut bytes).await {
        Ok(_) => Word::read(bytes),
        Err(_) => None,
    };
    match word {
        Some(Word::Exited(code)) => Ok(Exit::Code(code)),
        Some(Word::Killed(signal)) => Ok(Exit::Signal(signal)),
        Some(Word::NotStarted(errno)) => {
            Err(attempt.failed(std::io::Error::from_raw_os_error(errno)))
        }
        None => Err(ProgramError::SupervisorLost),
    }
}
