//! The servers, each in a process of its own: this program, started again.
//!
//! All have a runtime of one worker for each core. Ours and the published one
//! have the same tools, ask for the same capability and keep no audit. They
//! end when their standard input does, so none outlives who started it.

mod floor;
mod ours;
mod theirs;

use std::io::{self, Read};
use std::path::PathBuf;
use std::process;
use std::thread;

use anyhow::Result;
use clap::{Args, ValueEnum};
use tokio::runtime::Builder;

use crate::process::{raise_file_limit, share_one_core};

pub(crate) use ours::our_server;
pub(crate) use theirs::their_registry;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    Ours,
    Theirs,
    /// Sends each frame back as it came.
    Floor,
}

/// What such a process is told.
#[derive(Args, Debug)]
pub(crate) struct Options {
    #[arg(value_enum)]
    pub(crate) server: Server,
    #[arg(long)]
    pub(crate) socket: PathBuf,
    /// How many tools there are beside those that are called
    #[arg(long)]
    pub(crate) tools: usize,
    /// Keep to the core that the load keeps to
    #[arg(long)]
    pub(crate) one_core: bool,
}

/// Serves until standard input ends.
pub(crate) fn run(options: &Options) -> Result<()> {
    raise_file_limit()?;
    thread::spawn(end_with_input);
    // Made before the process is held to one core, for as many workers.
    let workers = thread::available_parallelism()?.get();
    if options.one_core {
        share_one_core()?;
    }
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.enable_all().worker_threads(workers).build()?;
    let Options { socket, tools, .. } = options;
    runtime.block_on(async {
        match options.server {
            Server::Ours => ours::serve(socket, *tools).await,
            Server::Theirs => theirs::serve(socket, *tools).await,
            Server::Floor => floor::serve(socket).await,
        }
    })
}

fn end_with_input() {
    // Whether it ended or failed: nobody is there any more.
    let _ = io::stdin().read_to_end(&mut Vec::new());
    process::exit(0);
}
