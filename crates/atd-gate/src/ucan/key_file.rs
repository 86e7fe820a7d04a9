//! Keys in files.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::issue::SigningKey;

/// A key is 64 hex digits and a line end.
const MAX_BYTES: u64 = 80;

impl SigningKey {
    /// Writes the key into a new file that only its owner can read: the secret
    /// bytes in hex.
    ///
    /// # Errors
    /// If the file cannot be written, or is there already: no key is replaced.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let digits = self.expose_bytes().map(|byte| format!("{byte:02x}"));
        writeln!(file, "{}", digits.concat())?;
        file.sync_all()
    }

    /// Reads a key from a file that only its owner can read.
    ///
    /// # Errors
    /// If the file cannot be read, holds no key, or others may read it.
    pub fn load(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = File::open(path)?;
        let mode = file.metadata()?.mode() & 0o777;
        if mode & 0o077 != 0 {
            let problem = format!("others may read the key (mode {mode:03o}): chmod 600");
            return Err(io::Error::other(problem));
        }
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text)?;
        let digits = text.trim_end();
        let mut secret = [0; 32];
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let is_key = pairs.len() == 32 && rest.is_empty();
        for (byte, pair) in secret.iter_mut().zip(pairs) {
            let pair = std::str::from_utf8(pair).ok();
            let value = pair.filter(|it| !it.starts_with('+'));
            let value = value.and_then(|it| u8::from_str_radix(it, 16).ok());
            *byte = value.ok_or_else(no_key)?;
        }
        is_key.then(|| Self::from_bytes(&secret)).ok_or_else(no_key)
    }
}

fn no_key() -> io::Error {
    io::Error::other("it holds no key, which is 64 hex digits")
}
