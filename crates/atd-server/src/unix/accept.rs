//! Taking connections in.

use std::sync::Arc;
use std::time::Duration;

use atd_gate::PeerCredentials;
use atd_proto::{ErrorBody, ErrorCode};
use serde_json::json;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::Signals;
use super::connection::Connection;
use super::outgoing::Outgoing;
use super::socket::BoundSocket;
use crate::answer::Answer;
use crate::dispatch::peer_refused;
use crate::server::Server;

/// How long to wait when the system cannot give another descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// When a client that finds every place taken should try again.
const OVERLOADED_RETRY_MS: u64 = 1_000;

/// Accepts connections and starts a task for each.
pub(super) struct Acceptor {
    pub(super) socket: BoundSocket,
    pub(super) server: Server,
    pub(super) signals: Signals,
    pub(super) connections: TaskTracker,
}

impl Acceptor {
    pub(super) async fn run(self) {
        let places = Arc::new(Semaphore::new(self.server.limits.max_connections));
        loop {
            let accepted = tokio::select! {
                // Cancelled: a connection not yet accepted is refused by the
                // system once the listener is gone.
                accepted = self.socket.listener.accept() => accepted,
                // Cancelled: nothing was begun.
                () = self.signals.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => self.take_in(stream, &places),
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted; trying again");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn take_in(&self, stream: UnixStream, places: &Arc<Semaphore>) {
        let dispatcher = &self.server.dispatcher;
        let session = match dispatcher.connect(credentials(&stream)) {
            Ok(session) => session,
            Err(refused) => {
                tracing::warn!(uid = refused.uid, "refused a user who is not allowed");
                return self.turn_away(&stream, peer_refused(refused));
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            return self.turn_away(&stream, no_place(self.server.limits.max_connections));
        };
        dispatcher.metrics.connections.add_one();
        let connection = Connection::new(
            stream,
            dispatcher.clone(),
            session,
            self.server.limits,
            self.signals.clone(),
        );
        let dispatcher = dispatcher.clone();
        self.connections.spawn(async move {
            connection.serve().await;
            dispatcher.metrics.connections_ended.add_one();
            drop(place);
        });
    }

    /// Says why and closes. What the socket does not take at once is not
    /// waited for: a new connection's buffer is empty.
    fn turn_away(&self, stream: &UnixStream, why: ErrorBody) {
        self.server.dispatcher.metrics.connections_refused.add_one();
        let mut outgoing = Outgoing::default();
        outgoing.push(&Answer::from(why));
        outgoing.try_write(stream);
    }
}

fn credentials(stream: &UnixStream) -> Option<PeerCredentials> {
    let known = stream.peer_cred().ok()?;
    Some(PeerCredentials {
        uid: known.uid(),
        gid: known.gid(),
        pid: known.pid(),
    })
}

fn no_place(limit: usize) -> ErrorBody {
    ErrorBody::new(
        ErrorCode::OVERLOADED,
        format!("the server has its {limit} connections; try again later"),
    )
    .with_details(json!({"retry_after_ms": OVERLOADED_RETRY_MS}))
}
