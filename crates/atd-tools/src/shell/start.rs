//! Where a command starts.

use std::path::{Path, PathBuf};

use atd_registry::ToolCallError;

/// The directory below `root` that was asked for, which is canonical. It says
/// where a command starts and not where it may go, so one look is enough.
pub(super) fn start_in(root: &Path, asked: Option<&str>) -> Result<PathBuf, ToolCallError> {
    let Some(asked) = asked else {
        return Ok(root.to_owned());
    };
    if asked.contains('\0') {
        return Err(ToolCallError::invalid_arg(
            "/directory",
            "a path holds no NUL",
        ));
    }
    let found = std::fs::canonicalize(root.join(asked));
    match found {
        Ok(path) if path.starts_with(root) && path.is_dir() => Ok(path),
        _ => Err(ToolCallError::failed(
            "DIRECTORY_NOT_FOUND",
            "there is no such directory below the server's root directory; name one relative to it",
        )),
    }
}
