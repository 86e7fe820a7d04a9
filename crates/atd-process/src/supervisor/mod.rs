//! What stays with a program until nothing of it is left.

mod inside;
#[cfg(target_os = "linux")]
mod processes;
mod words;

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};

#[cfg(target_os = "linux")]
pub(crate) use self::processes::kill_session;
/// Sessions cannot be looked through here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn kill_session(_: i32, _: usize) -> std::io::Result<()> {
    Ok(())
}
pub(crate) use self::words::{Word, give_stdin};

/// Stays with a program until nothing of it is left: a small process between
/// this one and the program, one for each run.
///
/// It is this program itself, started another way. For that, its `main` begins
/// with [`Supervisor::run_if_asked`]:
///
/// ```
/// # use atd_process::Supervisor;
/// Supervisor::run_if_asked();
/// // Every `Program` and `CliBinding` made from here on has a supervisor.
/// assert!(Supervisor::installed().is_some());
/// ```
///
/// On Linux it is what every descendant of the program falls to that loses its
/// parent (`PR_SET_CHILD_SUBREAPER`), so none is out of its reach: not one that
/// forks twice, nor one in a session of its own. This process's own children
/// are not touched by that. Two kinds of process get away: one that runs as
/// another user by then, such as by `sudo`; and where a program kills its
/// supervisor, what has left the session that it was started in. On other systems it ends the program's process group.
///
/// It is started with the program's own environment and working directory, and
/// ends the program when its socket to this process is closed, and so also
/// when this process is killed.
#[derive(Clone, Debug)]
pub struct Supervisor(Arc<OsStr>);

/// The first argument of a supervisor, by which it knows itself.
const ASKED: &str = "--atd-process-supervise";

/// What a process is named that supervises.
const NAME: &str = "atd-supervise";

static INSTALLED: OnceLock<Supervisor> = OnceLock::new();

impl Supervisor {
    /// Is a supervisor, if this process was started as one, and then does not
    /// return. Else makes this program the supervisor of the programs that it
    /// will run. To be called first thing in `main`: no other thread may run,
    /// and nothing be opened or written.
    pub fn run_if_asked() {
        let mut args = std::env::args_os().skip(1);
        if args.next().is_some_and(|first| first == ASKED) {
            std::process::exit(inside::supervise(args));
        }
        if let Some(own) = own_program() {
            INSTALLED.get_or_init(|| Self(own.as_os_str().into()));
        }
    }

    /// The one of this process, if [`run_if_asked`](Self::run_if_asked) was
    /// called.
    pub fn installed() -> Option<Self> {
        INSTALLED.get().cloned()
    }

    /// Another program whose `main` begins with
    /// [`run_if_asked`](Self::run_if_asked), such as this crate's
    /// `atd-supervise`.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self(program.into().as_os_str().into())
    }

    /// The command that starts it, but for its arguments.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.0);
        command.arg0(NAME).arg(ASKED);
        command
    }
}

/// This program's file. On Linux it is found also when another has taken its
/// name, as after an update.
fn own_program() -> Option<OsString> {
    if cfg!(target_os = "linux") {
        return Some("/proc/self/exe".into());
    }
    std::env::current_exe().ok().map(PathBuf::into_os_string)
}
