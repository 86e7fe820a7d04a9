//! Why a program was not run, or not to its end.

use std::io;
use std::path::PathBuf;

/// Why a program was not run, or not to its end. What a program itself makes
/// of its run, its exit, is no error here. No variant holds an argument, a
/// value of the environment or anything that the program wrote.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// There is no such program.
    #[error(
        "the program {program:?} was not found{}",
        match .searched {
            Some(path) => format!(" on the path {path:?}"),
            None => "; a name with a slash is a path, relative to the working directory".to_owned(),
        }
    )]
    NotFound {
        /// As it was asked for.
        program: String,
        /// The directories that were looked through, for a name without a
        /// slash.
        searched: Option<String>,
    },
    /// There is a file of that name which this process may not execute.
    #[error("{} may not be executed: it needs to be a file with the permission to", path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
    },
    /// A byte that ends what a program is given.
    #[error("{what} holds a NUL byte, which no program can be given")]
    Nul {
        /// What holds it, such as "argument 3".
        what: String,
    },
    /// A name that an environment cannot hold.
    #[error(
        "{name:?} cannot name a variable of an environment: a name is not empty and has no `=`"
    )]
    EnvName {
        /// The name.
        name: String,
    },
    /// One argument is longer than the system takes.
    #[error("argument {index} has {length} bytes, and the system takes at most {limit} in one")]
    ArgumentTooLong {
        /// Which one, counted from 1.
        index: usize,
        /// Its length in bytes.
        length: usize,
        /// The longest that is taken.
        limit: usize,
    },
    /// All of the arguments and the environment are more than the system takes.
    #[error("the arguments and the environment have {length} bytes, more than the system takes")]
    ArgumentsTooLong {
        /// What they have together.
        length: usize,
    },
    /// The working directory is none.
    #[error("the working directory {} cannot be entered: {source}", path.display())]
    WorkingDirectory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system has no room for another process or descriptor now.
    #[error("there is no room to start the program now: {0}")]
    NoRoom(#[source] io::Error),
    /// The system did not start it for another reason.
    #[error("{} could not be started: {source}", path.display())]
    NotStarted {
        /// The program.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It wrote more to its standard output than it may, and was ended.
    #[error("the program wrote more than {limit} bytes and was ended")]
    OutputTooLarge {
        /// How much it may write, in bytes.
        limit: usize,
    },
    /// What it wrote could not be read, or what it reads not be written.
    #[error("a pipe to the program failed: {0}")]
    Pipe(#[source] io::Error),
    /// What watches over the program is gone and cannot say what became of it.
    #[error("the supervisor of the program was lost; how the program ended is unknown")]
    SupervisorLost,
}
