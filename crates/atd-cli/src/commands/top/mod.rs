//! `atd top`.

mod document;
mod latency;
mod reading;
mod screen;
mod view;

use std::io::{self, IsTerminal};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use atd_runtime::gate::{Clock, MonotonicClock};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Interval, MissedTickBehavior, interval};

use self::document::Document;
use self::reading::{Period, Reading};
use self::screen::{Key, Screen};
use crate::cli::TopOptions;
use crate::failure::Failure;
use crate::metrics::{Address, FetchError, Page, fetch};
use crate::output;

/// How wide what is printed is where there is no terminal.
const WIDTH: usize = 120;

pub(crate) async fn run(options: TopOptions) -> Result<ExitCode, Failure> {
    match (options.once, options.json.json) {
        (true, json) => once(&options, json).await?,
        (false, true) => documents(&options).await?,
        (false, false) if io::stdout().is_terminal() => watch(&options).await?,
        (false, false) => {
            return Err(Failure::usage("standard output is no terminal to draw on")
                .advise("--once prints one table, --json a line of JSON each second"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(address: &Address) -> Result<Reading, FetchError> {
    Ok(Reading::of(&Page::read(&fetch(address).await?)))
}

fn unreadable(address: &Address, error: &FetchError) -> Failure {
    Failure::unreachable(format!("cannot read the metrics at {address}: {error}"))
        .advise("`atd serve --metrics ADDR` shows them")
}

/// What there is since the server's start.
async fn once(options: &TopOptions, json: bool) -> Result<(), Failure> {
    let now = read(&options.metrics).await;
    let now = now.map_err(|error| unreadable(&options.metrics, &error))?;
    let period = Period::since_start(&now, options.sort);
    if json {
        output::json(&Document::of(&period))?;
        return Ok(());
    }
    let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.into());
    for line in view::lines(&period, options.sort, width) {
        output::print(line)?;
    }
    Ok(())
}

/// What there is since the start, and then each time what is new.
async fn documents(options: &TopOptions) -> Result<(), Failure> {
    let clock = MonotonicClock::default();
    let mut ticks = ticks(options);
    let mut before: Option<(Duration, Reading)> = None;
    loop {
        ticks.tick().await;
        let now = read(&options.metrics).await;
        let now = now.map_err(|error| unreadable(&options.metrics, &error))?;
        let at = clock.now();
        let period = Period::since(before.as_ref(), &now, at, options.sort);
        output::json(&Document::of(&period))?;
        before = Some((at, now));
    }
}

/// Draws until somebody has seen enough.
async fn watch(options: &TopOptions) -> Result<(), Failure> {
    let clock = MonotonicClock::default();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut sort = options.sort;
    // The last two looks, and why there was no other.
    let mut before: Option<(Duration, Reading)> = None;
    let mut last: Option<(Duration, Reading)> = None;
    let mut problem = None;
    let mut looking = pin!(look(ticks(options), &options.metrics));
    let mut screen = Screen::open()?;
    loop {
        tokio::select! {
            // Cancelled: the look goes on with the next wait.
            (ticks, found) = looking.as_mut() => {
                looking.set(look(ticks, &options.metrics));
                match found {
                    Ok(now) => {
                        before = last.replace((clock.now(), now));
                        problem = None;
                    }
                    Err(error) => problem = Some(unreadable(&options.metrics, &error)),
                }
            }
            // Cancelled: a key that was pressed is kept for the next wait.
            key = screen.key() => match key? {
                Key::Quit => return Ok(()),
                Key::Sort(by) => sort = by,
                Key::Redraw => {}
            },
            // Cancelled: a signal that comes later is kept for the next wait.
            _ = terminate.recv() => return Ok(()),
        }
        let mut lines = vec![view::title(&options.metrics, problem.as_ref())];
        if let Some((at, now)) = &last {
            let period = Period::since(before.as_ref(), now, *at, sort);
            lines.extend(view::lines(&period, sort, screen.width()));
        }
        screen.draw(&lines)?;
    }
}

/// Waits until it is time, and looks.
async fn look(mut ticks: Interval, address: &Address) -> (Interval, Result<Reading, FetchError>) {
    ticks.tick().await;
    let found = read(address).await;
    (ticks, found)
}

fn ticks(options: &TopOptions) -> Interval {
    let mut ticks = interval(options.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
