//! A server's process, as its clients see it.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::clock::now;
use crate::place::Place;
use crate::process::{processor_time, resident};
use crate::serve::Server;

/// How long it may take to make a hundred thousand tools on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that serves on a socket until this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    socket: PathBuf,
}

impl Process {
    /// Starts it and waits until it takes connections.
    pub(super) fn start(server: Server, tools: usize, place: &Place) -> Result<Self> {
        let name = server.to_possible_value();
        let name = name.as_ref().map_or("", |value| value.get_name());
        let socket = place.socket();
        let child = Command::new(std::env::current_exe()?)
            .args(["serve", name, "--tools", &tools.to_string(), "--socket"])
            .arg(&socket)
            .stdin(Stdio::piped())
            .spawn()?;
        let mut process = Self { child, socket };
        process.wait_until_ready()?;
        Ok(process)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = now();
        while UnixStream::connect(&self.socket).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server's process ended with {status}");
            }
            if start.elapsed() > PATIENCE {
                bail!("the server takes no connection after {PATIENCE:?}");
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        Ok(())
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
