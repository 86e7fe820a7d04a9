//! The figures in the READMEs: written from what the last comparison found,
//! between two marks, and never typed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::comparison::{Comparison, Measure, ratio};

const BEGIN: &str = "<!-- figures: `cargo xtask bench --compare --readme` writes them -->\n";
const END: &str = "<!-- end of the figures -->\n";

/// What a line says, and of which case, which number, beside whom it is.
type Figure = (&'static str, &'static str, Measure, &'static str);

const RUNTIME: &str = "atd-runtime 1.2.1";
const SERVER: &str = "atd-server 1.1.0";
const APPENDER: &str = "tracing-appender";
const ONE_THREAD: &str = "ours, 1 thread";
const FLOOR: &str = "bare echo";

const WHOLE: &[Figure] = &[
    (
        "calls in one process, a second",
        "dispatch/any",
        Measure::Rate,
        RUNTIME,
    ),
    (
        "the same, arguments checked",
        "dispatch/checked",
        Measure::Rate,
        RUNTIME,
    ),
    (
        "the same, each on record, none lost",
        "dispatch/lossless",
        Measure::Rate,
        RUNTIME,
    ),
    (
        "calls over a socket, one at a time, a second",
        "socket/one",
        Measure::Rate,
        SERVER,
    ),
    ("64 in flight", "socket/pipelined", Measure::Rate, SERVER),
    (
        "8 connections",
        "socket/connections/8",
        Measure::Rate,
        SERVER,
    ),
    (
        "8 connections, beside no protocol at all",
        "socket/connections/8",
        Measure::Rate,
        FLOOR,
    ),
    (
        "processor time of a call, 8 connections",
        "socket/connections/8",
        Measure::Cpu,
        SERVER,
    ),
    (
        "connect, hello, one call, close, a second",
        "socket/connect",
        Measure::Rate,
        SERVER,
    ),
    (
        "the list of 1,000 tools",
        "socket/tool_list/1000",
        Measure::Time,
        SERVER,
    ),
    (
        "memory of an idle connection",
        "memory/1000",
        Measure::Memory,
        SERVER,
    ),
];

const SINK: &[Figure] = &[
    (
        "events a second, 1 thread",
        "sink/producers/1",
        Measure::Rate,
        RUNTIME,
    ),
    (
        "events a second, 1 thread",
        "sink/producers/1",
        Measure::Rate,
        APPENDER,
    ),
    (
        "events a second, 4 threads",
        "sink/producers/4",
        Measure::Rate,
        RUNTIME,
    ),
    (
        "events a second, 4 threads",
        "sink/producers/4",
        Measure::Rate,
        APPENDER,
    ),
    (
        "chained, 4 threads",
        "sink/chained/4",
        Measure::Rate,
        RUNTIME,
    ),
    (
        "a call waits, half of them",
        "sink/producers/4",
        Measure::P50,
        RUNTIME,
    ),
    (
        "a call waits, 99 of 100",
        "sink/producers/4",
        Measure::P99,
        RUNTIME,
    ),
    (
        "one event every 20 µs, 99 of 100",
        "sink/paced",
        Measure::P99,
        RUNTIME,
    ),
    (
        "on disk before the call goes on, 64 threads",
        "sink/sync",
        Measure::Rate,
        ONE_THREAD,
    ),
];

const FILES: &[(&str, &[Figure])] = &[("README.md", WHOLE), ("crates/atd-audit/README.md", SINK)];

/// Writes them into the files below `root`. All files are looked at before
/// the first is written.
pub(super) fn write(comparison: &Comparison, command: &str, root: &Path) -> Result<()> {
    ensure!(
        !comparison.is_quick(),
        "the figures are those of a whole run, and the last one was quick"
    );
    let new = FILES.iter().map(|(file, figures)| {
        let path = root.join(file);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let block = block(comparison, command, figures)?;
        let new = replaced(&text, &block).with_context(|| path.display().to_string())?;
        Ok((path, new))
    });
    for (path, new) in new.collect::<Result<Vec<_>>>()? {
        fs::write(&path, new).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The text with this between its marks.
fn replaced(text: &str, block: &str) -> Result<String> {
    let (before, rest) = text
        .split_once(BEGIN)
        .with_context(|| format!("no line {BEGIN:?}"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("no line {END:?}"))?;
    Ok([before, BEGIN, block, END, after].concat())
}

fn block(comparison: &Comparison, command: &str, figures: &[Figure]) -> Result<String> {
    let date = comparison.date.get(..10).unwrap_or(&comparison.date);
    let mut block = "| | ours | | beside | times as good |\n|---|--:|--:|---|--:|\n".to_owned();
    for figure in figures {
        block += &line(comparison, figure)?;
    }
    block += &format!(
        "\n`{command}` on {} cores, {date}. The median of {} rounds that took turns; in brackets \
         the least and the greatest ratio of a round.\n",
        comparison.cores, comparison.rounds
    );
    Ok(block)
}

fn line(comparison: &Comparison, &(what, case, measure, beside): &Figure) -> Result<String> {
    let row = comparison.rows.iter().find(|row| {
        let other = row.other.as_ref().map(|other| &*other.one.name);
        row.case == case && row.measure == measure && other == Some(beside)
    });
    let found = row.and_then(|row| Some((&row.ours, row.other.as_ref()?)));
    let (ours, other) = found.with_context(|| {
        format!("the last run has no `{case}` beside {beside}: it must be without --filter")
    })?;
    let better = |value: f64| match measure.more_is_better() {
        true => value,
        false => value.recip(),
    };
    let of = other.ratio;
    let [median, one, another] = [of.median, of.least, of.greatest].map(better);
    Ok(format!(
        "| {what} | {} | {} | {beside} | **{}** [{} – {}] |\n",
        measure.show(ours.median),
        measure.show(other.one.median),
        ratio(median),
        ratio(one.min(another)),
        ratio(one.max(another)),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::comparison::{FULL_SLICE_MS, sample};
    use super::*;
    use crate::cargo::workspace_root;

    #[test]
    fn a_block_takes_the_place_of_the_one_before() {
        let text = format!("# A\n\n{BEGIN}old\n{END}\nrest\n");
        let new = replaced(&text, "new\n").expect("both marks are there");
        assert_eq!(new, format!("# A\n\n{BEGIN}new\n{END}\nrest\n"));
        assert_eq!(replaced(&new, "new\n").expect("they still are"), new);
        replaced("# A\n", "new\n").expect_err("there are no marks");
    }

    #[test]
    fn less_time_is_more_times_as_good() {
        let figure = ("calls", "dispatch/any", Measure::Time, RUNTIME);
        let line = line(&sample(), &figure).expect("the sample has it");
        let expected =
            "| calls | 400 ns | 1.00 µs | atd-runtime 1.2.1 | **2.50** [2.27 – 2.78] |\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn neither_a_quick_run_nor_a_part_of_one_is_written() {
        let folder = tempfile::tempdir().expect("a directory");
        let write = |comparison: &Comparison| {
            let error = write(comparison, "cargo xtask", folder.path());
            error.expect_err("it lacks something").to_string()
        };
        let mut comparison = sample();
        assert!(write(&comparison).contains("quick"));
        comparison.slice_ms = FULL_SLICE_MS;
        let error = block(&comparison, "cargo xtask", WHOLE).expect_err("most is missing");
        assert!(error.to_string().contains("--filter"), "{error}");
    }

    #[test]
    fn each_file_has_the_marks_once() {
        let root = workspace_root().expect("the root");
        for (file, _) in FILES {
            let text = fs::read_to_string(root.join(file)).expect("it is there");
            let marks = [BEGIN, END].map(|mark| text.matches(mark).count());
            assert_eq!(marks, [1, 1], "{file}");
        }
    }
}
