//! Where a program is.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::ProgramError;

/// What `PATH` is for a program whose environment does not list it, and where
/// it is looked for then.
pub const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The file that `program` names: one with a slash is a path, relative to
/// `working_dir`; any other is looked for on `path`, whose relative entries are
/// passed over, so that nobody plants a program in the working directory.
pub(crate) fn find(
    program: &OsStr,
    path: Option<&OsStr>,
    working_dir: &Path,
) -> Result<PathBuf, ProgramError> {
    if program.as_bytes().contains(&b'/') {
        let file = absolute(working_dir.join(program))?;
        return match executable(&file) {
            Some(true) => Ok(file),
            Some(false) => Err(ProgramError::NotExecutable { path: file }),
            None => Err(not_found(program, None)),
        };
    }
    let path = path.map_or_else(|| OsString::from(DEFAULT_PATH), OsStr::to_owned);
    let mut refused = None;
    if !program.is_empty() {
        for directory in std::env::split_paths(&path).filter(|it| it.is_absolute()) {
            let file = directory.join(program);
            match executable(&file) {
                Some(true) => return Ok(file),
                // Another directory may hold one that can be executed.
                Some(false) => refused = refused.or(Some(file)),
                None => {}
            }
        }
    }
    Err(match refused {
        Some(path) => ProgramError::NotExecutable { path },
        None => not_found(program, Some(path.to_string_lossy().into_owned())),
    })
}

/// Whether the file may be executed by somebody; `None` where there is none.
fn executable(file: &Path) -> Option<bool> {
    let metadata = std::fs::metadata(file).ok()?;
    Some(metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn absolute(path: PathBuf) -> Result<PathBuf, ProgramError> {
    std::path::absolute(&path)
        .map_err(|source: io::Error| ProgramError::WorkingDirectory { path, source })
}

fn not_found(program: &OsStr, searched: Option<String>) -> ProgramError {
    ProgramError::NotFound {
        program: program.to_string_lossy().into_owned(),
        searched,
    }
}
