//! What a tool needs to act for its caller.

use atd_registry::{SecretBundle, SecretRequest};
use tokio::time::{Instant, timeout_at};

use super::Dispatcher;
use super::contain::contained;
use super::error::CallError;
use crate::session::Session;

impl Dispatcher {
    /// The caller's secrets. A caller who has only its own word for its name
    /// has none.
    pub(super) async fn secrets(
        &self,
        session: &Session,
        tool_id: &str,
        deadline: Instant,
    ) -> Result<Option<SecretBundle>, CallError> {
        let Some(broker) = &self.broker else {
            return Ok(None);
        };
        let Some(verified_id) = session.identity().verified_id() else {
            return Ok(None);
        };
        let request = SecretRequest {
            tool_id,
            verified_id,
        };
        let failed = |cause: String| CallError::Broker { cause };
        let resolved = contained(async {
            timeout_at(deadline, broker.resolve(request))
                .await
                .map_err(|_| failed("it did not answer by the call's deadline".to_owned()))?
                .map_err(|error| failed(error.to_string()))
        });
        resolved.await.map_err(|error| match error {
            CallError::Panicked { message } => failed(format!("it panicked: {message}")),
            other => other,
        })
    }
}
