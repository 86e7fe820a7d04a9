//! What a client's handles and its driver have in common.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use atd_proto::{ErrorBody, Request, Response};
use tokio::sync::{Semaphore, oneshot};

use crate::error::{ClientError, CloseCause};
use crate::reporting::Reports;

/// Where a request's answer goes. Nobody listens there any more once the
/// caller has dropped the request's future.
pub(crate) type Reply = oneshot::Sender<Result<Response, ClientError>>;

/// A request, and where its answer goes.
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) reply: Reply,
    /// What it is known by on this connection, and to a server that knows
    /// request ids.
    pub(crate) id: u64,
    /// Where its progress goes, if somebody wants to hear it.
    pub(crate) progress: Option<Arc<Reports>>,
}

/// What a handle wants of the driver.
pub(crate) enum Command {
    /// Send this. Whoever says so has taken a permit and left it to the
    /// driver, which gives it back with the answer.
    Ask(Exchange),
    /// Nobody waits for the answer to this any more: have it ended, if it is
    /// still under way and the server knows how.
    Abandon { id: u64 },
    /// Close once what was asked before is answered, or this time is over, and
    /// say how much was left unanswered.
    Close {
        grace: Duration,
        done: oneshot::Sender<usize>,
    },
}

/// The state of a connection.
pub(crate) struct Link {
    /// One a request that may yet be made. Closed when no more are taken.
    pub(crate) permits: Semaphore,
    next_id: AtomicU64,
    /// Whether the server has said that it knows filters.
    pub(crate) knows_filters: AtomicBool,
    /// What the connection is known by at both its ends, where the operating
    /// system tells who the server is.
    pub(crate) channel: Option<String>,
    end: OnceLock<End>,
}

struct End {
    cause: CloseCause,
    said: Option<Arc<ErrorBody>>,
}

impl Link {
    pub(crate) fn new(max_in_flight: NonZeroU32, channel: Option<String>) -> Self {
        let permits = usize::try_from(max_in_flight.get()).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            permits: Semaphore::new(permits.min(Semaphore::MAX_PERMITS)),
            next_id: AtomicU64::new(1),
            knows_filters: AtomicBool::new(false),
            channel,
            end: OnceLock::new(),
        }
    }

    /// An id that no request of this connection had.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Ends the connection for every request yet to come. The first cause
    /// stays.
    pub(crate) fn end(&self, cause: CloseCause, said: Option<Arc<ErrorBody>>) {
        // Taken only the first time.
        let _ = self.end.set(End { cause, said });
        self.permits.close();
    }

    /// The error for a request that the connection's end befell.
    pub(crate) fn closed(&self, sent: bool) -> ClientError {
        let (cause, said) = match self.end.get() {
            Some(end) => (end.cause.clone(), end.said.clone()),
            // The driver sets the end before it goes, so it is closing.
            None => (CloseCause::ByClient, None),
        };
        ClientError::Closed { cause, said, sent }
    }
}

/// The driver's hold on the link: however the driver goes, the link has an end.
pub(crate) struct DriversLink(pub(crate) Arc<Link>);

impl Drop for DriversLink {
    fn drop(&mut self) {
        self.0.end(CloseCause::RuntimeGone, None);
    }
}
