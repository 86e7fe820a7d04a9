//! What cursors are sealed with.

use std::fmt;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use data_encoding::HEXLOWER_PERMISSIVE;

/// How long a key is, in bytes.
const LENGTH: usize = 32;

/// A key whose bytes take fewer values than this was not drawn at random: of
/// 32 random bytes so few are as good as impossible.
const FEWEST_VALUES: usize = 16;

/// The key that a server seals its cursors with. Each server makes one of its
/// own when it is built. Several instances that take one another's cursors,
/// such as those behind one balancer, are given the same.
///
/// Not shown in debug output; wiped from memory when the last clone is dropped.
#[derive(Clone)]
pub struct CursorKey {
    cipher: XChaCha20Poly1305,
    shared: bool,
}

/// Why a key is refused. What the key was is not in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorKeyError {
    /// It is no hexadecimal number.
    #[error(
        "the cursor key should be 64 hexadecimal digits, such as `openssl rand -hex 32` prints"
    )]
    NotHex,
    /// It is too short, or too long.
    #[error(
        "the cursor key has {length} bytes and should have {LENGTH}: 64 hexadecimal digits, such \
         as `openssl rand -hex 32` prints"
    )]
    Length {
        /// How many bytes it has.
        length: usize,
    },
    /// It is all zero, repeats itself or counts: whoever guesses it can forge
    /// cursors.
    #[error("the cursor key was not drawn at random; `openssl rand -hex 32` prints one that is")]
    Weak,
    /// The system gives no random numbers.
    #[error("no cursor key can be made: {0}")]
    NoRandomness(String),
}

impl CursorKey {
    /// A key that no other server has.
    ///
    /// # Errors
    /// [`CursorKeyError::NoRandomness`].
    pub fn generate() -> Result<Self, CursorKeyError> {
        let mut bytes = [0; LENGTH];
        random(&mut bytes).map_err(CursorKeyError::NoRandomness)?;
        Ok(Self {
            shared: false,
            ..Self::from_bytes(&bytes)?
        })
    }

    /// The key with these 32 bytes, for several servers to share.
    ///
    /// # Errors
    /// [`CursorKeyError`] for one that is too short, too long or weak.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CursorKeyError> {
        let exact: &[u8; LENGTH] = bytes.try_into().map_err(|_| CursorKeyError::Length {
            length: bytes.len(),
        })?;
        if is_weak(exact) {
            return Err(CursorKeyError::Weak);
        }
        Ok(Self {
            cipher: XChaCha20Poly1305::new(&Key::from(*exact)),
            shared: true,
        })
    }

    /// The key that is written so, in 64 hexadecimal digits.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and [`CursorKeyError::NotHex`].
    pub fn from_hex(digits: &str) -> Result<Self, CursorKeyError> {
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.trim().as_bytes());
        Self::from_bytes(&bytes.map_err(|_| CursorKeyError::NotHex)?)
    }

    /// Whether other servers may have it.
    pub(super) fn is_shared(&self) -> bool {
        self.shared
    }

    /// What the key is known by, which says nothing of it.
    pub(super) fn id(&self) -> [u8; 8] {
        let mut nothing = [];
        // No cursor is sealed under this nonce but by one chance in 2^192.
        let nonce = XNonce::from([0xff; 24]);
        let tag = self.cipher.encrypt_inout_detached(
            &nonce,
            b"atd cursor key id",
            nothing.as_mut_slice().into(),
        );
        let mut id = [0; 8];
        if let Ok(tag) = tag {
            id.copy_from_slice(&tag[..8]);
        }
        id
    }

    pub(super) fn cipher(&self) -> &XChaCha20Poly1305 {
        &self.cipher
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CursorKey")
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

pub(super) fn random(bytes: &mut [u8]) -> Result<(), String> {
    getrandom::fill(bytes).map_err(|error| error.to_string())
}

fn is_weak(bytes: &[u8; LENGTH]) -> bool {
    let mut values = *bytes;
    values.sort_unstable();
    let distinct = values.chunk_by(|a, b| a == b).count();
    let mut steps = bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let first = steps.next();
    let counts = steps.all(|step| Some(step) == first);
    let repeats = (1..=LENGTH / 2).any(|period| bytes[period..] == bytes[..LENGTH - period]);
    distinct < FEWEST_VALUES || counts || repeats
}
