//! What is said of capability tokens, whether this build verifies them or not.

mod error;
mod id;
mod revocation;
mod revocation_file;
mod size;

pub use error::{InvalidToken, TokenError};
pub use id::{TokenId, TokenIdError};
pub use revocation::{RevocationSet, Revocations};
pub use revocation_file::{RevocationFile, RevocationFileError};
pub(crate) use size::check_size;
