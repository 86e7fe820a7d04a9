//! The Ed25519 keys that sign a log's chain.

mod public;
mod signing;

use std::{error, fmt};

pub use self::{public::PublicKey, signing::SigningKey};

/// The text or the bytes are not those of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Not an Ed25519 public key.
    Public,
    /// Not an Ed25519 signing key.
    Signing,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "an Ed25519 public key is 64 hex digits",
            Self::Signing => "an Ed25519 signing key is 64 hex digits, of any 32 secret bytes",
        })
    }
}

impl error::Error for KeyError {}
