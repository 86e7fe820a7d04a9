//! Opening a log file without harm to what it holds.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use super::output::LineOutput;

pub(super) fn open(path: &Path) -> io::Result<LineOutput> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;

    let metadata = file.metadata()?;
    // A tail that cannot be looked at (we may append and not read) is taken
    // for a torn one: an empty line does no harm.
    let torn = metadata.is_file() && metadata.len() > 0 && !ends_in_newline(path).unwrap_or(false);
    let output = LineOutput::new(Box::new(file));
    Ok(if torn {
        output.on_a_fresh_line()
    } else {
        output
    })
}

/// The file is opened anew because the sink's own handle only appends: a pipe
/// opened for reading as well would never tell that its reader has gone.
fn ends_in_newline(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
