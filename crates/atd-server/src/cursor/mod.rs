//! Cursors: what a client brings back for the next page.
//!
//! A cursor holds all that the next page needs: the call's arguments and what
//! its tool wants to go on from. So the server keeps nothing for it, and any
//! instance with the same key takes it. It is sealed (XChaCha20-Poly1305): a
//! client can neither read nor change it, and what it is bound to (the tool,
//! who called) is not in it but must be the same when it comes back.

mod key;
#[cfg(test)]
mod tests;

use std::time::Duration;

use atd_gate::Identity;
use atd_proto::JsonText;
use bytes::Bytes;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Payload};
use data_encoding::BASE64URL_NOPAD;
use tokio::time::Instant;

pub use self::key::{CursorKey, CursorKeyError};
use crate::clock;

/// The most bytes that a cursor carries: arguments and state together.
pub(crate) const MAX_CARRIED: usize = 256 * 1024;

/// The longest cursor, in characters. A longer one is none of ours.
const MAX_LENGTH: usize = (MAX_CARRIED + 256) / 3 * 4;

/// How far the clocks of servers that share a key may be apart.
const SKEW: Duration = Duration::from_secs(30);

const KEY_ID: usize = 8;
const NONCE: usize = 24;
const CHECK: usize = 8;
const TIME: usize = 8;
const PAGE: usize = 4;
const LENGTH: usize = 4;

/// Seals and opens the cursors of one server.
#[derive(Debug)]
pub(crate) struct Cursors {
    key: CursorKey,
    key_id: [u8; KEY_ID],
    lifetime: Duration,
    /// The time is counted from here: setting the clock changes nothing.
    started: Instant,
    /// What the wall clock said then, where other servers have the key.
    started_at: Duration,
}

/// What the next page needs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The page that it is, from 2.
    pub(crate) page: u32,
    pub(crate) args: JsonText,
    pub(crate) state: Bytes,
}

/// Why a cursor is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Expired,
    Invalid,
}

/// Why there is no cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotSealed {
    TooLong { length: usize },
    Failed(String),
}

impl Cursors {
    pub(crate) fn new(key: CursorKey, lifetime: Duration) -> Self {
        let shared = key.is_shared();
        Self {
            key_id: key.id(),
            key,
            lifetime,
            started: clock::now(),
            started_at: if shared {
                clock::wall()
            } else {
                Duration::ZERO
            },
        }
    }

    fn now(&self) -> Duration {
        self.started_at + (clock::now() - self.started)
    }

    /// A cursor for the next page of this tool, for this caller.
    pub(crate) fn seal(
        &self,
        tool_id: &str,
        caller: &Identity,
        place: &Place,
    ) -> Result<String, NotSealed> {
        let args = place.args.as_bytes();
        let length = args.len() + place.state.len();
        let carried = u32::try_from(args.len())
            .ok()
            .filter(|_| length <= MAX_CARRIED);
        let args_length = carried.ok_or(NotSealed::TooLong { length })?;
        let millis = u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX);
        let mut open = Vec::with_capacity(TIME + PAGE + LENGTH + length);
        open.extend_from_slice(&millis.to_be_bytes());
        open.extend_from_slice(&place.page.to_be_bytes());
        open.extend_from_slice(&args_length.to_be_bytes());
        open.extend_from_slice(args);
        open.extend_from_slice(&place.state);

        let mut nonce = [0; NONCE];
        key::random(&mut nonce).map_err(NotSealed::Failed)?;
        let bound = bound_to(tool_id, caller);
        let payload = Payload {
            msg: &open,
            aad: &bound,
        };
        let sealed =
            chacha20poly1305::aead::Aead::encrypt(self.key.cipher(), &XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| NotSealed::Failed("it cannot be sealed".to_owned()))?;
        let mut whole = Vec::with_capacity(KEY_ID + NONCE + sealed.len() + CHECK);
        whole.extend_from_slice(&self.key_id);
        whole.extend_from_slice(&nonce);
        whole.extend_from_slice(&sealed);
        let check = checksum(&whole);
        whole.extend_from_slice(&check);
        Ok(BASE64URL_NOPAD.encode(&whole))
    }

    /// What this cursor holds, if it is one for this tool and this caller that
    /// is not too old.
    pub(crate) fn open(
        &self,
        tool_id: &str,
        caller: &Identity,
        cursor: &str,
    ) -> Result<Place, Refused> {
        if cursor.len() > MAX_LENGTH {
            return Err(Refused::Invalid);
        }
        let whole = BASE64URL_NOPAD.decode(cursor.as_bytes());
        self.unseal(tool_id, caller, &whole.map_err(|_| Refused::Invalid)?)
    }

    fn unseal(&self, tool_id: &str, caller: &Identity, whole: &[u8]) -> Result<Place, Refused> {
        let (sealed, check) = whole.split_last_chunk::<CHECK>().ok_or(Refused::Invalid)?;
        if checksum(sealed) != *check {
            return Err(Refused::Invalid);
        }
        let (key_id, sealed) = sealed
            .split_first_chunk::<KEY_ID>()
            .ok_or(Refused::Invalid)?;
        if *key_id != self.key_id {
            // It is whole, and of a server that is no more.
            return Err(Refused::Expired);
        }
        let (nonce, sealed) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or(Refused::Invalid)?;
        let bound = bound_to(tool_id, caller);
        let payload = Payload {
            msg: sealed,
            aad: &bound,
        };
        let open = self.key.cipher().decrypt(&XNonce::from(*nonce), payload);
        let open = Bytes::from(open.map_err(|_| Refused::Invalid)?);
        let (issued, place) = unpack(&open).ok_or(Refused::Invalid)?;
        self.check_age(issued)?;
        Ok(place)
    }

    fn check_age(&self, issued: Duration) -> Result<(), Refused> {
        let now = self.now();
        let ahead = if self.key.is_shared() {
            SKEW
        } else {
            Duration::ZERO
        };
        // The time in the cursor was cut to whole milliseconds.
        if issued > now + ahead {
            return Err(Refused::Invalid);
        }
        if now.saturating_sub(issued) > self.lifetime {
            return Err(Refused::Expired);
        }
        Ok(())
    }
}

/// What a cursor is good for. Each part says how long it is, so that no two
/// tools and callers come to the same.
fn bound_to(tool_id: &str, caller: &Identity) -> Vec<u8> {
    let verified = caller.verified_id();
    let asserted = caller.caller_id().map(|id| &**id);
    let mut bound = b"atd cursor 1".to_vec();
    for part in [Some(tool_id), verified.map(|id| &**id), asserted] {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        bound.extend_from_slice(&length.to_be_bytes());
        bound.extend_from_slice(part.unwrap_or_default().as_bytes());
    }
    bound
}

fn unpack(open: &Bytes) -> Option<(Duration, Place)> {
    let (millis, rest) = open.split_first_chunk::<TIME>()?;
    let (page, rest) = rest.split_first_chunk::<PAGE>()?;
    let (length, rest) = rest.split_first_chunk::<LENGTH>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (args, state) = rest.split_at_checked(length)?;
    let place = Place {
        page: u32::from_be_bytes(*page),
        args: JsonText::parse(open.slice_ref(args)).ok()?,
        state: open.slice_ref(state),
    };
    Some((Duration::from_millis(u64::from_be_bytes(*millis)), place))
}

/// Tells a cursor that was damaged from one of another server (FNV-1a). It
/// keeps nothing safe: the seal does.
fn checksum(bytes: &[u8]) -> [u8; CHECK] {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.to_be_bytes()
}
