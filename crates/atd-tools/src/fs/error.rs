//! Why a file tool did not do what it was asked.

use std::io;

use atd_proto::ToolDefinitionBuilder;
use atd_registry::ToolCallError;
use rustix::io::Errno;

/// Why a file tool did not do what it was asked. It never holds the server's
/// own name for a file.
#[derive(Debug)]
pub(super) enum FsError {
    NulInPath,
    NotFound,
    NotAFile,
    OutsideRoot,
    PermissionDenied,
    /// The first line asked for was not come to in time.
    TooFar {
        line: u64,
        passed: u64,
    },
    /// Not one line fits into the longest result.
    NoRoom {
        budget: usize,
    },
    Io(io::Error),
}

/// How many characters of a path a message repeats.
const SHOWN: usize = 256;

impl FsError {
    /// Adds the failures of opening and reading a file to a definition.
    pub(super) fn declare(definition: ToolDefinitionBuilder) -> ToolDefinitionBuilder {
        definition
            .error(
                "NOT_FOUND",
                "There is no file of that path, or its symbolic links go in a circle.",
                false,
            )
            .error(
                "NOT_A_FILE",
                "The path is a directory, FIFO, socket or device.",
                false,
            )
            .error(
                "OUTSIDE_ROOT",
                "The path, or a symbolic link in it, leads out of the server's root directory.",
                false,
            )
            .error(
                "PERMISSION_DENIED",
                "The server's user may not read the file.",
                false,
            )
            .error(
                "TOO_FAR",
                "The line `offset` is so far into the file that the call's time did not suffice.",
                false,
            )
            .error(
                "NO_ROOM",
                "The longest result that the call may have holds not one line.",
                false,
            )
            .error("IO", "The system failed to open or read the file.", true)
    }

    /// What the caller learns, who called the file `path`.
    pub(super) fn for_caller(self, path: &str) -> ToolCallError {
        let path = shown(path);
        let failed = |code: &str, says: &str| ToolCallError::failed(code, format!("{path} {says}"));
        match self {
            Self::NulInPath => ToolCallError::invalid_arg("/path", "a path holds no NUL"),
            Self::NotFound => failed("NOT_FOUND", "does not exist"),
            Self::NotAFile => failed("NOT_A_FILE", "is not a regular file"),
            Self::OutsideRoot => failed(
                "OUTSIDE_ROOT",
                "leads out of the server's root directory; paths are relative to it",
            ),
            Self::PermissionDenied => failed("PERMISSION_DENIED", "may not be read by the server"),
            Self::TooFar { line, passed } => failed(
                "TOO_FAR",
                &format!(
                    "is too long: the call's time sufficed for line {passed}, not for line {line}"
                ),
            ),
            Self::NoRoom { budget } => failed(
                "NO_ROOM",
                &format!("cannot be shown: a result may have {budget} bytes, too few for a line"),
            ),
            Self::Io(error) => {
                ToolCallError::failed_for_now("IO", format!("{path} could not be read: {error}"))
            }
        }
    }
}

impl From<io::Error> for FsError {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            // The refusal that cap-std makes itself has no number; one by the
            // system has.
            None if error.kind() == io::ErrorKind::PermissionDenied => Self::OutsideRoot,
            Some(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::LOOP) => Self::NotFound,
            // What sockets and absent devices say, when one takes a file's
            // place after the look at it.
            Some(Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP | Errno::ISDIR) => Self::NotAFile,
            Some(Errno::ACCESS | Errno::PERM) => Self::PermissionDenied,
            _ => Self::Io(error),
        }
    }
}

/// A path as the caller gave it, quoted, in one line, and no longer than one
/// wants to read.
fn shown(path: &str) -> String {
    match path.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &path[..end]),
        None => format!("{path:?}"),
    }
}
