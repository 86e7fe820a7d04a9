//! The names of keys.

use std::fmt;
use std::str::FromStr;

/// The multicodec of an Ed25519 public key.
const ED25519: [u8; 2] = [0xed, 0x01];

const PREFIX: &str = "did:key:z";

/// No did:key of an Ed25519 key is longer than this. Reading base58 takes time
/// that grows with the square of the length.
const MAX_LENGTH: usize = 60;

/// The name of an Ed25519 public key: `did:key:z6Mk…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Did([u8; 32]);

/// A text that is no did:key of an Ed25519 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it should be the did:key of an Ed25519 key, such as did:key:z6Mk…")]
pub struct DidError;

impl Did {
    /// The name of the key with these bytes. Whether they are a key shows when
    /// a signature is checked with it.
    pub const fn from_public_key(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The key's bytes.
    pub const fn public_key(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Did {
    type Err = DidError;

    fn from_str(text: &str) -> Result<Self, DidError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(DidError)?;
        if text.len() > MAX_LENGTH {
            return Err(DidError);
        }
        let mut bytes = [0; MAX_LENGTH];
        let length = bs58::decode(encoded)
            .onto(&mut bytes)
            .map_err(|_| DidError)?;
        let key = bytes[..length].strip_prefix(&ED25519).ok_or(DidError)?;
        key.try_into().map(Self).map_err(|_| DidError)
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 34];
        bytes[..2].copy_from_slice(&ED25519);
        bytes[2..].copy_from_slice(&self.0);
        write!(f, "{PREFIX}{}", bs58::encode(bytes).into_string())
    }
}

impl fmt::Debug for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Did({self})")
    }
}
