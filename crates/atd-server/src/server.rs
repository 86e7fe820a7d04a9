//! A server: a dispatcher and the limits of its transports.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atd_gate::Gate;
use atd_registry::Registry;

use crate::builder::ServerBuilder;
use crate::dispatch::Dispatcher;
use crate::metrics::MetricsSnapshot;
use crate::unix::{self, BindError, BoundSocket, ServerHandle};

/// Serves a registry of tools. Cheap to clone; the clones are one server.
#[derive(Clone, Debug)]
pub struct Server {
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) limits: TransportLimits,
}

/// What a transport keeps to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TransportLimits {
    pub(crate) max_connections: usize,
    pub(crate) max_calls: usize,
    pub(crate) frame_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) shutdown_grace: Duration,
}

impl Server {
    /// Starts building a server of these tools.
    pub fn builder(registry: impl Into<Arc<Registry>>) -> ServerBuilder {
        ServerBuilder::new(registry.into())
    }

    /// Serves on a Unix socket at `path`, whose directory is made where it is
    /// missing, until the handle is told to stop or dropped.
    ///
    /// # Errors
    /// [`BindError`] when another server has the path, or something that is no
    /// socket does, or the system refuses.
    pub async fn serve_unix(&self, path: impl AsRef<Path>) -> Result<ServerHandle, BindError> {
        self.serve_on(BoundSocket::bind(path).await?)
    }

    /// Serves on a socket that is bound already, until the handle is told to
    /// stop or dropped. For a tokio runtime, where
    /// [`serve_unix`](Self::serve_unix) is.
    ///
    /// # Errors
    /// [`BindError::Watchdog`] when the system has no thread to give.
    pub fn serve_on(&self, socket: BoundSocket) -> Result<ServerHandle, BindError> {
        unix::serve(self.clone(), socket)
    }

    /// What carries requests out, for calls in this process and for other
    /// transports.
    pub fn dispatcher(&self) -> &Arc<Dispatcher> {
        &self.dispatcher
    }

    /// The tools, which may come and go while calls run.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.dispatcher.registry
    }

    /// Who may, and how often: its limits can be changed while calls run.
    pub fn gate(&self) -> &Gate {
        &self.dispatcher.gate
    }

    /// What the server has done and is doing.
    pub fn metrics_snapshot(&self) -> MetricsSnapshot {
        self.dispatcher.metrics_snapshot()
    }
}
