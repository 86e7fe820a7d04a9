//! Audit sinks on a file, none of which loses an event.
//!
//! - `sink/producers/N`: N threads that report one event after another, all
//!   they have. The time ends when the last line is in the file: the sink is
//!   told to end and waited for. Then the lines are counted.
//! - `sink/paced`: one thread that reports one event every 20 µs, as a server
//!   does that is busy and no more, so that no queue is ever full.
//!
//! - `sink/chained/N`: as `sink/producers/N`, where ours has its hash chain on.
//! - `sink/sync`: ours alone, which puts each event on disk before it returns:
//!   64 threads beside one, which shows that they share what the disk does.
//!
//! What `on_call` takes on the calling thread is taken of one event in
//! [`SAMPLED`] where they follow each other, so that reading the clock is no
//! part worth speaking of, and of each where they are paced. What it takes to
//! read the clock is taken off. With more producers than cores the
//! slowest ones are those that the system put aside.
//!
//! The event is made before and the same for all. Each has a queue of 1,024
//! and the bare file below it. The published sink drains on a thread of its
//! own and says that it needs no async runtime, so it has none around it.

mod appender;
mod event;
mod ours;
mod theirs;
mod tracing_events;

use std::fs;
use std::hint::spin_loop;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clock::now;
use crate::latencies::Latencies;
use crate::measure::{Case, Measure, Named, Round, Subject};
use crate::names;
use crate::place::Place;

/// The places in each queue.
const QUEUE: usize = 1024;

/// One event of so many has its time taken.
const SAMPLED: u64 = 16;

/// From one event to the next where they are paced.
const PACE: Duration = Duration::from_micros(20);

/// More than this would be a file of more than 100 MB.
const MOST: u64 = 400_000;

/// What reports events from one thread.
type Producer<'a> = Box<dyn FnMut() + 'a>;

/// A sink on a new file.
trait Sink: Send + Sync {
    /// What one thread reports an event with, each time it calls it.
    fn producer(&self) -> Producer<'_>;

    /// Ends the sink: returns when the file has every event.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Which sink. What is written in another way, such as with a hash chain or
/// through to the disk, is one more of these and one more case.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Ours,
    Chained,
    Synced,
    Theirs,
    Appender,
    TracingEvents,
}

impl Kind {
    /// Those that do the same.
    const PLAIN: [Self; 4] = [
        Self::Ours,
        Self::Theirs,
        Self::Appender,
        Self::TracingEvents,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Ours | Self::Chained | Self::Synced => names::OURS,
            Self::Theirs => names::THEIR_RUNTIME,
            Self::Appender => names::APPENDER,
            Self::TracingEvents => names::TRACING_EVENTS,
        }
    }

    fn create(self, file: &Path) -> Result<Box<dyn Sink>> {
        Ok(match self {
            Self::Ours => Box::new(ours::Ours::create(file)?),
            Self::Chained => Box::new(ours::Ours::chained(file)?),
            Self::Synced => Box::new(ours::Ours::synced(file)?),
            Self::Theirs => Box::new(theirs::Theirs::create(file)?),
            Self::Appender => Box::new(appender::Appender::create(file)?),
            Self::TracingEvents => Box::new(tracing_events::TracingEvents::create(file)?),
        })
    }
}

/// The cases of sinks.
pub(crate) fn cases() -> Vec<Case> {
    let shown = [Measure::Rate, Measure::P50, Measure::P99, Measure::Max];
    let mut cases: Vec<_> = [1, 2, 4, 8]
        .map(|producers| {
            let name = format!("sink/producers/{producers}");
            let make =
                move |place: &Place| subjects(place, &Kind::PLAIN, Reports::Flood { producers });
            Case::new(name, shown, make).at_most(MOST)
        })
        .into();
    cases.extend([1, 4].map(|producers| {
        let name = format!("sink/chained/{producers}");
        let kinds = [Kind::Chained, Kind::Theirs];
        let make = move |place: &Place| subjects(place, &kinds, Reports::Flood { producers });
        Case::new(name, shown, make).at_most(MOST)
    }));
    let paced = |place: &Place| subjects(place, &Kind::PLAIN, Reports::Paced);
    let shown_paced = [Measure::P50, Measure::P99, Measure::Max];
    cases.push(Case::new("sink/paced", shown_paced, paced).at_most(MOST));
    cases.push(Case::new("sink/sync", [Measure::Rate, Measure::P50], synced).at_most(MOST));
    cases
}

fn subjects(place: &Place, kinds: &[Kind], reports: Reports) -> Result<Vec<Named>> {
    let subject = |kind: &Kind| Named::new(kind.name(), Reported::new(*kind, reports, place));
    Ok(kinds.iter().map(subject).collect())
}

/// Ours with many producers beside ours with one.
fn synced(place: &Place) -> Result<Vec<Named>> {
    let with = |producers| Reported::new(Kind::Synced, Reports::Flood { producers }, place);
    Ok(vec![
        Named::new(names::MANY_THREADS, with(64)),
        Named::new(names::ONE_THREAD, with(1)),
    ])
}

/// How events are reported.
#[derive(Clone, Copy, Debug)]
enum Reports {
    /// By so many threads, as fast as the sink takes them.
    Flood { producers: u64 },
    /// By one thread, one every [`PACE`].
    Paced,
}

/// A sink that events are reported to.
#[derive(Debug)]
struct Reported {
    kind: Kind,
    reports: Reports,
    file: PathBuf,
}

impl Reported {
    fn new(kind: Kind, reports: Reports, place: &Place) -> Self {
        Self {
            kind,
            reports,
            file: place.disk().join("audit.jsonl"),
        }
    }
}

impl Subject for Reported {
    fn measure(&mut self, work: u64) -> Result<Round> {
        let sink = self.kind.create(&self.file)?;
        let start = now();
        let times = match self.reports {
            Reports::Flood { producers } => flood(&*sink, producers, work)?,
            Reports::Paced => paced(&*sink, work)?,
        };
        sink.finish()?;
        let elapsed = start.elapsed();
        ensure_lines(&self.file, work)?;
        fs::remove_file(&self.file)?;
        Ok(times.beside(Round::of(work, elapsed)))
    }
}

/// Reports so many events from so many threads at once.
fn flood(sink: &dyn Sink, producers: u64, events: u64) -> Result<Latencies> {
    let report = |share: u64| -> Result<_> {
        let mut times = Latencies::new()?;
        let mut produce = sink.producer();
        for event in 0..share {
            if event % SAMPLED == 0 {
                let start = now();
                produce();
                times.ended(start);
            } else {
                produce();
            }
        }
        Ok(times)
    };
    let mut times = Latencies::new()?;
    thread::scope(|threads| {
        let shares = (0..producers).map(|producer| (events + producer) / producers);
        let started: Vec<_> = shares
            .map(|share| threads.spawn(move || report(share)))
            .collect();
        for thread in started {
            let of_thread = thread.join().ok().context("a producer panicked")??;
            times.add(&of_thread)?;
        }
        Ok(times)
    })
}

/// Reports so many events from this thread, one every [`PACE`].
fn paced(sink: &dyn Sink, events: u64) -> Result<Latencies> {
    let mut times = Latencies::new()?;
    let mut produce = sink.producer();
    let mut due = now();
    for _ in 0..events {
        while now() < due {
            spin_loop();
        }
        let start = now();
        produce();
        times.ended(start);
        due = start + PACE;
    }
    Ok(times)
}

/// The file has a line for each event, and each is a whole object.
pub(crate) fn ensure_lines(file: &Path, events: u64) -> Result<()> {
    let text = fs::read(file)?;
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let whole = lines.filter(|line| line.starts_with(b"{") && line.ends_with(b"}\n"));
    let recorded = whole.count() as u64;
    ensure!(
        recorded == events,
        "{recorded} of {events} events are on record: what was measured lost some"
    );
    Ok(())
}
