//! The rows as JSON for programs.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::rounds::Effort;
use crate::rows::Row;

#[derive(Serialize)]
struct Report<'a> {
    /// When it was written, in RFC 3339.
    date: String,
    /// How many threads the machine runs at once.
    cores: usize,
    /// Which kernel it runs.
    kernel: String,
    rounds: usize,
    slice_ms: u128,
    rows: &'a [Row],
}

/// Writes them to that file.
pub(crate) fn write(file: &Path, rows: &[Row], effort: Effort) -> Result<()> {
    let report = Report {
        date: ours::audit::now_rfc3339(),
        cores: thread::available_parallelism()?.get(),
        kernel: rustix::system::uname()
            .release()
            .to_string_lossy()
            .into_owned(),
        rounds: effort.rounds,
        slice_ms: effort.slice.as_millis(),
        rows,
    };
    let write = || -> Result<()> {
        let mut file = BufWriter::new(File::create(file)?);
        serde_json::to_writer_pretty(&mut file, &report)?;
        Ok(file.flush()?)
    };
    write().with_context(|| file.display().to_string())
}
