//! What a tool needs to act for its caller.

use std::pin::pin;

use atd_registry::{SecretBundle, SecretRequest, TokenBroker};
use tokio::time::{Instant, timeout_at};

use super::Dispatcher;
use super::contain::contained;
use super::error::CallError;
use crate::session::Session;

impl Dispatcher {
    /// Whom to ask for the caller's secrets, if anybody. A caller who has only
    /// its own word for its name has none.
    pub(super) fn broker_for<'a>(
        &'a self,
        session: &'a Session,
        tool_id: &'a str,
    ) -> Option<(&'a dyn TokenBroker, SecretRequest<'a>)> {
        let verified_id = session.identity().verified_id()?;
        let request = SecretRequest {
            tool_id,
            verified_id,
        };
        Some((&**self.broker.as_ref()?, request))
    }

    /// The caller's secrets.
    pub(super) async fn secrets(
        (broker, request): (&dyn TokenBroker, SecretRequest<'_>),
        deadline: Instant,
    ) -> Result<Option<SecretBundle>, CallError> {
        let failed = |cause: String| CallError::Broker { cause };
        let resolving = pin!(async {
            timeout_at(deadline, broker.resolve(request))
                .await
                .map_err(|_| failed("it did not answer by the call's deadline".to_owned()))?
                .map_err(|error| failed(error.to_string()))
        });
        contained(resolving).await.map_err(|error| match error {
            CallError::Panicked { message } => failed(format!("it panicked: {message}")),
            other => other,
        })
    }
}
