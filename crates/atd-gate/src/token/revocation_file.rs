//! Revocations in a file.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::token::{RevocationSet, Revocations, TokenId};
use crate::trouble::Trouble;
use crate::watched::Watched;

/// The longest file that is read: a million ids.
const MAX_BYTES: u64 = 65 * 1024 * 1024;

/// Revocations in a file: a token's id on each line; what follows a `#` is a
/// remark. It is read again within a second of a change, when it is used.
///
/// It keeps what it knows: while the file cannot be read, and while it holds a line
/// that is no id, what was revoked before stays revoked, and
/// [`trouble`](Self::trouble) and the log say why.
#[derive(Debug)]
pub struct RevocationFile {
    file: Watched,
    revoked: RevocationSet,
    trouble: Trouble<RevocationFileError>,
}

/// Why a file of revocations cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationFileError {
    /// It cannot be read.
    #[error("cannot read the revocations in {}: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// A line is no token's id.
    #[error("{}:{line}: a token's id is 64 lower-case hex digits", path.display())]
    NotAnId {
        /// The file.
        path: PathBuf,
        /// The first such line, from 1.
        line: usize,
    },
}

impl RevocationFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`RevocationFileError`] if it cannot be read or holds anything else
    /// than ids.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RevocationFileError> {
        let file = Watched::new(path.as_ref(), MAX_BYTES);
        let text = file.read().map_err(|error| unreadable(&file, &error))?;
        let (tokens, bad_line) = parse(&text);
        if let Some(line) = bad_line {
            return Err(not_an_id(&file, line));
        }
        let revoked = RevocationSet::default();
        revoked.replace(tokens);
        Ok(Self {
            file,
            revoked,
            trouble: Trouble::none(),
        })
    }

    /// Why the file's newest state is not in force, if it is not.
    pub fn trouble(&self) -> Option<RevocationFileError> {
        self.trouble.get()
    }

    fn take_in(&self, read: io::Result<String>) {
        let trouble = match read {
            Err(error) => Some(unreadable(&self.file, &error)),
            Ok(text) => match parse(&text) {
                (tokens, None) => {
                    self.revoked.replace(tokens);
                    None
                }
                (tokens, Some(line)) => {
                    self.revoked.extend(tokens);
                    Some(not_an_id(&self.file, line))
                }
            },
        };
        let consequence = "what was revoked before stays so, and other tokens may not be";
        self.trouble.set(self.file.path(), trouble, consequence);
    }
}

impl Revocations for RevocationFile {
    fn epoch(&self, now: Duration) -> u64 {
        if let Some(read) = self.file.changed(now) {
            self.take_in(read);
        }
        self.revoked.epoch(now)
    }

    fn is_revoked(&self, token: &TokenId) -> bool {
        self.revoked.is_revoked(token)
    }
}

/// The ids, and the first line that is none.
fn parse(text: &str) -> (HashSet<TokenId>, Option<usize>) {
    let mut tokens = HashSet::new();
    let mut bad_line = None;
    for (index, line) in text.lines().enumerate() {
        let id = line.split('#').next().unwrap_or_default().trim();
        match id.parse() {
            Ok(id) => {
                tokens.insert(id);
            }
            Err(_) if id.is_empty() => {}
            Err(_) => {
                bad_line.get_or_insert(index + 1);
            }
        }
    }
    (tokens, bad_line)
}

fn unreadable(file: &Watched, error: &io::Error) -> RevocationFileError {
    RevocationFileError::Unreadable {
        path: file.path().to_owned(),
        problem: error.to_string(),
    }
}

fn not_an_id(file: &Watched, line: usize) -> RevocationFileError {
    RevocationFileError::NotAnId {
        path: file.path().to_owned(),
        line,
    }
}
