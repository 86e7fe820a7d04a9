//! The supervisor itself: a process of its own, with threads that wait.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, setsid, wait};

use super::words::{Word, take_stdin};

/// What happens to a supervisor.
enum Event {
    /// The program ended.
    Ended,
    /// No process is left that descends from here.
    AllGone,
    /// The socket was closed.
    Closed,
}

/// How long killing is tried. What is left then cannot be killed: it is
/// another user's, or the system itself does not let go of it.
const KILLING: Duration = Duration::from_secs(10);

/// What the reaping of processes that have ended takes, and more.
const MOMENT: Duration = Duration::from_millis(2);

/// The longest time between two turns of killing: short, for what does not stay
/// long enough to be found each time.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Supervises the program that the arguments name: the grace in milliseconds,
/// its file, and its own arguments from the zeroth on. Returns the code to exit
/// with, which nobody looks at.
pub(super) fn supervise(args: impl Iterator<Item = OsString>) -> i32 {
    // A usage that only this crate makes use of; there is nobody to tell.
    run(args).map_or(2, |()| 0)
}

fn run(mut args: impl Iterator<Item = OsString>) -> io::Result<()> {
    let usage = || io::Error::from(io::ErrorKind::InvalidInput);
    let grace = args.next().and_then(|grace| grace.to_str()?.parse().ok());
    let grace = Duration::from_millis(grace.ok_or_else(usage)?);
    let mut command = Command::new(args.next().ok_or_else(usage)?);
    command.arg0(args.next().ok_or_else(usage)?).args(args);

    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let stdin = take_stdin(&socket)?;
    command.stdin(stdin.map_or_else(Stdio::null, Stdio::from));
    become_supervisor()?;
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    let child = match command.process_group(0).spawn() {
        Ok(child) => child,
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or_default();
            return (&socket).write_all(&Word::NotStarted(errno).bytes());
        }
    };
    drop(command);
    let_go_of_output()?;
    let program = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let program = program.ok_or_else(usage)?;
    let events = watch(socket, program);
    end(&events, program, grace);
    if !cfg!(target_os = "linux") {
        // What lost its parent is no child of this process there, so it is not
        // among those that are all gone.
        signal_group(program, &[Signal::KILL]);
    }
    Ok(())
}

fn become_supervisor() -> io::Result<()> {
    // Away from the terminal, whose signals are for who started the server.
    setsid()?;
    #[cfg(target_os = "linux")]
    {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        rustix::thread::set_name(c"atd-supervise")?;
    }
    Ok(())
}

/// The program's output is over when the program's own ends are closed.
fn let_go_of_output() -> io::Result<()> {
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// Watches over everything that can happen, each with a thread that waits.
fn watch(socket: UnixStream, program: Pid) -> Receiver<Event> {
    let (tell, events) = channel();
    let (reader, tell_closed) = (socket.try_clone(), tell.clone());
    thread::spawn(move || {
        if let Ok(mut reader) = reader {
            // Nothing is ever said, so this waits for the end.
            let _ = reader.read(&mut [0]);
        }
        let _ = tell_closed.send(Event::Closed);
    });
    thread::spawn(move || reap(socket, program, &tell));
    events
}

/// Takes note of each process that ends, so that none stays behind as a zombie,
/// and says what became of the program.
fn reap(mut socket: UnixStream, program: Pid, tell: &Sender<Event>) {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == program => {
                // Closed: nobody wants to know.
                let _ = socket.write_all(&word(status).bytes());
                let _ = tell.send(Event::Ended);
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // There is none to wait for.
            Err(_) => {
                let _ = tell.send(Event::AllGone);
                return;
            }
        }
    }
}

fn word(status: WaitStatus) -> Word {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Word::Exited(code),
        (None, signal) => Word::Killed(signal.unwrap_or_default()),
    }
}

/// Waits until the program has ended or is to be ended, and then ends whatever
/// is left.
#[expect(
    clippy::disallowed_methods,
    reason = "a process of its own, where no test's clock reaches"
)]
fn end(events: &Receiver<Event>, program: Pid, grace: Duration) {
    let mut is_there = match events.recv() {
        Ok(Event::Ended) => false,
        Ok(Event::Closed) => true,
        Ok(Event::AllGone) | Err(_) => return,
    };
    // Most programs leave nothing behind, which is known at once.
    if !is_there && all_gone_by(events, Instant::now() + MOMENT, &mut is_there) {
        return;
    }
    let killing = Instant::now() + grace;
    // What was stopped does not hear that it is to terminate.
    let terminate = [Signal::TERM, Signal::CONT];
    if is_there {
        // The system finds a group by itself, and most programs are one. To find
        // the others takes a look at every process there is, which is long where
        // a thousand programs are ended at once.
        signal_group(program, &terminate);
        if all_gone_by(events, Instant::now() + grace / 8, &mut is_there) {
            return;
        }
        signal_outside(program, &terminate);
    } else {
        signal_all(program, &terminate);
    }
    if all_gone_by(events, killing, &mut is_there) {
        return;
    }
    // What it left behind is found below: once the program has ended, its id may
    // be that of another, whose group this would be.
    if is_there {
        signal_group(program, &[Signal::KILL]);
        if all_gone_by(events, Instant::now() + LONGEST_PAUSE, &mut is_there) {
            return;
        }
    }
    // What was forked while the others were looked for is found the next time.
    let mut pause = MOMENT;
    while Instant::now() < killing + KILLING {
        signal_all(program, &[Signal::KILL]);
        if all_gone_by(events, Instant::now() + pause, &mut is_there) {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether no process is left by then. Meanwhile the program may have ended.
#[expect(
    clippy::disallowed_methods,
    reason = "a process of its own, where no test's clock reaches"
)]
fn all_gone_by(events: &Receiver<Event>, time: Instant, is_there: &mut bool) -> bool {
    loop {
        let left = time.saturating_duration_since(Instant::now());
        match events.recv_timeout(left) {
            Ok(Event::AllGone) => return true,
            Ok(Event::Ended) => *is_there = false,
            Ok(Event::Closed) => {}
            Err(_) => return false,
        }
    }
}

/// Sends signals to everything that descends from here.
#[cfg(target_os = "linux")]
fn signal_all(program: Pid, signals: &[Signal]) {
    if super::processes::signal_descendants(None, signals).is_err() {
        // No /proc to find them in.
        signal_group(program, signals);
    }
}

/// Sends signals to what descends from here and is not of the program's group,
/// which has had them.
#[cfg(target_os = "linux")]
fn signal_outside(program: Pid, signals: &[Signal]) {
    // No /proc to find them in: nobody can.
    let _ = super::processes::signal_descendants(Some(program), signals);
}

#[cfg(not(target_os = "linux"))]
use signal_group as signal_all;

/// Only the group is known.
#[cfg(not(target_os = "linux"))]
fn signal_outside(_: Pid, _: &[Signal]) {}

fn signal_group(program: Pid, signals: &[Signal]) {
    for &signal in signals {
        // Gone, or all of it another user's by now: there is nothing to do.
        let _ = rustix::process::kill_process_group(program, signal);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::Child;

    use super::*;

    /// What this shell script starts, and the first line that it writes.
    fn start(script: &str) -> (Child, BufReader<std::process::ChildStdout>, String) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        (child, out, line.trim().to_owned())
    }

    /// A process that took the id which the program had until it ended, while
    /// another that the program left behind hears nothing of its end.
    #[test]
    fn nothing_is_killed_by_the_id_of_a_program_that_has_ended() {
        let stranger = "exec 3<&0; setsid sh -c 'trap \"\" TERM; echo $$; exec cat' <&3 &";
        let (mut stranger, mut says, id) = start(stranger);
        let mut hears = stranger.stdin.take().unwrap();
        stranger.wait().unwrap();
        let (mut left, _said, _) = start("trap '' TERM; echo ready; exec cat");
        let (tell, events) = channel();
        tell.send(Event::Closed).unwrap();
        tell.send(Event::Ended).unwrap();
        let gone = thread::spawn(move || {
            let _hears = left.stdin.take();
            left.wait().unwrap();
            tell.send(Event::AllGone).unwrap();
        });
        let program = Pid::from_raw(id.parse().unwrap()).unwrap();
        end(&events, program, Duration::ZERO);
        gone.join().unwrap();
        let _ = hears.write_all(b"here\n");
        let mut answer = String::new();
        says.read_line(&mut answer).unwrap();
        assert_eq!(answer, "here\n");
    }
}
