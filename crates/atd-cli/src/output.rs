//! Printing, for people and for programs.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default();

/// One JSON document on standard output.
pub(crate) fn json<T: Serialize>(document: &T) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, document)?;
    writeln!(out)
}

/// Text on standard output; its colours are left out where nobody sees them.
pub(crate) fn print(text: impl std::fmt::Display) -> io::Result<()> {
    writeln!(anstream::stdout().lock(), "{text}")
}

/// Set once standard error is a log of JSON lines, of which every line is one.
static LOGS_JSON: OnceLock<()> = OnceLock::new();

/// From now on what is noted goes to the log, under the target `atd::command`.
pub(crate) fn log_notes() {
    LOGS_JSON.get_or_init(|| ());
}

/// Whether what is noted goes to the log.
pub(crate) fn notes_are_logged() -> bool {
    LOGS_JSON.get().is_some()
}

/// Text on standard error, likewise.
pub(crate) fn note(text: impl std::fmt::Display) -> io::Result<()> {
    if notes_are_logged() {
        let text = text.to_string();
        let text = anstream::adapter::strip_str(&text).to_string();
        tracing::info!(target: "atd::command", "{}", text.trim());
        return Ok(());
    }
    writeln!(anstream::stderr().lock(), "{text}")
}

/// Whether colours on standard error are seen, and wanted.
pub(crate) fn stderr_has_colours() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// Rows below a header, as wide as the terminal, without one as wide as it needs.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().copied());
    for row in rows {
        table.add_row(row.iter().map(|cell| one_line(cell)));
    }
    if io::stdout().is_terminal()
        && let Some((width, _)) = terminal_size::terminal_size()
    {
        table.set_width(width.0);
    }
    table.trim_fmt()
}

/// What a server said, safe for a terminal: no line but the one it stands on,
/// no order to the terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
