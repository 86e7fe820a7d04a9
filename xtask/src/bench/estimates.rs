//! What Criterion leaves behind: `…/<benchmark>/new/{benchmark,estimates}.json`.
//!
//! Their form is Criterion's own affair, so only what a row needs is asked for,
//! and whatever else is there or not there is passed over.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::Value;

/// When each directory of results was last written.
pub(crate) type Stamps = BTreeMap<PathBuf, SystemTime>;

/// What was measured of one benchmark. Times are in nanoseconds.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    /// The benchmark's name, with its group and its parameter.
    pub(crate) name: String,
    /// The time of one iteration.
    pub(crate) median: f64,
    /// Half the width of the median's confidence interval.
    pub(crate) deviation: Option<f64>,
    /// What one iteration works through.
    pub(crate) throughput: Option<Throughput>,
    /// By how much the median changed against the baseline: 0.1 is 10 % slower.
    pub(crate) change: Option<f64>,
}

/// What one iteration works through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Throughput {
    /// So many things of a kind.
    Elements(f64),
    /// So many bytes.
    Bytes(f64),
}

/// The directories of results below Criterion's, each with its time.
pub(crate) fn stamps(directory: &Path) -> Stamps {
    let mut stamps = Stamps::new();
    collect(directory, &mut stamps);
    stamps
}

fn collect(directory: &Path, stamps: &mut Stamps) {
    // No directory means no results: Criterion has not run yet.
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let written = path.join("estimates.json").metadata();
        match written.and_then(|file| file.modified()) {
            Ok(time) if path.ends_with("new") => {
                stamps.insert(path, time);
            }
            _ if path.is_dir() => collect(&path, stamps),
            _ => {}
        }
    }
}

/// The directories of results that were written after `before` was taken.
pub(crate) fn written_since(directory: &Path, before: &Stamps) -> Vec<PathBuf> {
    let now = stamps(directory).into_iter();
    now.filter(|(path, time)| before.get(path) != Some(time))
        .map(|(path, _)| path)
        .collect()
}

/// Reads the results of one benchmark; `new` is the directory of that name.
pub(crate) fn read(new: &Path, compared: bool) -> Result<Row> {
    let change = new.with_file_name("change").join("estimates.json");
    row(
        &json(&new.join("benchmark.json"))?,
        &json(&new.join("estimates.json"))?,
        // A benchmark that the baseline does not hold has no change.
        compared.then(|| json(&change).ok()).flatten().as_ref(),
    )
    .with_context(|| new.display().to_string())
}

fn json(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

fn row(benchmark: &Value, estimates: &Value, change: Option<&Value>) -> Result<Row> {
    let name = benchmark["full_id"].as_str().context("no `full_id`")?;
    let median = &estimates["median"];
    let interval = &median["confidence_interval"];
    let (lower, upper) = (&interval["lower_bound"], &interval["upper_bound"]);
    Ok(Row {
        name: name.to_owned(),
        median: median["point_estimate"].as_f64().context("no median")?,
        deviation: upper
            .as_f64()
            .zip(lower.as_f64())
            .map(|(upper, lower)| (upper - lower) / 2.0),
        throughput: throughput(&benchmark["throughput"]),
        change: change.and_then(|change| change["median"]["point_estimate"].as_f64()),
    })
}

fn throughput(value: &Value) -> Option<Throughput> {
    let (unit, amount) = value.as_object()?.iter().next()?;
    match unit.as_str() {
        "Elements" => amount.as_f64().map(Throughput::Elements),
        "Bytes" | "BytesDecimal" => amount.as_f64().map(Throughput::Bytes),
        "Bits" => amount.as_f64().map(|bits| Throughput::Bytes(bits / 8.0)),
        "ElementsAndBytes" => amount["elements"].as_f64().map(Throughput::Elements),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    /// As Criterion 0.8.2 wrote it, without what no row needs.
    fn estimates() -> Value {
        json!({
            "mean": {"point_estimate": 170.0},
            "median": {
                "confidence_interval":
                    {"confidence_level": 0.95, "lower_bound": 172.0, "upper_bound": 180.0},
                "point_estimate": 176.5,
                "standard_error": 0.3,
            },
        })
    }

    fn benchmark(throughput: &Value) -> Value {
        json!({
            "group_id": "frame/decode",
            "function_id": "small",
            "value_str": "1024",
            "throughput": throughput,
            "full_id": "frame/decode/small/1024",
            "directory_name": "frame_decode/small/1024",
        })
    }

    #[test]
    fn a_row_is_read_from_what_criterion_writes() {
        let change = json!({"median": {"point_estimate": -0.08}});
        let benchmark = benchmark(&json!({"Bytes": 1024}));
        let row = row(&benchmark, &estimates(), Some(&change)).expect("all is there");
        let expected = Row {
            name: "frame/decode/small/1024".into(),
            median: 176.5,
            deviation: Some(4.0),
            throughput: Some(Throughput::Bytes(1024.0)),
            change: Some(-0.08),
        };
        assert_eq!(row, expected);
    }

    #[test]
    fn results_of_earlier_runs_are_left_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let measure = |name: &str, seconds| {
            let new = directory.path().join(name).join("new");
            fs::create_dir_all(&new).expect("a directory");
            let file = fs::File::create(new.join("estimates.json")).expect("a file");
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            file.set_modified(time).expect("a file of that time");
            new
        };
        measure("group/gone", 1);
        measure("group/again", 1);
        let before = stamps(directory.path());
        let expected = [measure("first", 2), measure("group/again", 2)];
        assert_eq!(written_since(directory.path(), &before), expected);
    }

    #[test]
    fn every_unit_of_throughput_is_known_and_a_new_one_passed_over() {
        for (json, expected) in [
            (json!(null), None),
            (json!({"Elements": 5}), Some(Throughput::Elements(5.0))),
            (json!({"BytesDecimal": 8}), Some(Throughput::Bytes(8.0))),
            (json!({"Bits": 16}), Some(Throughput::Bytes(2.0))),
            (
                json!({"ElementsAndBytes": {"elements": 3, "bytes": 9}}),
                Some(Throughput::Elements(3.0)),
            ),
            (json!({"Parsecs": 12}), None),
        ] {
            assert_eq!(throughput(&json), expected, "{json}");
        }
    }

    #[test]
    fn a_row_without_an_interval_has_no_deviation() {
        let estimates = json!({"median": {"point_estimate": 3, "confidence_interval": null}});
        let row = row(&benchmark(&json!(null)), &estimates, None);
        assert_eq!(row.expect("a median is enough").deviation, None);
    }

    #[test]
    fn a_row_without_a_median_is_an_error() {
        let error = row(&benchmark(&json!(null)), &json!({"median": null}), None);
        assert_eq!(error.expect_err("no median").to_string(), "no median");
    }
}
