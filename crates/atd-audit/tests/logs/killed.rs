//! A process that is killed.

use std::{
    collections::HashSet,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

use atd_audit::{
    AuditSink, Backpressure, Durability, JsonLinesAuditSink, OUTCOME_UNKNOWN, Outcome, Rotation,
    Strict,
};

use crate::support::{Place, builder, event, every};

const WRITERS: u64 = 8;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Buffered,
    Sync,
    Strict,
}

fn open(log: &Path, mode: Mode) -> JsonLinesAuditSink {
    let builder = builder()
        .backpressure(Backpressure::Block { at_most: None })
        .chain(every(100))
        .rotation(Rotation::new().max_bytes(std::num::NonZero::new(256 * 1024).unwrap()));
    match mode {
        Mode::Buffered => builder,
        Mode::Sync => builder.durability(Durability::Sync),
        Mode::Strict => builder.strict(Strict::new()),
    }
    .file(log)
    .unwrap()
}

/// The process that is killed; on its own it does nothing. It reports each
/// event that it has handed over, and in strict mode each call before that.
#[test]
fn a_process_to_be_killed() {
    let Ok(order) = env::var("ATD_AUDIT_TEST_KILLED") else {
        return;
    };
    let [mode, round, log] = order.splitn(3, ':').collect::<Vec<_>>()[..] else {
        panic!("{order}");
    };
    let mode = match mode {
        "Sync" => Mode::Sync,
        "Strict" => Mode::Strict,
        _ => Mode::Buffered,
    };
    let round: u64 = round.parse().unwrap();
    let sink = open(Path::new(log), mode);
    let out = Mutex::new(std::io::stdout());
    let say = |word: &str, n: u64| {
        let mut out = out.lock().unwrap();
        writeln!(out, "\n{word} {n}").unwrap();
        out.flush().unwrap();
    };
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (sink, say) = (&sink, &say);
            scope.spawn(move || {
                for n in 0..100_000 {
                    let n = round * 1_000_000 + writer * 100_000 + n;
                    if mode == Mode::Strict {
                        sink.on_start(&event(n)).unwrap();
                        say("began", n);
                    }
                    sink.on_call(&event(n));
                    say("ended", n);
                }
            });
        }
    });
}

/// Kills the process when it has reported `reports` times; what it reported.
fn run(place: &Place, mode: Mode, round: u64, reports: usize) -> Vec<(String, u64)> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed::a_process_to_be_killed", "--nocapture"])
        .env(
            "ATD_AUDIT_TEST_KILLED",
            format!("{mode:?}:{round}:{}", place.log().display()),
        )
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    for line in lines {
        // The last one may be torn as well.
        let line = line.unwrap();
        if let Some((word @ ("began" | "ended"), n)) = line.split_once(' ')
            && n.len() == (round * 1_000_000).to_string().len()
        {
            said.push((word.to_owned(), n.parse().unwrap()));
        }
        if said.len() == reports {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    said
}

fn check(mode: Mode, kills: u64, reports: usize) {
    let place = Place::new();
    // A log that there is, even if all that is reported is lost with the queue.
    open(&place.log(), mode).on_call(&event(0));
    let mut said = Vec::new();
    for round in 1..=kills {
        // Not always after the same number.
        let reports = reports / 2 + (round as usize * 7_919) % reports;
        said.extend(run(&place, mode, round, reports));
    }
    // What a crash left open is made good.
    drop(open(&place.log(), mode));

    let report = place.verify_whole();
    assert!(report.torn <= kills, "{} torn lines", report.torn);
    let events = place.events();
    let numbers: HashSet<&str> = events.iter().map(|event| &event.call_id[18..]).collect();
    assert_eq!(numbers.len(), events.len(), "no event is there twice");
    let missing = |word: &str| {
        let of_word = said.iter().filter(|(said, _)| said == word);
        let is_missing = |n: &u64| !numbers.contains(&*format!("{n:08}"));
        of_word.filter(|(_, n)| is_missing(n)).count() as u64
    };
    let (began, ended) = (missing("began"), missing("ended"));
    match mode {
        Mode::Buffered => assert!(ended <= kills * 1_024, "{ended} are missing"),
        Mode::Sync => assert_eq!(ended, 0, "events that were acknowledged are missing"),
        Mode::Strict => assert_eq!((began, ended), (0, 0), "calls that began are missing"),
    }
    let is_unknown = |outcome: &Outcome| matches!(outcome, Outcome::ExecutionFailed { code, .. } if code == OUTCOME_UNKNOWN);
    let unknown = events
        .iter()
        .filter(|event| is_unknown(&event.outcome))
        .count() as u64;
    // At most what the writers were at, and what was queued.
    assert!(unknown <= kills * (WRITERS + 1_024), "{unknown}");
    assert!(mode == Mode::Strict || unknown == 0);
}

/// How often to kill, and after about how many events: promise A1 is 100 times
/// and 200,000 events in all, which `ATD_LONG` asks for.
fn kills() -> (u64, usize) {
    if env::var_os("ATD_LONG").is_some() {
        (100, 2_000)
    } else {
        (4, 500)
    }
}

/// A1, short unless `ATD_LONG` is set.
#[test]
fn a_killed_process_loses_at_most_its_queue() {
    let (kills, reports) = kills();
    check(Mode::Buffered, kills, reports);
}

/// A1, short unless `ATD_LONG` is set.
#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let (kills, reports) = kills();
    check(Mode::Sync, kills, reports);
}

/// A1, short unless `ATD_LONG` is set.
#[test]
fn a_killed_process_leaves_one_event_for_every_call_that_began() {
    let (kills, reports) = kills();
    check(Mode::Strict, kills, reports);
}
