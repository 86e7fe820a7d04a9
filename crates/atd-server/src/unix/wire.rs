//! What goes in and out of a connection beside the request whose turn it is.

use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use atd_proto::{ErrorBody, ErrorCode, RejectedFrame, Request, TaggedRequest};
use bytes::Bytes;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::task::{consume_budget, yield_now};
use tokio::time::{Instant, sleep_until};

use super::calls::{Call, Calls, poll_once};
use super::connection::Closing;
use super::incoming::Incoming;
use super::linger::{LINGER, linger};
use super::outgoing::Outgoing;
use super::signal::{Listener, Stage};
use crate::answer::Answer;
use crate::clock;
use crate::control::{CallControl, StopReason};
use crate::dispatch::Dispatcher;
use crate::server::TransportLimits;
use crate::session::Session;

/// How much may be read, in bytes, that cannot be begun yet. Then reading waits.
const READ_AHEAD: usize = 64 * 1024;

/// How often a connection with calls under way looks whether its client is
/// still there, where no byte tells.
const LOOK: Duration = Duration::from_millis(100);

/// The socket, what has arrived and what is to go, and the calls with ids.
pub(super) struct Wire {
    stream: UnixStream,
    dispatcher: Arc<Dispatcher>,
    limits: TransportLimits,
    listener: Listener,
    incoming: Incoming,
    outgoing: Outgoing,
    calls: Calls,
    in_turn: VecDeque<InTurn>,
    /// How long the frames of those are together, in bytes.
    in_turn_bytes: usize,
    /// A hello waits for its turn: what is behind it is the new identity's.
    held_by_hello: bool,
    /// Why the connection closes when what is under way has ended.
    last_word: Option<ErrorBody>,
    /// Nothing has arrived that could be sorted now.
    sorted: bool,
    stopping: bool,
    cut: bool,
}

/// A request that is carried out after those before it and before those behind
/// it, or what is to be answered in its place.
pub(super) struct InTurn {
    pub(super) request_id: Option<u64>,
    pub(super) request: Result<Request, ErrorBody>,
    bytes: usize,
}

impl Wire {
    pub(super) fn new(
        stream: UnixStream,
        dispatcher: Arc<Dispatcher>,
        limits: TransportLimits,
        listener: Listener,
    ) -> Self {
        Self {
            stream,
            calls: Calls::new(dispatcher.clone(), limits.max_calls),
            dispatcher,
            limits,
            listener,
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            in_turn: VecDeque::new(),
            in_turn_bytes: 0,
            held_by_hello: false,
            last_word: None,
            sorted: false,
            stopping: false,
            cut: false,
        }
    }

    /// Sorts what has arrived: calls with ids are begun, other requests wait
    /// for their turn; unless `ahead`, no more than one does. Says whether
    /// there may be more to sort at once.
    pub(super) async fn take_in(&mut self, session: &Session, ahead: bool) -> bool {
        self.sorted = false;
        while self.takes_more() && (ahead || self.in_turn.is_empty()) {
            let answered = self.outgoing.len();
            match self.incoming.next_frame() {
                Ok(Some(frame)) => self.sort(frame, session).await,
                Ok(None) => {
                    self.sorted = true;
                    return false;
                }
                Err(why) => {
                    self.last_word = Some(why);
                    return false;
                }
            }
            consume_budget().await;
            // It was looked at after each of the answers before.
            if self.outgoing.len() > answered && self.outgoing.is_enough() {
                return true;
            }
        }
        false
    }

    /// Whether what has arrived may be sorted, and more be read.
    fn takes_more(&self) -> bool {
        !self.held_by_hello
            && self.last_word.is_none()
            && !self.outgoing.is_full()
            && self.in_turn_bytes + self.calls.waiting_bytes() < READ_AHEAD
    }

    async fn sort(&mut self, frame: Bytes, session: &Session) {
        let bytes = frame.len();
        if self.listener.is_reached(Stage::Stop) {
            session.phase().close();
        }
        let TaggedRequest {
            request_id,
            progress,
            request,
        } = match TaggedRequest::decode(frame) {
            Ok(tagged) => tagged,
            Err(RejectedFrame { request_id, error }) => {
                let why = ErrorBody::new(ErrorCode::BAD_REQUEST, error.to_string());
                match request_id {
                    Some(_) => self.answer(request_id, &why.into()),
                    None => self.line_up(None, Err(why), bytes),
                }
                return;
            }
        };
        match (request_id, request) {
            (_, Request::Cancel { request_id }) => {
                self.calls.cancel(request_id, &mut self.outgoing).await;
            }
            (Some(request_id), request @ (Request::RunTool(_) | Request::RunToolContinue(_))) => {
                let call = Call {
                    request_id,
                    request,
                    wants_progress: progress,
                    session: session.clone(),
                    bytes,
                };
                self.calls.take(call, &mut self.outgoing).await;
            }
            (_, hello @ Request::Hello(_)) => {
                self.held_by_hello = true;
                self.line_up(request_id, Ok(hello), bytes);
            }
            (Some(_), other) => {
                let control = CallControl::none();
                let answer = self.dispatcher.answer(session, other, &control).await;
                self.answer(request_id, &answer);
            }
            (None, other) => self.line_up(None, Ok(other), bytes),
        }
    }

    fn line_up(
        &mut self,
        request_id: Option<u64>,
        request: Result<Request, ErrorBody>,
        bytes: usize,
    ) {
        // An empty frame takes room as well.
        let bytes = bytes + size_of::<InTurn>();
        self.in_turn_bytes += bytes;
        self.in_turn.push_back(InTurn {
            request_id,
            request,
            bytes,
        });
    }

    /// The request whose turn it is.
    pub(super) fn next_in_turn(&mut self) -> Option<InTurn> {
        let next = self.in_turn.pop_front()?;
        self.in_turn_bytes -= next.bytes;
        if matches!(next.request, Ok(Request::Hello(_))) {
            self.held_by_hello = false;
        }
        Some(next)
    }

    /// Keeps an answer until it is written.
    pub(super) fn answer(&mut self, request_id: Option<u64>, answer: &Answer) {
        self.outgoing.push(request_id, answer);
    }

    /// Writes what there is, if that is enough.
    pub(super) async fn relieve(&mut self) -> Result<(), Closing> {
        if self.outgoing.is_enough() {
            self.flush().await?;
            // Who waits for what was written may need this worker.
            yield_now().await;
        }
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        let flush = self.outgoing.flush(&self.stream, self.limits.write_timeout);
        tokio::select! {
            biased;
            // Cancelled: what was written is counted, and the rest given up.
            flushed = flush => flushed,
            // Cancelled: nothing was begun.
            () = self.listener.reached(Stage::Cut) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Whether everything that has arrived is answered and no more will come.
    pub(super) async fn is_done(&mut self) -> Result<bool, Closing> {
        if !self.calls.is_empty() {
            return Ok(false);
        }
        if let Some(why) = self.last_word.take() {
            return Err(Closing::Because(why));
        }
        if self.cut {
            return Err(Closing::Said);
        }
        if !self.sorted {
            return Ok(false);
        }
        if self.incoming.ended {
            self.flush().await?;
            return match self.incoming.finish() {
                Ok(()) => Ok(true),
                Err(why) => Err(Closing::Because(why)),
            };
        }
        if self.listener.is_reached(Stage::Stop) {
            self.flush().await?;
            // What has arrived by now is answered, if only with a refusal.
            return if self.incoming.read_now(&self.stream)? == 0 {
                Ok(true)
            } else if self.listener.is_reached(Stage::Cut) {
                Err(Closing::Because(shut_down()))
            } else {
                Ok(false)
            };
        }
        Ok(false)
    }

    /// Whether nothing is under way and nothing has begun to arrive.
    pub(super) fn is_idle(&mut self) -> bool {
        // What there is to write is mostly taken at once.
        let written = self.outgoing.try_write(&self.stream).is_ok() && self.outgoing.is_empty();
        written && self.sorted && self.calls.is_empty() && self.incoming.is_empty()
    }

    /// Waits until the client asks for something, or the server stops.
    pub(super) async fn idle(&mut self) -> io::Result<()> {
        let (stream, _) = self.stream.split();
        tokio::select! {
            // Cancelled: nothing was taken from the socket.
            read = self.incoming.read(stream) => read,
            // Cancelled: nothing was begun.
            () = self.listener.reached(Stage::Stop) => Ok(()),
        }
    }

    /// Waits until something has happened and does what it asks for. Returns
    /// the answer of `call`, if that is what happened. With `more`, it does not
    /// wait for long: there is more to sort.
    pub(super) async fn wait(
        &mut self,
        session: &Session,
        call: Option<Pin<&mut impl Future<Output = Answer>>>,
        more: bool,
    ) -> Result<Option<Answer>, Closing> {
        let busy = call.is_some() || self.calls.running() > 0;
        let was_full = !self.takes_more();
        self.calls.settle(&mut self.outgoing);
        self.calls.begin_waiting(&mut self.outgoing).await;
        self.outgoing.try_write(&self.stream)?;
        let room = !self.outgoing.is_full();
        if self.cut && !room {
            return Err(Closing::Silently);
        }
        // Room may be all that was waited for, or the end of the calls.
        let more = more
            || (was_full && self.takes_more())
            || (call.is_none() && busy && self.calls.is_empty());
        let reads = self.takes_more() && !self.incoming.ended;
        let due = self.due(reads, busy);
        let (arriving, leaving) = self.stream.split();
        tokio::select! {
            biased;
            // Cancelled: polled again in the next round.
            answer = polled(call) => return Ok(Some(answer)),
            // Cancelled: the letters stay where they are.
            () = self.calls.mail(), if room => {}
            // Cancelled: nothing was written.
            wrote = self.outgoing.write_some(leaving.as_ref()), if !self.outgoing.is_empty() => wrote?,
            // Cancelled: nothing was taken from the socket.
            read = self.incoming.read(arriving), if reads => read?,
            // Cancelled: nothing was begun.
            () = self.listener.reached(Stage::Cut), if !self.cut => self.cut(),
            // Cancelled: nothing was begun. Who called sees the signal again.
            () = self.listener.reached(Stage::Stop), if !self.stopping => {
                self.stopping = true;
                session.phase().close();
            }
            // Cancelled: what is due is kept, not the timer.
            () = sleep_until(due.unwrap_or_else(clock::now)), if due.is_some() => {
                self.overdue(reads)?;
            }
            // Cancelled: nothing was begun.
            () = yield_now(), if more => {}
        }
        if busy && is_gone(&self.stream).await {
            return Err(Closing::Silently);
        }
        Ok(None)
    }

    /// When to look up, if nothing happens before.
    fn due(&mut self, reads: bool, busy: bool) -> Option<Instant> {
        let frame = if reads {
            self.incoming.deadline(self.limits.frame_timeout)
        } else {
            self.incoming.pause();
            None
        };
        let unread = self.outgoing.deadline(self.limits.write_timeout);
        let look = busy.then(|| clock::now() + LOOK);
        [frame, unread, look].into_iter().flatten().min()
    }

    /// Something may have taken too long.
    fn overdue(&mut self, reads: bool) -> Result<(), Closing> {
        let now = clock::now();
        let unread = self.outgoing.deadline(self.limits.write_timeout);
        if unread.is_some_and(|due| due <= now) {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        let frame = reads.then(|| self.incoming.deadline(self.limits.frame_timeout));
        if frame.flatten().is_some_and(|due| due <= now) {
            let limit = self.limits.frame_timeout.as_millis();
            self.last_word = Some(ErrorBody::new(
                ErrorCode::BAD_REQUEST,
                format!("a frame was not whole {limit} ms after its first byte"),
            ));
        }
        Ok(())
    }

    /// The server does not wait any longer.
    fn cut(&mut self) {
        self.cut = true;
        self.count_cut(self.calls.running());
        self.stop_calls();
    }

    /// Whether the server has stopped waiting.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Counts calls that were ended because the server shut down.
    pub(super) fn count_cut(&self, calls: usize) {
        let calls = u64::try_from(calls).unwrap_or(u64::MAX);
        self.listener.count_cut(calls);
    }

    /// Tells the calls with ids to end.
    pub(super) fn stop_calls(&self) {
        self.calls.stop(self.why_calls_end());
    }

    /// Why calls end that the connection's end befalls.
    pub(super) fn why_calls_end(&self) -> StopReason {
        if self.cut {
            StopReason::ShutDown
        } else {
            StopReason::ClientGone
        }
    }

    /// Ends what is under way, says the last word, and closes.
    pub(super) async fn close(mut self, ended: Result<(), Closing>) {
        self.calls.end(self.why_calls_end()).await;
        match ended {
            Ok(()) | Err(Closing::Silently) => return,
            Err(Closing::Because(why)) => self.answer(None, &why.into()),
            Err(Closing::Said) => {}
        }
        let patience = self.limits.write_timeout.min(LINGER);
        if self.outgoing.flush(&self.stream, patience).await.is_ok() {
            linger(&self.stream).await;
        }
    }
}

fn shut_down() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::SHUTTING_DOWN,
        "the server shut down before all was done",
    )
}

/// The answer of a call, where there is one.
async fn polled(call: Option<Pin<&mut impl Future<Output = Answer>>>) -> Answer {
    match call {
        Some(call) => call.await,
        None => std::future::pending().await,
    }
}

/// Whether the client can no longer read. One that only said that it sends no
/// more still waits for its answers.
async fn is_gone(stream: &UnixStream) -> bool {
    let ready = pin!(stream.ready(Interest::WRITABLE));
    match poll_once(ready).await {
        Poll::Ready(Ok(ready)) => ready.is_write_closed(),
        Poll::Ready(Err(_)) => true,
        Poll::Pending => false,
    }
}
