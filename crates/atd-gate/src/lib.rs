//! Who may call a tool, and how often.
//!
//! A [`Gate`] turns what a client says of itself into an [`Identity`], and an
//! identity with a tool's [`Requirement`] into a [`Permit`] or a [`Refusal`]
//! that says what was missing or how long to wait. It reads no socket and
//! starts nothing; time comes through a [`Clock`].
//!
//! An identity knows what it rests on ([`Ground`]), and each capability what
//! granted it ([`Mechanism`]). [`Gate::explain`] says in words what would become
//! of a call. The feature `ucan` adds capability tokens, and `bearer` a table
//! of bearer credentials in a file; without them nobody is let in by either.
//!
//! ```
//! use std::time::Duration;
//! use atd_gate::{FakeClock, Gate, Identity, Refusal, Requirement};
//! use atd_proto::{Hello, ToolDefinition};
//!
//! let clock = FakeClock::default();
//! let gate = Gate::builder().allow(["read"]).clock(clock.clone()).build();
//! let tool = ToolDefinition::builder("demo:fs.stat", "Looks at a file")
//!     .requires(["read"])
//!     .rate_limit_per_min(1)
//!     .build();
//! let need = Requirement::of(&tool);
//!
//! // Without a hello nobody holds anything.
//! let nobody = Identity::anonymous();
//! assert!(matches!(gate.admit(&nobody, &need), Err(Refusal::CapabilityDenied { .. })));
//!
//! // A client is granted what it asks for and is allowed.
//! let hello = Hello {
//!     client_id: Some("agent-7".into()),
//!     requested_capabilities: ["read", "write"].into_iter().collect(),
//!     ..Hello::default()
//! };
//! let agent = gate.hello(&nobody, &hello)?;
//! assert_eq!(agent.capabilities().to_string(), "read");
//! let permit = gate.admit(&agent, &need).expect("within the limits");
//!
//! // The second call of the minute is refused, with the exact time to wait.
//! let Err(Refusal::RateLimited { retry_after, .. }) = gate.admit(&agent, &need) else {
//!     panic!("one a minute");
//! };
//! clock.advance(retry_after.expect("a rate knows when it has room again"));
//! assert!(gate.admit(&agent, &need).is_ok());
//! # drop(permit);
//! # Ok::<(), atd_gate::HelloError>(())
//! ```

mod authenticator;
mod channel;
mod clock;
mod credentials;
mod explain;
mod gate;
mod grant;
mod hello;
mod identity;
mod limits;
mod refusal;
mod requirement;
mod token;
mod trouble;
#[cfg(feature = "ucan")]
pub mod ucan;
mod watched;

pub use authenticator::{AuthenticationError, Authenticator, Principal};
#[cfg(feature = "bearer")]
pub use authenticator::{BearerHash, BearerTable, BearerTableError};
pub use channel::Channel;
pub use clock::{Clock, FakeClock, MonotonicClock};
pub use explain::{Explanation, Reason};
pub use gate::{Gate, GateBuilder};
pub use grant::{Grant, Grantee, Mechanism};
pub use identity::{Ground, Identity, PeerCredentials};
pub use limits::{CallLimits, OwnedPermit, Permit, Waits};
pub use refusal::{HelloError, Lapsed, PeerRefused, ProofError, Refusal, Scope};
pub use requirement::Requirement;
pub use token::{
    InvalidToken, RevocationFile, RevocationFileError, RevocationSet, Revocations, TokenError,
    TokenId, TokenIdError,
};
