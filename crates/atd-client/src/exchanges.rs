//! Which requests are under way, and whose answer comes next.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, atomic::Ordering},
};

use atd_proto::{
    ErrorBody, ErrorCode, Request, Response, TaggedRequest, TaggedResponse, extension,
};
use bytes::Bytes;

use crate::{
    answer,
    error::{ClientError, CloseCause},
    link::{Exchange, Link, Reply},
    outbound::Outbound,
    reporting::Reports,
};

/// The requests that wait to be sent and those that wait for an answer. The
/// latter are found by their ids where the server knows these, and by their
/// order otherwise. Together they are no more than the link has permits.
pub(crate) struct Exchanges {
    link: Arc<Link>,
    waiting: VecDeque<Exchange>,
    in_turn: VecDeque<Sent>,
    by_id: HashMap<u64, Sent>,
    /// Calls that are to be ended.
    cancels: Vec<u64>,
    known: Known,
    said: Option<Arc<ErrorBody>>,
}

struct Sent {
    due: &'static str,
    reply: Reply,
    progress: Option<Arc<Reports>>,
}

/// What the server said that it understands, in its last `hello_ack`.
#[derive(Clone, Copy, Default)]
struct Known {
    request_ids: bool,
    cancel: bool,
    progress: bool,
}

impl Known {
    fn of(extensions: &[String]) -> Self {
        let has = |name| extensions.iter().any(|known| known == name);
        let request_ids = has(extension::REQUEST_ID);
        Self {
            request_ids,
            cancel: request_ids && has(extension::CANCEL),
            progress: request_ids && has(extension::PROGRESS),
        }
    }
}

impl Exchanges {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self {
            link,
            waiting: VecDeque::new(),
            in_turn: VecDeque::new(),
            by_id: HashMap::new(),
            cancels: Vec::new(),
            known: Known::default(),
            said: None,
        }
    }

    /// Takes a request that is to be sent.
    pub(crate) fn add(&mut self, exchange: Exchange) {
        self.waiting.push_back(exchange);
    }

    /// Nobody waits for this any more. One that was sent without an id goes on
    /// until it is answered, and one that was not sent never will be.
    pub(crate) fn abandon(&mut self, id: u64) {
        if self.known.cancel && self.by_id.contains_key(&id) {
            self.cancels.push(id);
        }
    }

    /// Moves requests into the next write, as many as it takes. What ends calls
    /// goes first: it makes room.
    pub(crate) fn send(&mut self, outbound: &mut Outbound) {
        while outbound.has_room()
            && let Some(request_id) = self.cancels.pop()
        {
            let cancel = Request::Cancel { request_id };
            // It is short, and so fits a frame.
            let _ = outbound.push(&cancel.into());
        }
        while outbound.has_room()
            && let Some(exchange) = self.waiting.pop_front()
        {
            // Its caller is gone, and nobody has heard of it yet.
            if exchange.reply.is_closed() {
                self.link.permits.add_permits(1);
                continue;
            }
            self.send_one(exchange, outbound);
        }
    }

    fn send_one(&mut self, exchange: Exchange, outbound: &mut Outbound) {
        let Exchange {
            request,
            reply,
            id,
            progress,
        } = exchange;
        let due = answer::due(&request);
        // Other requests are answered at once, and in their turn.
        let calls = matches!(request, Request::RunTool(_) | Request::RunToolContinue(_));
        let request_id = (calls && self.known.request_ids).then_some(id);
        let tagged = TaggedRequest {
            request_id,
            progress: progress.is_some() && self.known.progress,
            request,
        };
        if let Err(error) = outbound.push(&tagged) {
            return self.settle(reply, Err(ClientError::RequestTooLarge(error)));
        }
        let sent = Sent {
            due,
            reply,
            progress,
        };
        match request_id {
            Some(id) => drop(self.by_id.insert(id, sent)),
            None => self.in_turn.push_back(sent),
        }
    }

    /// Hands a frame to whoever it answers: the request with its id, or the one
    /// that was sent first of those without.
    ///
    /// A frame that is not understood takes the place of an answer. One that
    /// is understood and does not fit ends the connection, for every answer
    /// after it would go to the wrong caller.
    pub(crate) fn answer(&mut self, frame: Bytes) -> Result<(), CloseCause> {
        let (request_id, response) = match TaggedResponse::decode(frame) {
            Ok(tagged) => (tagged.request_id, Ok(tagged.response)),
            Err(rejected) => (rejected.request_id, Err(rejected.error)),
        };
        if let (Some(id), Ok(Response::Progress(_))) = (request_id, &response) {
            if let (Some(sent), Ok(Response::Progress(progress))) = (self.by_id.get(&id), response)
                && let Some(reports) = &sent.progress
            {
                reports.report(progress);
            }
            // Somebody may have given up on the call.
            return Ok(());
        }
        let sent = match request_id {
            Some(id) => self.by_id.remove(&id),
            None => {
                self.said = last_words(&response, self.in_turn.is_empty());
                self.in_turn.pop_front()
            }
        };
        let Some(Sent { due, reply, .. }) = sent else {
            return match (request_id, &self.said) {
                (None, Some(_)) => Ok(()),
                _ => Err(CloseCause::OutOfStep),
            };
        };
        let answer = response.map_err(ClientError::Undecodable);
        let answer = answer.and_then(|response| answer::check(due, response));
        if let Ok(Response::HelloAck(ack)) = &answer {
            self.known = Known::of(&ack.extensions);
            let mut known = ack.extensions.iter();
            let known = known.any(|name| name == extension::TOOL_LIST_FILTER);
            self.link.knows_filters.store(known, Ordering::Release);
        }
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
        let sent = self.in_turn.iter().chain(self.by_id.values());
        waiting
            .chain(sent.map(|sent| &sent.reply))
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
