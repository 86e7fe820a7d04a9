//! What a client's handles and its driver have in common.

use std::{
    num::NonZeroU32,
    sync::{Arc, OnceLock},
    time::Duration,
};

use atd_proto::{ErrorBody, Request, Response};
use tokio::sync::{Semaphore, oneshot};

use crate::error::{ClientError, CloseCause};

/// Where a request's answer goes. Nobody listens there any more once the
/// caller has dropped the request's future.
pub(crate) type Reply = oneshot::Sender<Result<Response, ClientError>>;

/// A request, and where its answer goes.
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) reply: Reply,
}

/// What a handle wants of the driver.
pub(crate) enum Command {
    /// Send this. Whoever says so has taken a permit and left it to the
    /// driver, which gives it back with the answer.
    Ask(Exchange),
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
    end: OnceLock<End>,
}

struct End {
    cause: CloseCause,
    said: Option<Arc<ErrorBody>>,
}

impl Link {
    pub(crate) fn new(max_in_flight: NonZeroU32) -> Self {
        let permits = usize::try_from(max_in_flight.get()).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            permits: Semaphore::new(permits.min(Semaphore::MAX_PERMITS)),
            end: OnceLock::new(),
        }
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
