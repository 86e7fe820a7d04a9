//! A connection, as far as proofs of possession are bound to it.

#[cfg(feature = "ucan")]
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(feature = "ucan")]
use std::time::Duration;

#[cfg(feature = "ucan")]
use atd_proto::Hello;

#[cfg(feature = "ucan")]
use crate::refusal::{HelloError, ProofError};
#[cfg(feature = "ucan")]
use crate::ucan::{Challenge, Did, read_proof};

/// How long a challenge can be answered.
#[cfg(feature = "ucan")]
const LIFETIME: Duration = Duration::from_secs(60);

/// One connection, as far as proofs of possession are bound to it: what both
/// ends know it by, and the challenge that is out, one at most. A transport
/// makes one for each connection.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "ucan"),
    expect(dead_code, reason = "without tokens there is nothing to prove")
)]
pub struct Channel {
    name: Box<str>,
    demands_proof: bool,
    /// The challenge, and until when it can be answered by the gate's clock.
    #[cfg(feature = "ucan")]
    open: Mutex<Option<(Challenge, Duration)>>,
}

/// A hello that came over a channel, and the challenge that it may answer.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "ucan"),
    expect(dead_code, reason = "without tokens there is nothing to prove")
)]
pub(crate) struct Heard<'a> {
    channel: &'a Channel,
    #[cfg(feature = "ucan")]
    open: Option<(Challenge, Duration)>,
}

impl Channel {
    /// A connection that both ends know by this name. A good one names the
    /// server so that the client sees it and another server cannot claim it.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            demands_proof: false,
            #[cfg(feature = "ucan")]
            open: Mutex::default(),
        }
    }

    /// A connection over a Unix socket of this process's user.
    pub fn unix() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        Self::new(atd_proto::proof::unix_channel(uid))
    }

    /// Takes tokens only with a proof, whatever the gate says: for transports
    /// on which others may listen.
    #[must_use]
    pub fn demanding_proof(mut self) -> Self {
        self.demands_proof = true;
        self
    }

    /// A hello has come. It uses up the challenge that was out, whatever comes
    /// of it.
    pub(crate) fn hear(&self) -> Heard<'_> {
        Heard {
            channel: self,
            #[cfg(feature = "ucan")]
            open: self.open().take(),
        }
    }

    #[cfg(feature = "ucan")]
    fn open(&self) -> MutexGuard<'_, Option<(Challenge, Duration)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "ucan")]
impl Heard<'_> {
    pub(crate) fn demands_proof(&self) -> bool {
        self.channel.demands_proof
    }

    /// Checks the proof of a hello with tokens. Where it is no good, another
    /// challenge is out.
    pub(crate) fn check_proof(&self, hello: &Hello, now: Duration) -> Result<(), HelloError> {
        let key = hello.client_id.as_deref().unwrap_or_default().parse();
        let key: Did = key.map_err(|_| ProofError::NoKey)?;
        let Err(problem) = self.check(hello, &key, now) else {
            return Ok(());
        };
        let next = Challenge::generate().map_err(|_| ProofError::NoRandomness)?;
        *self.channel.open() = Some((next, now.saturating_add(LIFETIME)));
        Err(HelloError::Proof {
            problem,
            challenge: Some(next.to_string()),
        })
    }

    fn check(&self, hello: &Hello, key: &Did, now: Duration) -> Result<(), ProofError> {
        let proof = hello.proof.as_deref().ok_or(ProofError::Missing)?;
        let (challenge, until) = self.open.ok_or(ProofError::NoChallenge)?;
        if now >= until {
            return Err(ProofError::Expired);
        }
        let proof = read_proof(proof).ok_or(ProofError::Malformed)?;
        let answered =
            challenge.is_answered_by(&proof, key, &self.channel.name, &hello.ucan_tokens);
        answered.then_some(()).ok_or(ProofError::Wrong)
    }
}
