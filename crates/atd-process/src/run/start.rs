//! Starting a program.

use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use tokio::net::unix::pipe::Sender;
use tokio::process::{ChildStderr, ChildStdout};

use super::{Ways, group, supervised};
use crate::error::ProgramError;
use crate::program::Program;

/// This process's ends of the pipes to a program, each until it is of no more
/// use.
pub(super) struct Pipes {
    pub(super) stdin: Option<Input>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

/// What a program is to read, and how far it was given that.
pub(super) struct Input {
    pub(super) pipe: Sender,
    pub(super) bytes: Vec<u8>,
    pub(super) written: usize,
}

/// What was tried, to say why it did not work.
pub(super) struct Attempt {
    file: PathBuf,
    directory: PathBuf,
    length: usize,
}

/// Starts it, in a process group of its own, and sees to it that it is ended
/// when [`Ways::ending`] is dropped.
pub(super) fn start(mut program: Program) -> Result<(Pipes, Ways), ProgramError> {
    let attempt = Attempt {
        file: program.find()?,
        directory: program.working_dir.clone(),
        length: program.length(),
    };
    let (stdin, their_stdin) = input(program.stdin.take()).map_err(pipe_failed)?;
    // Whatever a library here or whoever started this process left open.
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    let (stdout, stderr, ways) = match program.supervisor.take() {
        Some(supervisor) => supervised::start(program, attempt, &supervisor, their_stdin.as_ref())?,
        None => group::start(program, &attempt, their_stdin)?,
    };
    let pipes = Pipes {
        stdin,
        stdout,
        stderr,
    };
    Ok((pipes, ways))
}

fn input(bytes: Option<Vec<u8>>) -> io::Result<(Option<Input>, Option<PipeReader>)> {
    let Some(bytes) = bytes else {
        return Ok((None, None));
    };
    let (reader, writer) = io::pipe()?;
    let input = Input {
        pipe: Sender::from_owned_fd(OwnedFd::from(writer))?,
        bytes,
        written: 0,
    };
    Ok((Some(input), Some(reader)))
}

impl Attempt {
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// What it means that the system said this instead of starting it.
    pub(super) fn failed(&self, error: io::Error) -> ProgramError {
        match Errno::from_io_error(&error) {
            Some(Errno::TOOBIG) => ProgramError::ArgumentsTooLong {
                length: self.length,
            },
            Some(errno) if is_want_of_room(errno) => ProgramError::NoRoom(error),
            // The program was there a moment ago, so the directory is not.
            Some(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) if !self.can_enter() => {
                ProgramError::WorkingDirectory {
                    path: self.directory.clone(),
                    source: error,
                }
            }
            Some(Errno::ACCESS) => ProgramError::NotExecutable {
                path: self.file.clone(),
            },
            _ => ProgramError::NotStarted {
                path: self.file.clone(),
                source: error,
            },
        }
    }

    fn can_enter(&self) -> bool {
        // To look at what is in it takes the permission to enter it.
        std::fs::metadata(self.directory.join(".")).is_ok()
    }
}

/// What it means that a pipe or socket to a program could not be made.
pub(super) fn pipe_failed(error: io::Error) -> ProgramError {
    match Errno::from_io_error(&error) {
        Some(errno) if is_want_of_room(errno) => ProgramError::NoRoom(error),
        _ => ProgramError::Pipe(error),
    }
}

fn is_want_of_room(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::AGAIN | Errno::NOMEM | Errno::NFILE | Errno::MFILE | Errno::NOBUFS
    )
}
