//! How far a call has come, on one line of a terminal that is drawn anew.

use std::io::{self, IsTerminal, Write};

use atd_runtime::proto::Progress;

use crate::output::one_line;

/// The bar's width, in characters.
const WIDTH: u64 = 24;

/// Back to the line's beginning, and the line emptied.
const CLEAR: &str = "\r\x1b[2K";

/// The line on standard error. It is there only where somebody sees it, and
/// gone when this is dropped.
pub(crate) struct Line {
    drawn: bool,
}

impl Line {
    /// A line, if standard error is a terminal.
    pub(crate) fn on_terminal() -> Option<Self> {
        io::stderr().is_terminal().then_some(Self { drawn: false })
    }

    pub(crate) fn draw(&mut self, progress: &Progress) {
        let columns = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        self.drawn = true;
        // Without a terminal to draw on, the call goes on all the same.
        let _ = write!(io::stderr().lock(), "{CLEAR}{}", shown(progress, columns));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr().lock(), "{CLEAR}");
        }
    }
}

/// A bar where the end is known, and what the tool says.
fn shown(progress: &Progress, columns: usize) -> String {
    let Progress { done, total, .. } = *progress;
    let count = match total {
        Some(total) if total > 0 => {
            let share = u128::from(done.min(total)) * u128::from(WIDTH) / u128::from(total);
            let full = usize::try_from(share).unwrap_or(0);
            let rest = usize::try_from(WIDTH).unwrap_or(0) - full;
            format!("[{}{}] {done}/{total}", "#".repeat(full), "-".repeat(rest))
        }
        _ => done.to_string(),
    };
    let message = progress.message.as_deref().map(one_line);
    let line = [Some(count), message].into_iter().flatten();
    let line = line.collect::<Vec<_>>().join(" ");
    // A line that wraps could not be drawn anew.
    line.chars().take(columns.saturating_sub(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_how_much_is_done_and_stays_on_its_line() {
        let check = |progress: Progress, columns: usize, expected: &str| {
            assert_eq!(shown(&progress, columns), expected);
        };
        check(
            Progress::new(3).of(4).saying("copying\n\x1b[31mfiles"),
            80,
            "[##################------] 3/4 copying  [31mfiles",
        );
        check(Progress::new(9).of(3), 80, "[########################] 9/3");
        check(
            Progress::new(u64::MAX).of(u64::MAX),
            20,
            "[##################",
        );
        check(Progress::new(7).saying("found"), 80, "7 found");
        check(Progress::new(7).of(0), 80, "7");
    }
}
