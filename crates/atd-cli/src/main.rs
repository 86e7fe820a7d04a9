//! `atd`: serve tools, call them, look at them.

mod cli;
mod commands;
mod config;
mod failure;
mod metrics;
mod output;
mod paths;
mod pretty;
mod progress;

use std::process::ExitCode;

use atd_runtime::Supervisor;
use clap::Parser;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    Supervisor::run_if_asked();
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        match cli.command {
            Command::Serve(options) => commands::serve::run(options).await,
            Command::List(options) => commands::list::run(options).await,
            Command::Schema(options) => commands::schema::run(options).await,
            Command::Call(options) => commands::call::run(options).await,
            Command::Doctor(options) => commands::doctor::run(options).await,
            Command::Top(options) => commands::top::run(options).await,
            Command::Audit { command } => commands::audit::run(command).await,
            Command::Token { command } => commands::token::run(command),
            Command::Demo => commands::demo::run().await,
            Command::Completions { shell } => commands::docs::completions(shell),
            Command::Man => commands::docs::man(),
        }
    });
    // What is left to run is waited for by whoever started it; a read of
    // standard input or a tool that never ends is not.
    runtime.shutdown_background();
    ended
}
