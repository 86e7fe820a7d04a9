//! Secrets held in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use super::{BrokerError, SecretBundle, SecretRequest, TokenBroker};

/// Secrets held in memory, by the caller's verified id. Clones share them. A
/// bundle that is replaced or removed is wiped once no call holds it.
#[derive(Clone, Default)]
pub struct MemoryTokenBroker(Arc<RwLock<HashMap<String, SecretBundle>>>);

impl MemoryTokenBroker {
    /// Gives this caller these secrets, for every tool, instead of those that
    /// it had.
    pub fn insert(&self, verified_id: impl Into<String>, secrets: SecretBundle) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(verified_id.into(), secrets);
    }

    /// Takes a caller's secrets away, and says whether it had any.
    pub fn remove(&self, verified_id: &str) -> bool {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.remove(verified_id).is_some()
    }
}

#[async_trait]
impl TokenBroker for MemoryTokenBroker {
    async fn resolve(
        &self,
        request: SecretRequest<'_>,
    ) -> Result<Option<SecretBundle>, BrokerError> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(held.get(request.verified_id).cloned())
    }
}

impl fmt::Debug for MemoryTokenBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_map().entries(held.iter()).finish()
    }
}
