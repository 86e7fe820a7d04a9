//! A program and what it is given.

use std::any::Any;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::ProgramError;
use crate::lookup::{DEFAULT_PATH, find};
use crate::run::{self, Finished};
use crate::supervisor::Supervisor;

/// One run of a program, bounded and ended for sure.
///
/// It is given what is said here and nothing else:
///
/// - **Arguments** as they are; no shell ever sees them.
/// - **Environment**: the variables that are listed, and `PATH`, which is
///   [`DEFAULT_PATH`] unless it is listed. None comes from this process.
/// - **Descriptors** 0 to 2: standard input is `/dev/null` or the bytes that
///   are given, the other two are pipes. To be sure of it, every descriptor of
///   this process above 2 is marked close-on-exec before the program starts.
/// - **A process group** of its own, so that no signal of a terminal reaches it.
///
/// When the run is over, whichever way, nothing of it stays: what it started
/// and left behind is told to terminate (SIGTERM) and is killed after a grace.
/// With a [`Supervisor`] that goes for everything that descends from it, also
/// from within a session of its own, and also when this process dies; without
/// one, for its process group.
///
/// ```
/// use atd_process::{Exit, Program};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let program = Program::new("tr").args(["a-z", "A-Z"]).stdin("one\ntwo\n");
/// let finished = program.run().await?;
/// assert_eq!(finished.exit, Exit::Code(0));
/// assert_eq!(finished.stdout, b"ONE\nTWO\n");
/// # Ok(()) }
/// ```
pub struct Program {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: BTreeMap<OsString, OsString>,
    pub(crate) working_dir: PathBuf,
    pub(crate) stdin: Option<Vec<u8>>,
    pub(crate) limits: Limits,
    pub(crate) supervisor: Option<Supervisor>,
    pub(crate) held: Option<Box<dyn Any + Send>>,
}

/// How much of a program's output is kept, and how long it has to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) output: usize,
    pub(crate) cut_output: bool,
    pub(crate) stderr: usize,
    pub(crate) grace: Duration,
}

/// The longest argument that Linux takes, its NUL not counted
/// (`MAX_ARG_STRLEN`, 32 pages of 4 KiB). Others take more.
const MAX_ARGUMENT: usize = 128 * 1024 - 1;

impl Program {
    /// The program of this name, without arguments, in this process's working
    /// directory. A name with a slash is a path, relative to the program's
    /// working directory; any other is looked for on its `PATH`.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            working_dir: PathBuf::from("."),
            stdin: None,
            limits: Limits {
                output: 1 << 20,
                cut_output: false,
                stderr: 8 << 10,
                grace: Duration::from_secs(2),
            },
            supervisor: Supervisor::installed(),
            held: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Lists a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Its working directory.
    #[must_use]
    pub fn working_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.working_dir = directory.into();
        self
    }

    /// What it reads from its standard input, in place of nothing. It need not
    /// read all of it.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// How much it may write to its standard output, in bytes; 1 MiB unless
    /// said otherwise. One that writes more is ended, and the run is an error.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.limits.output = bytes;
        self
    }

    /// Output over the limit is read and left out, and
    /// [`Finished::stdout_left_out`] says how much, instead of being an error.
    #[must_use]
    pub fn cut_output(mut self) -> Self {
        self.limits.cut_output = true;
        self
    }

    /// How much of its standard error is kept: the last so many bytes, 8 KiB
    /// unless said otherwise. It may write any amount.
    #[must_use]
    pub fn stderr_kept(mut self, bytes: usize) -> Self {
        self.limits.stderr = bytes;
        self
    }

    /// How long it has between being told to terminate and being killed; 2
    /// seconds unless said otherwise.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.limits.grace = grace;
        self
    }

    /// Who ends it, in place of the supervisor that this process
    /// [has](Supervisor::installed); `None` for this process itself.
    #[must_use]
    pub fn supervised_by(mut self, supervisor: impl Into<Option<Supervisor>>) -> Self {
        self.supervisor = supervisor.into();
        self
    }

    /// Something to be dropped when nothing of the program is left, which may
    /// be after the run's future is gone.
    #[must_use]
    pub fn holding(mut self, held: impl Any + Send) -> Self {
        self.held = Some(Box::new(held));
        self
    }

    /// Where the program is.
    ///
    /// # Errors
    /// [`ProgramError::NotFound`] and [`ProgramError::NotExecutable`].
    pub fn find(&self) -> Result<PathBuf, ProgramError> {
        let path = self.env.get(OsStr::new("PATH"));
        find(
            &self.program,
            path.map(OsString::as_os_str),
            &self.working_dir,
        )
    }

    /// Runs it to its end. The future may be dropped at any time: the program
    /// is then ended, which the future does not wait for.
    ///
    /// # Errors
    /// [`ProgramError`]; the program was then not started, or has been told to
    /// terminate.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and time.
    pub async fn run(self) -> Result<Finished, ProgramError> {
        self.run_until(std::future::pending()).await
    }

    /// Runs it to its end, or until `stop` is ready. It is then ended, and what
    /// it has written by a tenth of a second later comes back as
    /// [`Exit::Stopped`](crate::Exit::Stopped).
    ///
    /// # Errors
    /// As [`run`](Self::run).
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub async fn run_until(
        self,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<Finished, ProgramError> {
        self.check()?;
        run::run(self, stop).await
    }

    /// What it is looked for on and sees as `PATH`, and all else that is listed.
    pub(crate) fn whole_env(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let path = (OsStr::new("PATH"), OsStr::new(DEFAULT_PATH));
        let listed = self
            .env
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()));
        let default = (!self.env.contains_key(path.0)).then_some(path);
        default.into_iter().chain(listed)
    }

    /// How many bytes the system is to hand over.
    pub(crate) fn length(&self) -> usize {
        let args: usize = self.args.iter().map(|arg| arg.len() + 1).sum();
        let env = self
            .whole_env()
            .map(|(name, value)| name.len() + value.len() + 2);
        self.program.len() + 1 + args + env.sum::<usize>()
    }

    fn check(&self) -> Result<(), ProgramError> {
        let no_nul = |what: &dyn Fn() -> String, text: &OsStr| {
            if text.as_bytes().contains(&0) {
                return Err(ProgramError::Nul { what: what() });
            }
            Ok(())
        };
        no_nul(&|| "the program's name".to_owned(), &self.program)?;
        no_nul(
            &|| "the working directory".to_owned(),
            self.working_dir.as_os_str(),
        )?;
        for (index, arg) in self.args.iter().enumerate() {
            no_nul(&|| format!("argument {}", index + 1), arg)?;
            if cfg!(target_os = "linux") && arg.len() > MAX_ARGUMENT {
                return Err(ProgramError::ArgumentTooLong {
                    index: index + 1,
                    length: arg.len(),
                    limit: MAX_ARGUMENT,
                });
            }
        }
        for (name, value) in &self.env {
            let named = || name.to_string_lossy().into_owned();
            no_nul(&|| "the name of a variable".to_owned(), name)?;
            no_nul(&|| format!("the variable {:?}", named()), value)?;
            if name.is_empty() || name.as_bytes().contains(&b'=') {
                return Err(ProgramError::EnvName { name: named() });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Program {
    /// Names and numbers alone: what a program is given is no business of a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("working_dir", &self.working_dir)
            .field("stdin", &self.stdin.as_ref().map(Vec::len))
            .field("limits", &self.limits)
            .field("supervisor", &self.supervisor)
            .finish_non_exhaustive()
    }
}
