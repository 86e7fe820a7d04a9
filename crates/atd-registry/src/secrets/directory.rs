//! Secrets in a directory, one file a caller.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use tokio::sync::Semaphore;

use super::{BrokerError, SecretBundle, SecretRequest, TokenBroker};

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// How many files are read at a time. A disk that hangs holds so many threads.
const MAX_READS: usize = 16;

/// Secrets in a directory, one file a caller. The file's name is the caller's
/// verified id, where every byte but letters, digits, `-`, `_` and `:` is
/// written as `%` and two hex digits: `uid:1000`, `bearer:ci`,
/// `did:key:z6Mk…`. Its lines are
///
/// ```text
/// # the token of the build server
/// expires 1798761600
/// tools gh:repo.list gh:repo.read
/// secret bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a
/// ```
///
/// - `expires`, in Unix seconds: from then on the caller's calls are refused.
/// - `tools`: for which tools the secrets are; without it, for all. May stand
///   several times.
/// - `secret`, a name, and the rest of the line is the value.
///
/// A file must be a file (no link), belong to the directory's owner or root, and
/// be readable by nobody else (mode 0600): any other is refused, and so is the
/// call. It is read at every call, so a change holds from the next one on; the
/// text is wiped from memory when it was read. A caller without a file has no
/// secrets.
///
/// It reads on a thread of tokio's pool for blocking work, so it needs a tokio
/// runtime.
pub struct DirectoryTokenBroker {
    directory: PathBuf,
    owner: u32,
    unix_now: Box<dyn Fn() -> Duration + Send + Sync>,
    reads: Arc<Semaphore>,
}

impl DirectoryTokenBroker {
    /// The secrets in this directory.
    ///
    /// # Errors
    /// If it is no directory, or others may write to it.
    pub fn open(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        let found = fs::metadata(&directory)?;
        if !found.is_dir() {
            return Err(io::Error::other("it is not a directory"));
        }
        if found.mode() & 0o022 != 0 {
            return Err(io::Error::other(
                "others may write to it: chmod 700 keeps them out",
            ));
        }
        Ok(Self {
            directory,
            owner: found.uid(),
            unix_now: Box::new(wall_clock),
            reads: Arc::new(Semaphore::new(MAX_READS)),
        })
    }

    /// Takes the time since 1970 from this clock.
    #[must_use]
    pub fn clock(mut self, unix_now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.unix_now = Box::new(unix_now);
        self
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that `clock` takes the place of"
)]
fn wall_clock() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

#[async_trait]
impl TokenBroker for DirectoryTokenBroker {
    async fn resolve(
        &self,
        request: SecretRequest<'_>,
    ) -> Result<Option<SecretBundle>, BrokerError> {
        let Some(name) = file_name(request.verified_id) else {
            return Ok(None);
        };
        let path = self.directory.join(name);
        let reading = self.reads.clone().acquire_owned().await;
        let reading = reading.map_err(BrokerError::new)?;
        // Cancelled: the thread ends by itself and gives its place back.
        let owner = self.owner;
        let read = tokio::task::spawn_blocking(move || {
            let _reading = reading;
            Kept::read(&path, owner)
        });
        let Some(kept) = read.await.map_err(BrokerError::new)?? else {
            return Ok(None);
        };
        if kept.expires.is_some_and(|end| (self.unix_now)() >= end) {
            return Err(BrokerError::new("the caller's secrets have expired"));
        }
        let meant = kept.tools.as_ref();
        let meant = meant.is_none_or(|tools| tools.iter().any(|it| it == request.tool_id));
        Ok(meant.then_some(kept.secrets))
    }
}

impl fmt::Debug for DirectoryTokenBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryTokenBroker")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// The name of a caller's file, or `None` where no file has so long a name.
/// Different callers have different names, and none leads out of the directory.
fn file_name(verified_id: &str) -> Option<String> {
    let mut name = String::new();
    for byte in verified_id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b':' => {
                name.push(char::from(byte));
            }
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    (1..=255).contains(&name.len()).then_some(name)
}

/// What a caller's file says.
struct Kept {
    expires: Option<Duration>,
    tools: Option<Vec<String>>,
    secrets: SecretBundle,
}

impl Kept {
    fn read(path: &Path, owner: u32) -> Result<Option<Self>, BrokerError> {
        let says = |problem: String| BrokerError::new(format!("{}: {problem}", path.display()));
        match text(path, owner) {
            Ok(text) => Self::parse(&text).map(Some).map_err(says),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(says(error.to_string())),
        }
    }

    /// No error repeats a line, which may hold a secret.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
        let (mut expires, mut tools, mut secrets) = (None, None::<Vec<String>>, Vec::new());
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what: &str| Err(format!("line {number}: {what}"));
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "expires" => match rest.trim().parse() {
                    Ok(seconds) => expires = Some(Duration::from_secs(seconds)),
                    Err(_) => return wrong("`expires` takes Unix seconds"),
                },
                "tools" => {
                    let more = rest.split_whitespace().map(str::to_owned);
                    tools.get_or_insert_default().extend(more);
                }
                "secret" => match rest.split_once(' ') {
                    Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                        secrets.push((name, SecretString::from(value)));
                    }
                    _ => return wrong("`secret` takes a name and a value"),
                },
                "" => {}
                comment if comment.starts_with('#') => {}
                _ => return wrong("a line begins with `expires`, `tools` or `secret`"),
            }
        }
        Ok(Self {
            expires,
            tools,
            secrets: secrets.into_iter().collect(),
        })
    }
}

/// The file's text, if it is one that only its owner can have written or read.
fn text(path: &Path, owner: u32) -> io::Result<Zeroizing<Vec<u8>>> {
    let named = fs::symlink_metadata(path)?;
    check(&named, owner)?;
    let file = File::open(path)?;
    let opened = file.metadata()?;
    check(&opened, owner)?;
    if (named.dev(), named.ino()) != (opened.dev(), opened.ino()) {
        return Err(io::Error::other("it was replaced while it was opened"));
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let length = usize::try_from(opened.len()).unwrap_or_default();
    let mut text = Zeroizing::new(vec![0; length]);
    let mut read = 0;
    let mut file = file.take(opened.len());
    loop {
        match file.read(&mut text[read..])? {
            0 => break,
            more => read += more,
        }
    }
    text.truncate(read);
    Ok(text)
}

fn check(found: &Metadata, owner: u32) -> io::Result<()> {
    let mode = found.mode() & 0o777;
    let problem = if !found.is_file() {
        "it is not a file".to_owned()
    } else if mode & 0o077 != 0 {
        format!("others may read it (mode {mode:03o}): chmod 600 keeps them out")
    } else if found.uid() != owner && found.uid() != 0 {
        format!(
            "it belongs to user id {}, not to the directory's",
            found.uid()
        )
    } else if found.len() > MAX_BYTES {
        format!("it is longer than {MAX_BYTES} bytes")
    } else {
        return Ok(());
    };
    Err(io::Error::other(problem))
}
