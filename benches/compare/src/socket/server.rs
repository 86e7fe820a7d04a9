//! A server's process, as its clients see it.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::clock::now;
use crate::place::Place;
use crate::process::{processor_time, resident, run_on, share_one_core};
use crate::serve::Server;

/// How long it may take to make a hundred thousand tools on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that serves on a socket until this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    socket: PathBuf,
    /// What it wrote to its standard error.
    said: PathBuf,
    cores: Cores,
}

/// On which cores a server and the load on it run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cores {
    /// On all, as the system has it.
    All,
    /// Both on the same one. Where never more than one of them has work, the
    /// other core is asleep whenever it is needed, and waking it takes longer
    /// than the work; whether the system chooses that is luck.
    One,
}

impl Process {
    /// Starts it and waits until it takes connections.
    pub(super) fn start(server: Server, tools: usize, cores: Cores, place: &Place) -> Result<Self> {
        let name = server.to_possible_value();
        let name = name.as_ref().map_or("", |value| value.get_name());
        let socket = place.socket();
        let said = socket.with_extension("log");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", name, "--tools", &tools.to_string(), "--socket"]);
        command.arg(&socket);
        if cores == Cores::One {
            command.arg("--one-core");
        }
        let command = command.stdin(Stdio::piped()).stderr(File::create(&said)?);
        let mut process = Self {
            child: command.spawn()?,
            socket,
            said,
            cores,
        };
        process.wait_until_ready()?;
        Ok(process)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = now();
        while UnixStream::connect(&self.socket).is_err() {
            if let Some(status) = self.child.try_wait()? {
                let said = fs::read_to_string(&self.said)?;
                bail!("the server's process ended with {status}: {}", said.trim());
            }
            if start.elapsed() > PATIENCE {
                bail!("the server takes no connection after {PATIENCE:?}");
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Does what puts load on it, on the cores that are meant.
    pub(super) fn load<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.cores == Cores::All {
            return work();
        }
        let before = share_one_core()?;
        let done = work();
        run_on(&before)?;
        done
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The processor time that it has had.
    pub(super) fn processor_time(&self) -> Result<Duration> {
        processor_time(self.child.id())
    }

    /// Its resident memory, in bytes.
    pub(super) fn resident(&self) -> Result<u64> {
        resident(self.child.id())
    }
}

/// It ends with its input; asking twice harms nobody, and no process is left.
impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
