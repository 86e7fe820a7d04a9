//! Two runs of the comparison, one before a change and one after it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::comparison::{Comparison, Measure, One};
use super::table::aligned;

/// Where the run of that name is kept, beside the last one.
fn kept(last: &Path, name: &str) -> Result<PathBuf> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(
        !name.is_empty() && !name.starts_with('.') && name.chars().all(plain),
        "`{name}` is no name to keep a run under: letters, digits, `-`, `_` and `.`"
    );
    Ok(last.with_file_name(format!("compare-{name}.json")))
}

/// Keeps the last run under this name.
pub(super) fn save(last: &Path, name: &str) -> Result<()> {
    let kept = kept(last, name)?;
    fs::copy(last, &kept).with_context(|| kept.display().to_string())?;
    Ok(())
}

/// The run that was kept under this name.
pub(super) fn load(last: &Path, name: &str) -> Result<Comparison> {
    Comparison::read(&kept(last, name)?)
        .with_context(|| format!("no run was kept with `--compare --save {name}`"))
}

/// What ours read in both runs. The change is that of the medians; it is a
/// doubt where the rounds of the two runs overlap.
pub(super) fn table(before: &Comparison, now: &Comparison) -> String {
    let header = ["case", "measured", "before", "[least – greatest]", "now"];
    let header = header
        .into_iter()
        .chain(["[least – greatest]", "change", ""]);
    let mut lines = vec![header.map(str::to_owned).collect::<Vec<_>>()];
    let mut last = None;
    for row in now.rows.iter().filter(|row| row.shown) {
        let number = (&row.case, row.measure, &row.ours.name);
        // Ours stands there once for each that it is beside.
        if last.replace(number) == Some(number) {
            continue;
        }
        if let Some(one) = before.one(&row.case, row.measure, &row.ours.name) {
            lines.push(line(&row.case, row.measure, one, &row.ours));
        }
    }
    match lines.len() {
        1 => "the two runs have no number in common\n".to_owned(),
        _ => aligned(&lines),
    }
}

fn line(case: &str, measure: Measure, before: &One, now: &One) -> Vec<String> {
    let range = |one: &One| {
        let (least, most) = one.range();
        format!("[{} – {}]", measure.show(least), measure.show(most))
    };
    let ((low, high), (least, most)) = (before.range(), now.range());
    let verdict = match (now.median > before.median) == measure.more_is_better() {
        _ if least <= high && low <= most => "within the spread",
        true => "better",
        false => "worse",
    };
    vec![
        case.to_owned(),
        measure.label().to_owned(),
        measure.show(before.median),
        range(before),
        measure.show(now.median),
        range(now),
        format!("{:+.1} %", (now.median / before.median - 1.0) * 100.0),
        verdict.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::comparison::sample;
    use super::*;

    fn faster(by: f64) -> Comparison {
        let mut comparison = sample();
        for row in &mut comparison.rows {
            row.ours.median *= by;
            row.ours.rounds.iter_mut().for_each(|round| *round *= by);
        }
        comparison
    }

    fn verdicts(table: &str, verdict: &str) -> usize {
        table.lines().filter(|line| line.ends_with(verdict)).count()
    }

    #[test]
    fn each_number_of_ours_is_there_once() {
        let table = table(&sample(), &sample());
        assert_eq!(table.lines().count(), 1 + 6, "{table}");
        assert_eq!(verdicts(&table, "within the spread"), 6, "{table}");
    }

    #[test]
    fn twice_the_rate_is_better_and_twice_the_time_is_worse() {
        let table = table(&sample(), &faster(2.0));
        assert_eq!(verdicts(&table, "better"), 4, "{table}");
        assert_eq!(verdicts(&table, "worse"), 2, "{table}");
        assert!(table.contains("+100.0 %"), "{table}");
    }

    #[test]
    fn what_lies_within_the_rounds_is_no_change() {
        let table = table(&sample(), &faster(1.15));
        assert_eq!(verdicts(&table, "within the spread"), 6, "{table}");
    }

    #[test]
    fn a_run_is_kept_under_a_name_that_stays_in_its_folder() {
        let last = Path::new("/t/bench/compare.json");
        let main = kept(last, "main").expect("a name");
        assert_eq!(main, Path::new("/t/bench/compare-main.json"));
        for name in ["", "..", "a/b", ".hidden"] {
            kept(last, name).expect_err(name);
        }
    }
}
