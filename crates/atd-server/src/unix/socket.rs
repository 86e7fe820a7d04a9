//! The socket file: ours alone, never anybody else's.

use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{UnixListener, UnixStream};

/// Connections that wait to be accepted; the system may have a lower limit.
const BACKLOG: i32 = 4096;

/// Only the user who serves may connect.
const MODE: u32 = 0o600;

/// Why a socket could not be served on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another server is serving there.
    #[error("{} is served already{}; stop that server or choose another path", path.display(), by(*pid))]
    InUse {
        /// The socket's path.
        path: PathBuf,
        /// The process that serves it, where it is known.
        pid: Option<u32>,
    },
    /// Something is there that is no socket. It was left alone.
    #[error("{} is there already and is {kind}, not a socket; move it away or choose another path", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The watchdog's thread could not be started.
    #[error("cannot start the watchdog: {0}")]
    Watchdog(#[source] io::Error),
}

fn by(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" by process {pid}"))
}

/// A Unix socket that this process listens on. Dropping it removes the file.
///
/// Who has more to open, such as a log, binds the socket first and learns so
/// that another server is there before anything is touched. Clients may connect
/// from then on; they wait until [`Server::serve_on`](crate::Server::serve_on)
/// serves them.
#[derive(Debug)]
pub struct BoundSocket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    inode: (u64, u64),
    /// Held for as long as the socket is ours. The file stays behind: removing
    /// it would let two servers each lock a file of that name.
    _lock: File,
}

impl BoundSocket {
    /// Listens at `path`, whose directory is made where it is missing.
    ///
    /// # Errors
    /// [`BindError`] when another server has the path, or something that is no
    /// socket does, or the system refuses.
    pub async fn bind(path: impl AsRef<Path>) -> Result<Self, BindError> {
        let path = path.as_ref();
        // Twice: what is no socket leaves no lock behind, and what was put
        // there before the lock was taken is seen under it.
        check(path)?;
        make_directory(path)?;
        let lock = lock(path)?;
        clear(path).await?;
        let listener = listen(path)?;
        let metadata = path.symlink_metadata().map_err(failed("look at", path))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            inode: (metadata.dev(), metadata.ino()),
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next client, for who speaks something else than this protocol on a
    /// socket that is bound as carefully. Dropped, it has taken nobody.
    ///
    /// # Errors
    /// What the system says, such as that there are no descriptors left.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for BoundSocket {
    fn drop(&mut self) {
        let ours = self
            .path
            .symlink_metadata()
            .is_ok_and(|found| (found.dev(), found.ino()) == self.inode);
        if ours {
            // Somebody may have been quicker; then it is gone all the same.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> BindError + 'a {
    move |source| BindError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

fn make_directory(path: &Path) -> Result<(), BindError> {
    let Some(directory) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) else {
        return Ok(());
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(failed("make the directory", directory))
}

/// Takes the lock beside the socket: who has it may take over a dead server's
/// socket, and nobody else looks at it meanwhile.
fn lock(path: &Path) -> Result<File, BindError> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".atd-lock");
    let lock_path = path.with_file_name(name);
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut file: File = rustix::fs::open(&lock_path, flags, Mode::from_raw_mode(MODE))
        .map_err(|error| failed("open", &lock_path)(error.into()))?
        .into();
    let mut noted = String::new();
    let read = file.read_to_string(&mut noted);
    let pid: Option<u32> = noted.trim().parse().ok();
    if read.is_err() || (pid.is_none() && !noted.is_empty()) {
        let strange = io::Error::new(
            io::ErrorKind::InvalidData,
            "it holds something else than a lock does",
        );
        return Err(failed("use as a lock", &lock_path)(strange));
    }
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(BindError::InUse {
                path: path.to_owned(),
                pid,
            });
        }
        Err(error) => return Err(failed("lock", &lock_path)(error.into())),
    }
    let noted = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    noted.map_err(failed("write", &lock_path))?;
    Ok(file)
}

/// Whether something is at the path, which must then be a socket.
fn check(path: &Path) -> Result<bool, BindError> {
    let found = match path.symlink_metadata() {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed("look at", path)(error)),
    };
    if found.is_socket() {
        return Ok(true);
    }
    Err(BindError::NotASocket {
        path: path.to_owned(),
        kind: if found.is_symlink() {
            "a symbolic link"
        } else if found.is_dir() {
            "a directory"
        } else if found.is_file() {
            "a file"
        } else {
            "something else"
        },
    })
}

/// Removes the socket of a server that has died. Anything else is left alone.
async fn clear(path: &Path) -> Result<(), BindError> {
    if !check(path)? {
        return Ok(());
    }
    // A server that holds no lock of ours may serve it.
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed("remove the dead socket", path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(failed("look at the socket", path)(error))
        }
        // A full backlog is somebody's too.
        Ok(_) | Err(_) => Err(BindError::InUse {
            path: path.to_owned(),
            pid: None,
        }),
    }
}

fn listen(path: &Path) -> Result<UnixListener, BindError> {
    let refused = |error: rustix::io::Errno| failed("listen on", path)(error.into());
    let address = SocketAddrUnix::new(path).map_err(refused)?;
    #[cfg(target_os = "linux")]
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    #[cfg(not(target_os = "linux"))]
    let flags = SocketFlags::empty();
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
        .map_err(refused)?;
    // On Linux the file is made with the mode of the socket, less the umask:
    // it is never wider, not even for a moment.
    #[cfg(target_os = "linux")]
    rustix::fs::fchmod(&socket, Mode::from_raw_mode(MODE)).map_err(refused)?;
    rustix::net::bind(&socket, &address).map_err(refused)?;
    // Nobody can connect before `listen`, so elsewhere this is in time.
    rustix::fs::chmod(path, Mode::from_raw_mode(MODE)).map_err(refused)?;
    rustix::net::listen(&socket, BACKLOG).map_err(refused)?;
    let listener = StdListener::from(socket);
    listener
        .set_nonblocking(true)
        .map_err(failed("listen on", path))?;
    UnixListener::from_std(listener).map_err(failed("listen on", path))
}
