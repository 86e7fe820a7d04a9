//! The Unix socket: bytes in, requests to the dispatcher, bytes out. It knows
//! nothing of tools, gates or audit.

mod accept;
mod calls;
mod connection;
mod incoming;
mod linger;
mod mailbox;
mod outgoing;
mod signal;
mod socket;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use self::accept::{Acceptor, MAX_LINGERING};
use self::signal::{Signals, Stage};
pub use self::socket::{BindError, BoundSocket};
use crate::dispatch::Watchdog;
use crate::server::Server;

/// How long the audit may take to write out what it has at shutdown.
const AUDIT_FLUSH: Duration = Duration::from_secs(5);

/// How long connections whose calls were cut have to say so and close, beside
/// the grace that their tools have.
const CUT_GRACE: Duration = Duration::from_secs(2);

/// A server that is serving. Dropping the handle tells it to stop and waits
/// for nothing; [`shutdown`](Self::shutdown) waits and reports.
#[derive(Debug)]
pub struct ServerHandle {
    server: Server,
    path: PathBuf,
    signals: Arc<Signals>,
    connections: TaskTracker,
    accepting: Option<JoinHandle<()>>,
    _watchdog: Arc<Watchdog>,
}

/// The longest that a shutdown waits for calls that end one after another.
const LONGEST: Duration = Duration::from_secs(30);

/// What a shutdown left undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Calls that were ended because the grace was over; each has its record.
    /// A call that holds its worker cannot be ended: it is a stuck connection.
    pub cut_calls: u64,
    /// Connections that did not close even so.
    pub stuck_connections: usize,
    /// Calls that had not ended even so, and have left no record.
    pub unrecorded_calls: u64,
    /// Audit events lost since the server was built.
    pub audit_lost: u64,
    /// Why audit events may not be on record yet.
    pub audit_problem: Option<String>,
}

pub(crate) fn serve(server: Server, socket: BoundSocket) -> Result<ServerHandle, BindError> {
    let path = socket.path().to_owned();
    let watchdog = server.dispatcher.watch.dog().map_err(BindError::Watchdog)?;
    let signals = Arc::<Signals>::default();
    let connections = TaskTracker::new();
    let acceptor = Acceptor {
        socket,
        server: server.clone(),
        signals: signals.clone(),
        connections: connections.clone(),
        lingering: Arc::new(Semaphore::new(MAX_LINGERING)),
    };
    Ok(ServerHandle {
        server,
        path,
        signals,
        connections,
        accepting: Some(tokio::spawn(acceptor.run())),
        _watchdog: watchdog,
    })
}

impl ServerHandle {
    /// Where it serves.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Stops accepting, removes the socket, answers the calls under way until
    /// the grace is over, ends the others, and has the audit written out.
    pub async fn shutdown(mut self) -> ShutdownReport {
        self.signals.give(Stage::Stop);
        if let Some(accepting) = self.accepting.take() {
            // It ends at once, and a panic in it has been printed.
            let _ = accepting.await;
        }
        self.connections.close();
        let grace = self.server.limits.shutdown_grace;
        let mut report = ShutdownReport::default();
        if timeout(grace, self.connections.wait()).await.is_err() {
            self.signals.give(Stage::Cut);
            self.closed().await;
            report.stuck_connections = self.connections.len();
            report.cut_calls = self.signals.cut_calls();
        }
        self.server.dispatcher.recorded(AUDIT_FLUSH).await;
        report.unrecorded_calls = self.server.dispatcher.metrics.tools.in_flight();
        if let Some(audit) = self.server.dispatcher.audit.clone() {
            let flushed = tokio::task::spawn_blocking(move || audit.sink.flush(AUDIT_FLUSH)).await;
            report.audit_problem = match flushed {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error.to_string()),
            };
        }
        report.audit_lost = self.server.metrics_snapshot().audit_lost;
        report
    }
}

impl ServerHandle {
    /// Waits for the connections whose calls were cut, as long as calls end: a
    /// server that is slow is not stuck, and each of them has its record to
    /// leave.
    async fn closed(&self) {
        let in_flight = || self.server.dispatcher.metrics.tools.in_flight();
        let grace = CUT_GRACE + self.server.dispatcher.stop_grace;
        let while_calls_end = async {
            let mut before = in_flight();
            while timeout(grace, self.connections.wait()).await.is_err() {
                let left = in_flight();
                if left >= before {
                    return;
                }
                before = left;
            }
        };
        // Elapsed: what is left is told in the report.
        let _ = timeout(LONGEST, while_calls_end).await;
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.signals.give(Stage::Cut);
    }
}
