//! Bearers in a file.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::{AuthenticationError, Authenticator, Principal};
use crate::token::TokenId;
use crate::trouble::Trouble;
use crate::watched::Watched;

/// The longest file that is read, in bytes, and the longest credential.
const MAX_BYTES: u64 = 1024 * 1024;
const MAX_CREDENTIAL: usize = 4096;

/// Bearers in a file, one on each line: a name, the SHA-256 of the credential
/// in hex, when it ends in Unix seconds or `never`, and the capabilities that
/// it grants, with commas between them. What follows a `#` is a remark.
///
/// ```text
/// # printf %s "$CREDENTIAL" | sha256sum
/// ci   2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b  1798761600  read,fs.write
/// ```
///
/// Only hashes are kept, so a credential must be long and random: 32 bytes from
/// the system's generator, not a word that somebody can guess. The file must
/// not be writable by others. It is read again within a second of a change,
/// when it is used; while its newest state cannot be used, nobody is let in by
/// it, and [`trouble`](Self::trouble) says why.
#[derive(Debug)]
pub struct BearerTable {
    file: Watched,
    rows: RwLock<Vec<Row>>,
    epoch: AtomicU64,
    trouble: Trouble<BearerTableError>,
}

#[derive(Debug)]
struct Row {
    hash: BearerHash,
    principal: Principal,
}

/// The SHA-256 of a credential; written and read as 64 lower-case hex digits.
#[derive(Clone, Copy, Debug)]
pub struct BearerHash([u8; 32]);

/// Why a table of bearers cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BearerTableError {
    /// The file cannot be read.
    #[error("cannot read the bearers in {}: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// Somebody else than the owner may write to the file.
    #[error("{} may be written by others (mode {mode:03o}): chmod 600 keeps them out", path.display())]
    WritableByOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A line is not as it should be.
    #[error("{}:{line}: {problem}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl BearerHash {
    /// The hash of a credential.
    pub fn of(credential: &str) -> Self {
        Self(Sha256::digest(credential).into())
    }
}

impl fmt::Display for BearerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TokenId::from_sha256(self.0).fmt(f)
    }
}

impl BearerTable {
    /// Reads the file.
    ///
    /// # Errors
    /// [`BearerTableError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, BearerTableError> {
        let file = Watched::new(path.as_ref(), MAX_BYTES);
        let rows = parse(file.path(), file.read())?;
        Ok(Self {
            file,
            rows: RwLock::new(rows),
            epoch: AtomicU64::new(0),
            trouble: Trouble::none(),
        })
    }

    /// Why nobody is let in, if that is so.
    pub fn trouble(&self) -> Option<BearerTableError> {
        self.trouble.get()
    }

    fn look(&self, now: Duration) {
        let Some(read) = self.file.changed(now) else {
            return;
        };
        let (rows, trouble) = match parse(self.file.path(), read) {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let consequence = "nobody is let in by a bearer credential";
        self.trouble.set(self.file.path(), trouble, consequence);
        let mut held = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        *held = rows;
        // Under the lock, so that who sees the new number sees the rows too.
        self.epoch.fetch_add(1, Ordering::Release);
    }
}

impl Authenticator for BearerTable {
    fn authenticate(
        &self,
        credential: &str,
        now: Duration,
        unix_now: Duration,
    ) -> Result<Principal, AuthenticationError> {
        self.look(now);
        if credential.len() > MAX_CREDENTIAL {
            return Err(AuthenticationError::Unknown);
        }
        let presented = BearerHash::of(credential);
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        // Every row is looked at, so that the time tells nothing of which one
        // was alike, nor how far.
        let mut found = u64::MAX;
        for (index, row) in (0..).zip(rows.iter()) {
            let same: Choice = row.hash.0.ct_eq(&presented.0);
            found.conditional_assign(&index, same);
        }
        let row = usize::try_from(found)
            .ok()
            .and_then(|index| rows.get(index));
        let row = row.ok_or(AuthenticationError::Unknown)?;
        match row.principal.expires {
            Some(expires) if unix_now >= expires => Err(AuthenticationError::Expired),
            _ => Ok(row.principal.clone()),
        }
    }

    fn epoch(&self, now: Duration) -> u64 {
        self.look(now);
        self.epoch.load(Ordering::Acquire)
    }

    fn still_knows(&self, principal: &Principal) -> bool {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.iter().any(|row| row.principal == *principal)
    }
}

fn parse(path: &Path, read: io::Result<String>) -> Result<Vec<Row>, BearerTableError> {
    let unreadable = |error: io::Error| BearerTableError::Unreadable {
        path: path.to_owned(),
        problem: error.to_string(),
    };
    let text = read.map_err(unreadable)?;
    let mode = std::fs::metadata(path).map_err(unreadable)?.mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(BearerTableError::WritableByOthers {
            path: path.to_owned(),
            mode,
        });
    }
    let lines = (1..).zip(text.lines());
    let stated = lines.map(|(number, line)| (number, line.split('#').next().unwrap_or_default()));
    stated
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(line, text)| {
            row(text).map_err(|problem| BearerTableError::BadLine {
                path: path.to_owned(),
                line,
                problem,
            })
        })
        .collect()
}

fn row(line: &str) -> Result<Row, &'static str> {
    let mut words = line.split_whitespace();
    let (Some(name), Some(hash), Some(ends), capabilities, None) = (
        words.next(),
        words.next(),
        words.next(),
        words.next(),
        words.next(),
    ) else {
        return Err("a bearer is a name, a hash, an end and capabilities, with spaces between");
    };
    let hash: BearerHash = hash.parse()?;
    let expires = match ends {
        "never" => None,
        seconds => Some(Duration::from_secs(
            seconds
                .parse()
                .map_err(|_| "the end is Unix seconds, or `never`")?,
        )),
    };
    let capabilities = capabilities.unwrap_or_default().split(',');
    Ok(Row {
        hash,
        principal: Principal {
            name: Arc::from(name),
            capabilities: capabilities.filter(|one| !one.is_empty()).collect(),
            expires,
            handle: hash.to_string().into(),
        },
    })
}

impl FromStr for BearerHash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let id: TokenId = text
            .parse()
            .map_err(|_| "the hash is the 64 lower-case hex digits of a SHA-256")?;
        Ok(Self(*id.as_bytes()))
    }
}
