//! What both ends of a connection know of it, for proofs of possession. See
//! the protocol's document.

use serde_json::Value;

use crate::ErrorBody;

/// Under which the `details` of an error hold the challenge that the next
/// hello may answer.
pub const CHALLENGE: &str = "challenge";

/// What a connection over a Unix socket is known by at both its ends: the user
/// whom the server runs as. The operating system tells the client which that
/// is, so a server of another user cannot pass a proof on.
pub fn unix_channel(server_uid: u32) -> String {
    format!("unix:{server_uid}")
}

impl ErrorBody {
    /// The challenge that a server wants answered, if that is what stands in
    /// the way.
    pub fn challenge(&self) -> Option<&str> {
        self.details
            .as_ref()?
            .get(CHALLENGE)
            .and_then(Value::as_str)
    }
}
