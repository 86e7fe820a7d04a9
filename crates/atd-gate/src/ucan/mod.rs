//! UCAN-lite: capability tokens that their holders can pass on, narrowed.
//!
//! A token is a compact JWT, signed with the Ed25519 key of its issuer. It
//! says what its audience may do, until when, and holds at most one parent
//! token, which says the same of its issuer. A chain is good when its first
//! issuer is one whom the server trusts and every link passes on no more than
//! it was given. What a chain grants is what its last token, the leaf, says.
//!
//! ```
//! use atd_gate::ucan::{Delegation, SigningKey, attenuate, inspect};
//!
//! let root = SigningKey::generate()?;
//! let alice = SigningKey::generate()?;
//! let agent = SigningKey::generate()?;
//!
//! let for_alice = Delegation::new(alice.did(), ["read", "write"], 4_000_000_000);
//! let token = root.issue(&for_alice)?;
//! let for_agent = Delegation::new(agent.did(), ["read"], 3_900_000_000);
//! let narrower = attenuate(&alice, &token, &for_agent)?;
//!
//! let links = inspect(&narrower)?;
//! assert_eq!(links[0].audience, agent.did());
//! assert_eq!(links[1].issuer, root.did());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod claims;
mod compact;
mod did;
mod inspect;
mod issue;
mod json;
mod key_file;
mod proof;
mod verify;

pub use did::{Did, DidError};
pub use inspect::{Link, inspect};
pub use issue::{Delegation, IssueError, SigningKey, attenuate};
pub(crate) use proof::read_proof;
pub use proof::{Challenge, ChallengeError};
pub(crate) use verify::{Trust, Verified};
