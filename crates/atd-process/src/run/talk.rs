//! What goes through the pipes to a program.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::output::{Kept, Tail};
use super::start::{Input, Pipes};
use super::{AFTERMATH, Ending, Exit, Finished};
use crate::error::ProgramError;
use crate::program::Limits;

/// How much is read at a time, in bytes.
const CHUNK: usize = 16 << 10;

/// How many reads take what two pipes hold, with some to spare: 64 KiB each.
const PIPES: usize = 32;

/// The pipes to a program, and what came through them.
pub(super) struct Talk {
    pipes: Pipes,
    stdout: Kept,
    stdout_chunk: Box<[u8]>,
    stderr: Tail,
    stderr_chunk: Box<[u8]>,
}

impl Talk {
    pub(super) fn new(pipes: Pipes, limits: Limits) -> Self {
        Self {
            pipes,
            stdout: Kept::new(limits.output, limits.cut_output),
            stdout_chunk: vec![0; CHUNK].into(),
            stderr: Tail::new(limits.stderr),
            stderr_chunk: vec![0; CHUNK / 4].into(),
        }
    }

    /// Writes and reads until the program has ended and all that it wrote was
    /// read. `stop` ends it.
    pub(super) async fn until_exit(
        &mut self,
        mut exit: oneshot::Receiver<Result<Exit, ProgramError>>,
        ending: Ending,
        stop: impl Future<Output = ()>,
    ) -> Result<Exit, ProgramError> {
        let mut stop = pin!(stop);
        let mut aftermath = pin!(sleep(Duration::ZERO));
        let (mut ended, mut ending) = (None, Some(ending));
        loop {
            if let (Some(exit), None, None) = (ended, &self.pipes.stdout, &self.pipes.stderr) {
                return Ok(exit);
            }
            // Cancelled, no arm has done anything yet: each waits, and then
            // does one thing at once.
            tokio::select! {
                told = &mut exit, if ended.is_none() => {
                    ended = Some(told.unwrap_or(Err(ProgramError::SupervisorLost))?);
                    aftermath.set(sleep(AFTERMATH));
                }
                moved = self.step() => moved?,
                () = &mut aftermath, if ended.is_some() => {
                    self.take_what_is_there().await?;
                    return Ok(ended.unwrap_or(Exit::Stopped));
                }
                () = &mut stop, if ended.is_none() => {
                    ended = Some(Exit::Stopped);
                    drop(ending.take());
                    aftermath.set(sleep(AFTERMATH));
                }
            }
        }
    }

    /// Reads what is in the pipes, in case that nobody came to it before: this
    /// process may have been held up for as long as the aftermath takes.
    async fn take_what_is_there(&mut self) -> Result<(), ProgramError> {
        for _ in 0..PIPES {
            tokio::select! {
                biased;
                // Cancelled, it has done nothing.
                moved = self.step() => moved?,
                () = std::future::ready(()) => break,
            }
        }
        Ok(())
    }

    /// One read or write, whichever is ready. Nothing is lost when it is
    /// dropped.
    async fn step(&mut self) -> Result<(), ProgramError> {
        let pipes = &mut self.pipes;
        // Cancelled, a read or a write has not been.
        tokio::select! {
            read = read(&mut pipes.stdout, &mut self.stdout_chunk) => match read? {
                0 => pipes.stdout = None,
                read => self.stdout.take(&self.stdout_chunk[..read])?,
            },
            read = read(&mut pipes.stderr, &mut self.stderr_chunk) => match read? {
                0 => pipes.stderr = None,
                read => self.stderr.take(&self.stderr_chunk[..read]),
            },
            more = write(&mut pipes.stdin) => if !more {
                pipes.stdin = None;
            },
        }
        Ok(())
    }

    pub(super) fn finish(self, exit: Exit) -> Finished {
        let (stdout, stdout_left_out) = self.stdout.into_parts();
        let (stderr, stderr_left_out) = self.stderr.into_parts();
        Finished {
            exit,
            stdout,
            stdout_left_out,
            stderr,
            stderr_left_out,
        }
    }
}

/// Reads once; never done where there is no pipe.
async fn read(
    pipe: &mut Option<impl AsyncRead + Unpin>,
    chunk: &mut [u8],
) -> Result<usize, ProgramError> {
    match pipe {
        Some(pipe) => pipe.read(chunk).await.map_err(ProgramError::Pipe),
        None => pending().await,
    }
}

/// Writes once, and says whether there is more to write; never done where there
/// is no pipe. A program need not read what it is given, so a pipe that it has
/// closed is no failure.
async fn write(input: &mut Option<Input>) -> bool {
    let Some(input) = input else {
        return pending().await;
    };
    let Some(rest) = input
        .bytes
        .get(input.written..)
        .filter(|rest| !rest.is_empty())
    else {
        return false;
    };
    match input.pipe.write(rest).await {
        Ok(written) => {
            input.written += written;
            written > 0
        }
        Err(_) => false,
    }
}
