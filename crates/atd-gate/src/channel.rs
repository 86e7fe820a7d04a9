//! A connection, as far as proofs of possession are bound to it.

#[cfg(feature = "ucan")]
use std::sync::{Mutex, PoisonError};
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

    #[cfg(feature = "ucan")]
    pub(crate) fn demands_proof(&self) -> bool {
        self.demands_proof
    }

    /// Checks the proof of a hello with tokens. It uses up the challenge that
    /// was out; where it is no good, another one is.
    #[cfg(feature = "ucan")]
    pub(crate) fn check_proof(&self, hello: &Hello, now: Duration) -> Result<(), HelloError> {
        let key = hello.client_id.as_deref().unwrap_or_default().parse();
        let key: Did = key.map_err(|_| ProofError::NoKey)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(problem) = self.check(open.take(), hello, &key, now) else {
            return Ok(());
        };
        let next = Challenge::generate().map_err(|_| ProofError::NoRandomness)?;
        *open = Some((next, now.saturating_add(LIFETIME)));
        Err(HelloError::Proof {
            problem,
            challenge: Some(next.to_string()),
        })
    }

    #[cfg(feature = "ucan")]
    fn check(
        &self,
        open: Option<(Challenge, Duration)>,
        hello: &Hello,
        key: &Did,
        now: Duration,
    ) -> Result<(), ProofError> {
        let proof = hello.proof.as_deref().ok_or(ProofError::Missing)?;
        let (challenge, until) = open.ok_or(ProofError::NoChallenge)?;
        if now >= until {
            return Err(ProofError::Expired);
        }
        let proof = read_proof(proof).ok_or(ProofError::Malformed)?;
        let answered = challenge.is_answered_by(&proof, key, &self.name, &hello.ucan_tokens);
        answered.then_some(()).ok_or(ProofError::Wrong)
    }
}
