//! Which requests are under way, and whose answer comes next.

use std::{collections::VecDeque, sync::Arc};

use atd_proto::{ErrorBody, ErrorCode, Response};
use bytes::Bytes;

use crate::{
    answer,
    error::{ClientError, CloseCause},
    link::{Exchange, Link, Reply},
    outbound::Outbound,
};

/// The requests that wait to be sent and those that wait for an answer, both
/// in their order. Together they are no more than the link has permits.
pub(crate) struct Exchanges {
    link: Arc<Link>,
    waiting: VecDeque<Exchange>,
    in_flight: VecDeque<Sent>,
    said: Option<Arc<ErrorBody>>,
}

struct Sent {
    due: &'static str,
    reply: Reply,
}

impl Exchanges {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self {
            link,
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            said: None,
        }
    }

    /// Takes a request that is to be sent.
    pub(crate) fn add(&mut self, exchange: Exchange) {
        self.waiting.push_back(exchange);
    }

    /// Moves requests into the next write, as many as it takes.
    pub(crate) fn send(&mut self, outbound: &mut Outbound) {
        while outbound.has_room()
            && let Some(Exchange { request, reply }) = self.waiting.pop_front()
        {
            // Its caller is gone, and nobody has heard of it yet.
            if reply.is_closed() {
                self.link.permits.add_permits(1);
                continue;
            }
            match outbound.push(&request) {
                Ok(()) => self.in_flight.push_back(Sent {
                    due: answer::due(&request),
                    reply,
                }),
                Err(error) => self.settle(reply, Err(ClientError::RequestTooLarge(error))),
            }
        }
    }

    /// Hands a frame to whoever it answers: the request that was sent first of
    /// those in flight.
    ///
    /// A frame that is not understood takes the place of an answer. One that
    /// is understood and does not fit ends the connection, for every answer
    /// after it would go to the wrong caller.
    pub(crate) fn answer(&mut self, frame: Bytes) -> Result<(), CloseCause> {
        let response = Response::decode(frame);
        self.said = last_words(&response, self.in_flight.is_empty());
        let Some(Sent { due, reply }) = self.in_flight.pop_front() else {
            return match self.said {
                Some(_) => Ok(()),
                None => Err(CloseCause::OutOfStep),
            };
        };
        let answer = response.map_err(ClientError::Undecodable);
        let answer = answer.and_then(|response| answer::check(due, response));
        let out_of_step = matches!(answer, Err(ClientError::Unexpected { .. }));
        self.settle(reply, answer);
        if out_of_step {
            return Err(CloseCause::OutOfStep);
        }
        Ok(())
    }

    /// How many requests somebody waits for.
    pub(crate) fn waited_for(&self) -> usize {
        let waiting = self.waiting.iter().map(|exchange| &exchange.reply);
        let in_flight = self.in_flight.iter().map(|sent| &sent.reply);
        waiting
            .chain(in_flight)
            .filter(|reply| !reply.is_closed())
            .count()
    }

    /// The reason for closing that the server gave, if it was the last thing
    /// that it said.
    pub(crate) fn said(&self) -> Option<Arc<ErrorBody>> {
        self.said.clone()
    }

    /// Fails all of them with the end that the link has come to.
    pub(crate) fn fail(self) {
        for Exchange { reply, .. } in self.waiting {
            // Who has gone in the meantime need not know.
            let _ = reply.send(Err(self.link.closed(false)));
        }
        // Those in flight see their reply's end go, and look at the link.
    }

    /// Gives a request its answer and its permit back. The caller may have
    /// dropped it: then the answer is thrown away here.
    fn settle(&self, reply: Reply, answer: Result<Response, ClientError>) {
        self.link.permits.add_permits(1);
        let _ = reply.send(answer);
    }
}

/// The reason for which the server is about to close the connection, if
/// `response` is one: an error that answers nothing, or one that says so.
fn last_words<E>(response: &Result<Response, E>, unasked: bool) -> Option<Arc<ErrorBody>> {
    const FINAL: [ErrorCode; 3] = [
        ErrorCode::FRAME_TOO_LARGE,
        ErrorCode::SHUTTING_DOWN,
        ErrorCode::OVERLOADED,
    ];
    match response {
        Ok(Response::Error(body)) if unasked || body.code.is_some_and(|c| FINAL.contains(&c)) => {
            Some(Arc::new(body.clone()))
        }
        _ => None,
    }
}
