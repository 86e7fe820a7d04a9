//! Why a file tool did not get at a file.

use std::io;

use atd_proto::ToolDefinitionBuilder;
use atd_registry::ToolCallError;
use rustix::io::Errno;

use crate::text::shown;

/// Why a file tool did not get at a file. It never holds the server's own name
/// for one.
#[derive(Debug)]
pub(super) enum FsError {
    NulInPath,
    NotFound,
    NotAFile,
    OutsideRoot,
    PermissionDenied,
    Io(io::Error),
}

impl FsError {
    /// Adds these failures to the definition of a tool by which files are
    /// `done`, such as "read".
    pub(super) fn declare(
        definition: ToolDefinitionBuilder,
        done: &'static str,
    ) -> ToolDefinitionBuilder {
        Self::declare_paths(definition, done).error(
            "NOT_A_FILE",
            "The path is a directory, FIFO, socket or device.",
            false,
        )
    }

    /// The same without the one for what is there and no file.
    pub(super) fn declare_paths(
        definition: ToolDefinitionBuilder,
        done: &'static str,
    ) -> ToolDefinitionBuilder {
        definition
            .error(
                "NOT_FOUND",
                "There is nothing of that path, or its symbolic links go in a circle.",
                false,
            )
            .error(
                "OUTSIDE_ROOT",
                "The path, or a symbolic link in it, leads out of the server's root directory.",
                false,
            )
            .error(
                "PERMISSION_DENIED",
                format!("What is there may not be {done} by the server's user."),
                false,
            )
            .error(
                "IO",
                format!("What is there could not be {done}: the system failed."),
                true,
            )
    }

    /// What the caller learns, who called the file `path` and wanted it `done`,
    /// such as "read".
    pub(super) fn for_caller(self, path: &str, done: &'static str) -> ToolCallError {
        let failed = |code, says: &str| about(path, code, says);
        match self {
            Self::NulInPath => ToolCallError::invalid_arg("/path", "a path holds no NUL"),
            Self::NotFound => failed("NOT_FOUND", "does not exist"),
            Self::NotAFile => failed("NOT_A_FILE", "is not a regular file"),
            Self::OutsideRoot => failed(
                "OUTSIDE_ROOT",
                "leads out of the server's root directory; paths are relative to it",
            ),
            Self::PermissionDenied => failed(
                "PERMISSION_DENIED",
                &format!("may not be {done} by the server"),
            ),
            Self::Io(error) => ToolCallError::failed_for_now(
                "IO",
                format!("{} could not be {done}: {error}", shown(path)),
            ),
        }
    }
}

/// A failure that trying again will not mend, told of `path`.
pub(super) fn about(path: &str, code: &'static str, says: &str) -> ToolCallError {
    ToolCallError::failed(code, format!("{} {says}", shown(path)))
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
            Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Self::PermissionDenied,
            _ => Self::Io(error),
        }
    }
}
