//! Taking connections in.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use atd_gate::PeerCredentials;
use atd_proto::{ErrorBody, ErrorCode};
use serde_json::json;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::linger::linger;
use super::outgoing::Outgoing;
use super::signal::{Signals, Stage};
use super::socket::BoundSocket;
use crate::answer::Answer;
use crate::dispatch::{Dispatcher, OVERLOADED_RETRY_MS, peer_refused};
use crate::server::Server;

/// How long to wait when the system cannot give another descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections and starts a task for each.
pub(super) struct Acceptor {
    pub(super) socket: BoundSocket,
    pub(super) server: Server,
    pub(super) signals: Arc<Signals>,
    pub(super) connections: TaskTracker,
    /// Places for clients that are told why they are turned away.
    pub(super) lingering: Arc<Semaphore>,
}

/// How many clients that are turned away are waited for at a time.
pub(super) const MAX_LINGERING: usize = 64;

impl Acceptor {
    pub(super) async fn run(self) {
        let listener = self.signals.listen();
        let places = Arc::new(Semaphore::new(self.server.limits.max_connections));
        loop {
            let accepted = tokio::select! {
                // Cancelled: a connection not yet accepted is refused by the
                // system once the listener is gone.
                accepted = self.socket.listener.accept() => accepted,
                // Cancelled: nothing was begun.
                () = listener.reached(Stage::Stop) => return,
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
        let peer = match credentials(&stream) {
            Ok(peer) => peer,
            Err(error) => {
                tracing::warn!(%error, "refused a connection from nobody knows whom");
                let why = ErrorBody::new(ErrorCode::UNCLASSIFIED, "it is not known who you are");
                return self.turn_away(stream, why);
            }
        };
        let session = match dispatcher.connect(Some(peer)) {
            Ok(session) => session,
            Err(refused) => {
                tracing::warn!(uid = refused.uid, "refused a user who is not allowed");
                return self.turn_away(stream, peer_refused(refused));
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            return self.turn_away(stream, no_place(self.server.limits.max_connections));
        };
        let counted = Counted::begin(dispatcher.clone());
        let connection = Connection::new(
            stream,
            dispatcher.clone(),
            session,
            self.server.limits,
            self.signals.listen(),
        );
        self.connections.spawn(async move {
            // Dropped even if the tool of a client that has left panics.
            let _held = (counted, place);
            connection.serve().await;
        });
    }

    /// Says why and closes, giving the client a moment to read it. What the
    /// socket does not take at once is not waited for: a new connection's
    /// buffer is empty.
    fn turn_away(&self, stream: UnixStream, why: ErrorBody) {
        self.server.dispatcher.metrics.connections_refused.add_one();
        let mut outgoing = Outgoing::default();
        outgoing.push(None, &Answer::from(why));
        if outgoing.try_write(&stream).is_err() {
            return;
        }
        // In a flood of them the later ones are closed at once.
        if let Ok(place) = self.lingering.clone().try_acquire_owned() {
            self.connections.spawn(async move {
                linger(&stream).await;
                drop(place);
            });
        }
    }
}

/// Counts a connection for as long as it lives.
struct Counted(Arc<Dispatcher>);

impl Counted {
    fn begin(dispatcher: Arc<Dispatcher>) -> Self {
        dispatcher.metrics.connections.add_one();
        Self(dispatcher)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.metrics.connections_ended.add_one();
    }
}

fn credentials(stream: &UnixStream) -> io::Result<PeerCredentials> {
    let known = stream.peer_cred()?;
    Ok(PeerCredentials {
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
