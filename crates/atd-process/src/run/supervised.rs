//! A program that a supervisor ends, with all that descends from it.

use std::io::PipeReader;
use std::os::fd::OwnedFd;
use std::os::unix::net;
use std::process::Stdio;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::sync::oneshot;

use super::start::{Attempt, pipe_failed};
use super::{Ending, Exit, Ways};
use crate::error::ProgramError;
use crate::program::Program;
use crate::supervisor::{Supervisor, Word, give_stdin};

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
    tokio::spawn(async move {
        // Whether anybody still wants to know is their affair.
        let _ = tell_exit.send(exit_told(told, &attempt).await);
        // It ends when nothing of the program is left.
        let _ = child.wait().await;
        drop(program.held);
        let _ = tell_gone.send(());
    });
    let ways = Ways {
        exit,
        gone,
        ending: Ending::Supervised(ending),
    };
    Ok((stdout, stderr, ways))
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
