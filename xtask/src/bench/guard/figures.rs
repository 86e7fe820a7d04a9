//! The figures: which count each path had when it was last accepted.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Instructions by path.
pub(super) type Counts = BTreeMap<String, u64>;

/// What may be more before it is a rise: callgrind counts what the code does,
/// but a hash seed or a thread's turn is another in each run.
const TOLERATED_PERCENT: u64 = 5;

const HEAD: &str = "\
# Instructions that each hot path takes once, as callgrind counts them. Written
# by `cargo xtask bench --guard --accept`; `cargo xtask ci` fails where a path
# takes 5 % more. The paths are those of `benches/examples/hot_paths.rs`.
";

/// All figures, by platform: the same code is other instructions elsewhere.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(transparent)]
pub(super) struct Figures(BTreeMap<String, Kept>);

/// The figures of one platform.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// What built the program that they were counted in.
    pub(super) compiler: String,
    pub(super) counts: Counts,
}

/// This platform, such as `x86_64-linux`.
pub(super) fn platform() -> String {
    use std::env::consts::{ARCH, OS};
    format!("{ARCH}-{OS}")
}

impl Figures {
    /// Reads them; where there is no file, there are none.
    pub(super) fn read(path: &Path) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    pub(super) fn of(&self, platform: &str) -> Option<&Kept> {
        self.0.get(platform)
    }

    /// Takes these for the figures of the platform.
    pub(super) fn keep(&mut self, platform: String, compiler: String, counts: Counts) {
        self.0.insert(platform, Kept { compiler, counts });
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.to_toml()).with_context(|| path.display().to_string())
    }

    fn to_toml(&self) -> String {
        let mut text = HEAD.to_owned();
        for (platform, Kept { compiler, counts }) in &self.0 {
            text += &format!("\n[{platform}]\ncompiler = \"{compiler}\"\n\n[{platform}.counts]\n");
            for (path, count) in counts {
                text += &format!("\"{path}\" = {count}\n");
            }
        }
        text
    }
}

/// What is wrong with these counts, a line each.
pub(super) fn compare(kept: &Counts, counts: &Counts) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, &count) in counts {
        match kept.get(path) {
            None => wrong.push(format!("the path `{path}` has no figure")),
            Some(&before) if count * 100 > before * (100 + TOLERATED_PERCENT) => {
                let percent = change(before, count) * 100.0;
                wrong.push(format!(
                    "the path `{path}` takes {count} instructions, {percent:+.1} % beside {before}"
                ));
            }
            Some(_) => {}
        }
    }
    let gone = kept.keys().filter(|path| !counts.contains_key(*path));
    wrong.extend(gone.map(|path| format!("the path `{path}` has a figure, but is not there")));
    wrong
}

fn change(before: u64, now: u64) -> f64 {
    now as f64 / before as f64 - 1.0
}

/// Each path with its count and how that stands beside the figure.
pub(super) fn table(kept: &Counts, counts: &Counts) -> String {
    let width = counts.keys().map(String::len).max().unwrap_or(0);
    let mut table = format!("\n{:width$}  instructions  figure\n", "path");
    for (path, &count) in counts {
        table += &format!("{path:width$}  {count:>12}  ");
        table += &match kept.get(path) {
            Some(&before) => format!("{before} ({:+.1} %)\n", change(before, count) * 100.0),
            None => "none\n".to_owned(),
        };
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, u64)]) -> Counts {
        of.iter()
            .map(|(path, count)| ((*path).to_owned(), *count))
            .collect()
    }

    #[test]
    fn a_rise_of_more_than_5_percent_is_wrong_and_named() {
        let kept = counts(&[
            ("admit", 1_000),
            ("decode/small", 1_000),
            ("exchange", 1_000),
        ]);
        let now = counts(&[("admit", 1_050), ("decode/small", 1_051), ("exchange", 500)]);
        assert_eq!(
            compare(&kept, &now),
            ["the path `decode/small` takes 1051 instructions, +5.1 % beside 1000"]
        );
    }

    #[test]
    fn a_path_without_a_figure_is_wrong_and_so_is_a_figure_without_a_path() {
        assert_eq!(
            compare(&counts(&[("gone", 1)]), &counts(&[("new", 1)])),
            [
                "the path `new` has no figure",
                "the path `gone` has a figure, but is not there"
            ]
        );
    }

    #[test]
    fn figures_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("figures.toml");
        let mut figures = Figures::read(&path).expect("no file, no figures");
        assert_eq!(figures, Figures::default());
        let some = counts(&[("sink/on_call", 321)]);
        figures.keep("x86_64-linux".to_owned(), "rustc 1.88.0".to_owned(), some);
        figures.keep(
            "aarch64-linux".to_owned(),
            "rustc 1.88.0".to_owned(),
            Counts::new(),
        );
        figures.write(&path).expect("a file can be made there");
        assert_eq!(Figures::read(&path).expect("it is good TOML"), figures);
    }

    #[test]
    fn a_table_has_the_figure_beside_the_count() {
        let table = table(
            &counts(&[("admit", 200)]),
            &counts(&[("admit", 210), ("new", 7)]),
        );
        assert!(
            table.contains("admit           210  200 (+5.0 %)"),
            "{table}"
        );
        assert!(table.contains("new               7  none"), "{table}");
    }
}
