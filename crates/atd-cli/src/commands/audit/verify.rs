//! `atd audit verify`.

use std::fs::File;
use std::io::Read;
use std::process::ExitCode;

use anyhow::Context;
use atd_runtime::audit::{AuditLog, Position, PublicKey, VerifyOptions, VerifyReport, verify};
use serde::Serialize;

use super::counted;
use crate::cli::AuditVerifyOptions;
use crate::failure::Failure;
use crate::output::{BOLD, GREEN, YELLOW, one_line};
use crate::{output, paths};

/// The longest file that may hold a key.
const KEY_FILE_LIMIT: u64 = 1024;

#[derive(Serialize)]
struct Document {
    ok: bool,
    segments: usize,
    events: u64,
    first_ts: Option<String>,
    last_ts: Option<String>,
    chained: bool,
    first_seq: Option<u64>,
    head: Option<String>,
    start_checked: bool,
    events_before_chain: u64,
    heads_found: usize,
    heads_not_found: usize,
    signatures_checked: u64,
    signatures_unchecked: u64,
    signed_through: Option<u64>,
    lost: u64,
    gaps: u64,
    torn: u64,
    first_torn: Option<String>,
    unfinished: bool,
    other_lines: u64,
    broken: Option<Broken>,
}

#[derive(Serialize)]
struct Broken {
    segment: Option<String>,
    line: Option<u64>,
    offset: Option<u64>,
    reason: String,
}

pub(super) fn run(options: AuditVerifyOptions) -> Result<ExitCode, Failure> {
    let mut known = VerifyOptions::new()
        .chained(options.chained)
        .complete(options.complete)
        .unchained_start(options.unchained_start);
    if let Some(key) = &options.key {
        known = known.key(read_key(key)?);
    }
    let has_key = options.key.is_some();
    known = options.head.into_iter().fold(known, VerifyOptions::expect);
    let log = AuditLog::open(paths::audit_log(options.log.log)?)?;
    let report = verify(&log, &known)?;
    if options.json.json {
        output::json(&document(&report))?;
    } else {
        show(&log, &report, has_key)?;
    }
    match &report.broken {
        None => Ok(ExitCode::SUCCESS),
        Some(broken) => Err(Failure::failed(one_line(&broken.to_string()))),
    }
}

/// The key itself, or what is in a file.
fn read_key(text: &str) -> Result<PublicKey, Failure> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let read = || {
        let mut bytes = Vec::new();
        File::open(text)?
            .take(KEY_FILE_LIMIT)
            .read_to_end(&mut bytes)?;
        std::io::Result::Ok(bytes)
    };
    let bytes = read()
        .with_context(|| format!("`{text}` is neither a key nor a file that can be read"))
        .map_err(|error| Failure::usage(format!("{error:#}")))?;
    let key = match <&[u8; 32]>::try_from(bytes.as_slice()) {
        Ok(bytes) => PublicKey::from_bytes(bytes),
        Err(_) => String::from_utf8_lossy(&bytes).parse(),
    };
    key.map_err(|error| Failure::usage(format!("{text}: {error}")))
}

fn document(report: &VerifyReport) -> Document {
    let chain = report.chain.as_ref();
    let broken = report.broken.as_ref().map(|broken| {
        let at = broken.at.as_ref();
        Broken {
            segment: at.map(|at| at.segment().display().to_string()),
            line: at.and_then(Position::line),
            offset: at.map(Position::offset),
            reason: broken.fault.to_string(),
        }
    });
    Document {
        ok: report.is_sound(),
        segments: report.segments,
        events: report.events,
        first_ts: report.first_ts.clone(),
        last_ts: report.last_ts.clone(),
        chained: chain.is_some(),
        first_seq: chain.map(|chain| chain.first_seq),
        head: chain.map(|chain| chain.last.to_string()),
        start_checked: chain.is_some_and(|chain| chain.is_start_checked),
        events_before_chain: chain.map_or(0, |chain| chain.unchained_before),
        heads_found: chain.map_or(0, |chain| chain.heads_found),
        heads_not_found: chain.map_or(0, |chain| chain.heads_not_found),
        signatures_checked: report.signatures.checked,
        signatures_unchecked: report.signatures.unchecked,
        signed_through: report.signatures.signed_through,
        lost: report.lost,
        gaps: report.gaps,
        torn: report.torn,
        first_torn: report.first_torn.as_ref().map(ToString::to_string),
        unfinished: report.unfinished.is_some(),
        other_lines: report.other_lines,
        broken,
    }
}

fn show(log: &AuditLog, report: &VerifyReport, has_key: bool) -> std::io::Result<()> {
    let path = one_line(&log.path().display().to_string());
    let segments = counted(report.segments as u64, "segment");
    output::print(format!("{BOLD}{path}{BOLD:#}, {segments}"))?;
    let line =
        |title: &str, found: String| output::print(format!("  {title:<11} {}", one_line(&found)));
    let warn = |title: &str, found: String| {
        output::print(format!(
            "  {YELLOW}{title:<11} {}{YELLOW:#}",
            one_line(&found)
        ))
    };
    let from_to = match (&report.first_ts, &report.last_ts) {
        (Some(first), Some(last)) => format!(", from {first} to {last}"),
        _ => String::new(),
    };
    line("events", format!("{}{from_to}", report.events))?;
    for (title, found, is_well) in findings(report, has_key) {
        match is_well {
            true => line(title, found)?,
            false => warn(title, found)?,
        }
    }
    if report.is_sound() {
        output::print(format!("  {GREEN}ok{GREEN:#}          nothing is wrong"))?;
    }
    Ok(())
}

/// A title, what there is to say, and whether it is as one would like it.
type Finding = (&'static str, String, bool);

fn findings(report: &VerifyReport, has_key: bool) -> Vec<Finding> {
    let mut found = of_chain(report);
    found.extend(of_signatures(report, has_key));
    if report.gaps > 0 {
        let lost = counted(report.lost, "event");
        let lost = format!("{lost} in {}", counted(report.gaps, "gap"));
        found.push(("lost", lost, false));
    }
    if let Some(first) = &report.first_torn {
        let torn = format!("{}, the first at {first}", counted(report.torn, "line"));
        found.push(("torn", torn, false));
    }
    if let Some(at) = &report.unfinished {
        let last = format!("the last line has no end: it is being written, or torn ({at})");
        found.push(("unfinished", last, false));
    }
    if report.other_lines > 0 {
        let other = counted(report.other_lines, "line");
        found.push(("others", format!("{other} without an event"), true));
    }
    found
}

fn of_chain(report: &VerifyReport) -> Vec<Finding> {
    let Some(chain) = &report.chain else {
        let none = "none: nothing is proven".to_owned();
        return vec![("chain", none, false)];
    };
    let first = chain.first_seq;
    let lines = format!("lines {first} to {}", chain.last.seq());
    let mut found = vec![("chain", lines, true)];
    if !chain.is_start_checked {
        let start = format!("line {first} is taken as it is: what was before it is gone");
        found.push(("start", start, false));
    }
    if chain.unchained_before > 0 {
        let before = counted(chain.unchained_before, "event");
        let before = format!("{before} before the chain: nothing is proven of them");
        found.push(("unchained", before, false));
    }
    if chain.heads_not_found > 0 {
        let heads = counted(chain.heads_not_found as u64, "head");
        let heads = format!("{heads} of lines that are not on record");
        found.push(("heads", heads, false));
    }
    found.push(("head", chain.last.to_string(), true));
    found
}

fn of_signatures(report: &VerifyReport, has_key: bool) -> Option<Finding> {
    let signed = &report.signatures;
    let (found, is_well) = match (signed.signed_through, signed.unchecked) {
        (Some(through), _) => {
            let good = format!("{} good, up to line {through}", signed.checked);
            (good, true)
        }
        (None, 0) if has_key => ("none: the key proves nothing".to_owned(), false),
        (None, 0) => return None,
        (None, unchecked) => (format!("{unchecked}, not checked: no --key"), false),
    };
    Some(("signatures", found, is_well))
}
