//! What stands between a client and its server.

use std::{io, os::unix::fs::FileTypeExt, path::Path};

/// What kept a client from connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// Nothing is at the path. A server that is starting will make it.
    Absent,
    /// A socket is at the path and nobody listens.
    NotListening,
    /// The server has more connections waiting than it takes.
    Busy,
    /// The server did not let the client in within the time for one attempt.
    TimedOut,
    /// The permissions of the socket or of a directory above it forbid it.
    Forbidden,
    /// What is at the path is no socket.
    NotASocket,
    /// The path can be no socket's, for instance because it is too long.
    BadPath,
    /// Something else, which the error's source tells.
    Other,
}

impl Obstacle {
    /// What `error` means for a client that wanted to connect to `path`.
    pub(crate) fn of(error: &io::Error, path: &Path) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            // Of a file or a directory, systems say one thing or another.
            _ if is_no_socket(path) => Self::NotASocket,
            Kind::NotFound => Self::Absent,
            Kind::ConnectionRefused => Self::NotListening,
            Kind::WouldBlock | Kind::Interrupted => Self::Busy,
            Kind::TimedOut => Self::TimedOut,
            Kind::PermissionDenied => Self::Forbidden,
            Kind::InvalidInput | Kind::InvalidFilename | Kind::NotADirectory => Self::BadPath,
            _ => Self::Other,
        }
    }

    /// Whether the same attempt may succeed later without a change on this
    /// side.
    pub fn may_pass(self) -> bool {
        match self {
            Self::Absent | Self::NotListening | Self::Busy | Self::TimedOut => true,
            Self::Forbidden | Self::NotASocket | Self::BadPath | Self::Other => false,
        }
    }

    /// What a person should do about it.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Absent => "nothing is there: start the server, or check the path",
            Self::NotListening => "no server listens there: start it",
            Self::Busy | Self::TimedOut => {
                "the server does not keep up: see whether it is stuck, or try again later"
            }
            Self::Forbidden => {
                "this user may not use the socket: run as the server's user, or have it let you in"
            }
            Self::NotASocket => "what is there is no socket: check the path",
            Self::BadPath => "no socket can have this path: check it, or choose a shorter one",
            Self::Other => "the system would not have it",
        }
    }
}

/// Looks at what the system has just resolved the path of, so it blocks no
/// longer than the attempt to connect itself did.
fn is_no_socket(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.file_type().is_socket())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that a test cannot bring about as whatever user it runs as.
    #[test]
    fn what_the_system_says_tells_whether_it_may_pass() {
        let check = |kind: io::ErrorKind, obstacle: Obstacle, may_pass: bool| {
            let found = Obstacle::of(&kind.into(), Path::new("/nowhere"));
            assert_eq!((found, found.may_pass()), (obstacle, may_pass), "{kind}");
        };
        check(io::ErrorKind::TimedOut, Obstacle::TimedOut, true);
        check(io::ErrorKind::Interrupted, Obstacle::Busy, true);
        check(io::ErrorKind::PermissionDenied, Obstacle::Forbidden, false);
        check(io::ErrorKind::OutOfMemory, Obstacle::Other, false);
    }
}
