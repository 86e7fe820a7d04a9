//! One file a command.

pub(crate) mod audit;
pub(crate) mod call;
pub(crate) mod demo;
pub(crate) mod docs;
pub(crate) mod doctor;
mod explain;
mod gate;
pub(crate) mod list;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod top;

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use atd_runtime::client::{Client, ClientError, ConnectOptions};

/// Connects as somebody at a shell wants it: a server that is just starting
/// is waited for, one that is not there is told at once.
async fn connect(socket: &Path) -> Result<Client, ClientError> {
    let attempts = NonZeroU32::MIN.saturating_add(2);
    ConnectOptions::new()
        .attempts(attempts)
        .backoff(Duration::from_millis(50), Duration::from_millis(100))
        .connect(socket)
        .await
}
