//! Something that all connections are told, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// A signal that was given, or was not yet. Clones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Signal {
    /// Beside the token, which has a lock to be looked at under.
    is_given: Arc<AtomicBool>,
    token: CancellationToken,
}

impl Signal {
    pub(super) fn give(&self) {
        self.is_given.store(true, Ordering::Release);
        self.token.cancel();
    }

    pub(super) fn is_given(&self) -> bool {
        self.is_given.load(Ordering::Acquire)
    }

    /// Waits until it is given. Dropped, it leaves nothing behind.
    pub(super) async fn given(&self) {
        self.token.cancelled().await;
    }
}
