//! Secrets that a tool needs to act for its caller.

mod directory;
mod memory;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

pub use self::directory::DirectoryTokenBroker;
pub use self::memory::MemoryTokenBroker;

/// Resolves a caller's secrets for a tool.
#[async_trait]
pub trait TokenBroker: Send + Sync + 'static {
    /// The secrets, or `None` where this caller has none for this tool. It is
    /// ended with the call's deadline.
    ///
    /// # Errors
    /// [`BrokerError`]: the call is then refused before the tool runs.
    async fn resolve(
        &self,
        request: SecretRequest<'_>,
    ) -> Result<Option<SecretBundle>, BrokerError>;
}

#[async_trait]
impl<B: TokenBroker + ?Sized> TokenBroker for Arc<B> {
    async fn resolve(
        &self,
        request: SecretRequest<'_>,
    ) -> Result<Option<SecretBundle>, BrokerError> {
        (**self).resolve(request).await
    }
}

/// Whose secrets are asked for, and for what.
#[derive(Clone, Copy, Debug)]
pub struct SecretRequest<'a> {
    /// The tool that will see them.
    pub tool_id: &'a str,
    /// Who is calling, on somebody else's word than its own. A name that a
    /// client gave itself never stands here.
    pub verified_id: &'a str,
}

/// Why a broker could not answer. The caller learns that it failed; what it
/// says goes to the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BrokerError(String);

impl BrokerError {
    /// A failure with a sentence for the log. It must hold no secret.
    pub fn new(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }
}

/// A caller's secrets for a tool, by name. They are wiped from memory when the
/// last clone goes, and are never shown by `Debug`.
#[derive(Clone, Default)]
pub struct SecretBundle(Arc<BTreeMap<String, SecretString>>);

impl SecretBundle {
    /// The name under which the caller's bearer token stands.
    pub const BEARER: &'static str = "bearer";

    /// The secret of this name. Read it with
    /// [`ExposeSecret`](secrecy::ExposeSecret) where it is used, not before.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name)
    }

    /// The caller's bearer token.
    pub fn bearer(&self) -> Option<&SecretString> {
        self.get(Self::BEARER)
    }

    /// The names that are there, ascending.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<N: Into<String>> FromIterator<(N, SecretString)> for SecretBundle {
    fn from_iter<I: IntoIterator<Item = (N, SecretString)>>(secrets: I) -> Self {
        let secrets = secrets
            .into_iter()
            .map(|(name, secret)| (name.into(), secret));
        Self(Arc::new(secrets.collect()))
    }
}

impl fmt::Debug for SecretBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
