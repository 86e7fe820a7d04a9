//! The steps of a command: run in order, timed, and named when one fails.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How a step ended that did not fail.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It ran.
    Passed,
    /// It had nothing to run on, for the reason given.
    Skipped(String),
}

/// The steps run so far, each with its time.
#[derive(Debug, Default)]
pub(crate) struct Report {
    laps: Vec<Lap>,
}

#[derive(Debug)]
struct Lap {
    step: &'static str,
    time: Duration,
    ending: String,
}

impl Report {
    /// Runs `work` as the step of that name; its error names the step.
    pub(crate) fn step(
        &mut self,
        step: &'static str,
        work: impl FnOnce() -> Result<Outcome>,
    ) -> Result<()> {
        eprintln!("\n==> {step}");
        let start = now();
        let result = work();
        self.laps.push(Lap {
            step,
            time: start.elapsed(),
            ending: match &result {
                Ok(Outcome::Passed) => String::new(),
                Ok(Outcome::Skipped(why)) => format!("  skipped: {why}"),
                Err(_) => "  failed".to_owned(),
            },
        });
        result
            .map(|_| ())
            .with_context(|| format!("step `{step}` failed"))
    }

    /// Tells on stderr how long each step took.
    pub(crate) fn print_times(&self) {
        if !self.laps.is_empty() {
            eprint!("\n{self}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.laps.iter().map(|lap| lap.time).sum();
        let width = self.laps.iter().map(|lap| lap.step.len()).max();
        let width = width.unwrap_or(0).max("total".len());
        for Lap { step, time, ending } in &self.laps {
            writeln!(f, "{step:width$}  {:>8}{ending}", seconds(*time))?;
        }
        if self.laps.len() > 1 {
            writeln!(f, "{:width$}  {:>8}", "total", seconds(total))?;
        }
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a step took is a question about the wall clock, and no test asks it"
)]
fn now() -> Instant {
    Instant::now()
}

fn seconds(time: Duration) -> String {
    let tenths = time.as_millis() / 100;
    let (minutes, tenths) = (tenths / 600, tenths % 600);
    match minutes {
        0 => format!("{}.{} s", tenths / 10, tenths % 10),
        _ => format!("{minutes} m {:02} s", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_is_named_and_still_timed() {
        let mut report = Report::default();
        let error = report
            .step("docs", || anyhow::bail!("a link is broken"))
            .expect_err("the step's own error");
        assert_eq!(format!("{error:#}"), "step `docs` failed: a link is broken");
        assert!(report.to_string().starts_with("docs"), "{report}");
        assert!(report.to_string().contains("failed"), "{report}");
    }

    #[test]
    fn a_skipped_step_says_why() {
        let mut report = Report::default();
        let skip = || Ok(Outcome::Skipped("there are no benches".to_owned()));
        report.step("benches", skip).expect("a skip is no failure");
        assert!(
            report.to_string().contains("skipped: there are no benches"),
            "{report}"
        );
    }

    #[test]
    fn times_are_read_at_a_glance() {
        assert_eq!(seconds(Duration::from_millis(40)), "0.0 s");
        assert_eq!(seconds(Duration::from_millis(59_990)), "59.9 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 m 05 s");
    }
}
