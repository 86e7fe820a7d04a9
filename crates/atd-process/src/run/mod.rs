//! One run, from start to end.

mod group;
mod output;
mod start;
mod supervised;
mod talk;

use std::fmt;
use std::time::Duration;

use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::oneshot;
use tokio::time::timeout;

use self::start::start;
use self::talk::Talk;
use crate::error::ProgramError;
use crate::program::Program;

/// What a program came to.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// How many bytes more it wrote there than may be kept; 0 unless
    /// [`Program::cut_output`] was said.
    pub stdout_left_out: u64,
    /// The last of what it wrote to its standard error.
    pub stderr: Vec<u8>,
    /// How many bytes it wrote there before those.
    pub stderr_left_out: u64,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It was stopped before its end.
    Stopped,
}

/// How a program that runs is heard of and ended.
struct Ways {
    /// How the program ended, or why it was not started. Dropped unsent when
    /// nobody can know.
    exit: oneshot::Receiver<Result<Exit, ProgramError>>,
    /// Dropped when nothing of the program is left.
    gone: oneshot::Receiver<()>,
    /// Dropping it ends the program.
    ending: Ending,
}

/// What ends a program when it is dropped.
#[expect(dead_code, reason = "they are there to be dropped")]
enum Ending {
    Group(oneshot::Sender<()>),
    Supervised(OwnedWriteHalf, oneshot::Sender<()>),
}

/// How long to wait, after a program has ended, for what it left behind: for
/// its last output, and until nothing of it is there. Only a program that
/// leaves something behind is waited for that long.
const AFTERMATH: Duration = Duration::from_millis(100);

pub(crate) async fn run(
    program: Program,
    stop: impl Future<Output = ()> + Send,
) -> Result<Finished, ProgramError> {
    let limits = program.limits;
    let (pipes, ways) = start(program)?;
    let mut talk = Talk::new(pipes, limits);
    let exit = talk.until_exit(ways.exit, ways.ending, stop).await?;
    if exit != Exit::Stopped {
        // Elapsed: something was left behind that does not end at once. It is
        // being ended, and the answer need not wait for that.
        let _ = timeout(AFTERMATH, ways.gone).await;
    }
    Ok(talk.finish(exit))
}

impl fmt::Debug for Finished {
    /// Lengths alone: results are no business of a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished")
            .field("exit", &self.exit)
            .field("stdout", &self.stdout.len())
            .field("stdout_left_out", &self.stdout_left_out)
            .field("stderr", &self.stderr.len())
            .field("stderr_left_out", &self.stderr_left_out)
            .finish()
    }
}
