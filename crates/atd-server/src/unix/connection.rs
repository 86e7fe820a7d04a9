//! One connection, from its first byte to its last.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use atd_proto::{ErrorBody, ErrorCode, FrameDecoder, FrameError, Request};
use bytes::{Bytes, BytesMut};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::task::{consume_budget, yield_now};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Signals;
use super::outgoing::Outgoing;
use crate::answer::Answer;
use crate::clock;
use crate::dispatch::Dispatcher;
use crate::server::TransportLimits;
use crate::session::{Phase, Session};

/// How much is read at once.
const READ: usize = 8 * 1024;

/// How much may arrive while a call runs before reading waits for its end.
const READ_AHEAD: usize = 64 * 1024;

/// How often a call under way looks whether its client is still there, where
/// no byte tells.
const LOOK: Duration = Duration::from_millis(100);

/// How long a client that did something wrong has to read why.
const LINGER: Duration = Duration::from_secs(1);

/// One connection. Its requests run one after another, and their answers are
/// written together when nothing more is waiting.
pub(super) struct Connection {
    stream: UnixStream,
    dispatcher: Arc<Dispatcher>,
    session: Session,
    limits: TransportLimits,
    signals: Signals,
    incoming: Incoming,
    outgoing: Outgoing,
}

/// Bytes that have arrived and are not yet answered.
#[derive(Default)]
struct Incoming {
    buffer: BytesMut,
    /// The client has said that it sends no more.
    ended: bool,
    /// When the frame that has begun must be whole.
    deadline: Option<Instant>,
}

/// Why a connection ends before its client ends it.
enum Closing {
    /// The client is owed a word about it.
    Because(ErrorBody),
    /// There is nobody to tell.
    Silently,
}

impl From<io::Error> for Closing {
    fn from(error: io::Error) -> Self {
        tracing::debug!(%error, "the connection failed");
        Self::Silently
    }
}

impl Connection {
    pub(super) fn new(
        stream: UnixStream,
        dispatcher: Arc<Dispatcher>,
        session: Session,
        limits: TransportLimits,
        signals: Signals,
    ) -> Self {
        Self {
            stream,
            dispatcher,
            session,
            limits,
            signals,
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
        }
    }

    pub(super) async fn serve(mut self) {
        if let Err(Closing::Because(why)) = self.converse().await {
            self.outgoing.push(&Answer::from(why));
            let patience = self.limits.write_timeout.min(LINGER);
            if self.outgoing.flush(&self.stream, patience).await.is_ok() {
                linger(&self.stream).await;
            }
        }
    }

    async fn converse(&mut self) -> Result<(), Closing> {
        loop {
            while let Some(frame) = self.incoming.next_frame()? {
                if self.signals.stop.is_cancelled() {
                    self.session.phase().close();
                }
                self.answer(frame).await?;
                // Neither the socket nor a tool that answers at once ever makes
                // this task wait: others want the worker too.
                consume_budget().await;
                if self.outgoing.is_enough() {
                    self.flush().await?;
                    // Who waits for what was written may need this worker.
                    yield_now().await;
                }
            }
            self.flush().await?;
            if self.incoming.ended {
                return self.incoming.finish();
            }
            if self.signals.stop.is_cancelled() {
                // What has arrived by now is answered, if only with a refusal.
                if self.incoming.read_now(&self.stream)? == 0 {
                    return Ok(());
                }
                if self.signals.cut.is_cancelled() {
                    return Err(Closing::Because(shut_down()));
                }
            } else {
                self.read().await?;
            }
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        let flush = self.outgoing.flush(&self.stream, self.limits.write_timeout);
        tokio::select! {
            biased;
            // Cancelled: what was written is counted, and the rest given up.
            flushed = flush => flushed,
            // Cancelled: nothing was begun.
            () = self.signals.cut.cancelled() => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Carries one frame's request out and keeps its answer.
    async fn answer(&mut self, frame: Bytes) -> Result<(), Closing> {
        let request = match Request::decode(frame) {
            Ok(request) => request,
            Err(error) => {
                let why = ErrorBody::new(ErrorCode::BAD_REQUEST, error.to_string());
                self.outgoing.push(&Answer::from(why));
                return Ok(());
            }
        };
        let phase = self.session.phase().clone();
        let answer = {
            let mut call = pin!(self.dispatcher.handle(&mut self.session, request));
            match poll_once(call.as_mut()).await {
                Poll::Ready(answer) => answer,
                Poll::Pending => {
                    let attending = Attending {
                        stream: &self.stream,
                        incoming: &mut self.incoming,
                        outgoing: &mut self.outgoing,
                        signals: &self.signals,
                        phase,
                    };
                    attending.until(call).await?
                }
            }
        };
        self.outgoing.push(&answer);
        Ok(())
    }

    /// Waits for more bytes, or for a reason to wait no longer.
    async fn read(&mut self) -> Result<(), Closing> {
        let deadline = self.incoming.deadline(self.limits.frame_timeout);
        tokio::select! {
            // Cancelled: nothing was taken from the socket.
            read = self.incoming.read(&self.stream) => Ok(read?),
            // Cancelled: nothing was begun. The loop sees the signal again.
            () = self.signals.stop.cancelled() => Ok(()),
            // Cancelled: the deadline is kept, not the timer.
            () = sleep_until(deadline.unwrap_or_else(clock::now)), if deadline.is_some() => {
                let limit = self.limits.frame_timeout.as_millis();
                Err(Closing::Because(ErrorBody::new(
                    ErrorCode::BAD_REQUEST,
                    format!("a frame was not whole {limit} ms after its first byte"),
                )))
            }
        }
    }
}

/// Closing a socket that holds unread bytes would throw away what was written
/// last: lets the client finish, for a moment.
pub(super) async fn linger(stream: &UnixStream) {
    if rustix::net::shutdown(stream, rustix::net::Shutdown::Write).is_err() {
        return;
    }
    let drain = async {
        let mut scratch = [0; READ];
        while stream.readable().await.is_ok() {
            match stream.try_read(&mut scratch) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => consume_budget().await,
            }
        }
    };
    // A client that goes on for longer has had its chance.
    let _ = timeout(LINGER, drain).await;
}

fn shut_down() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::SHUTTING_DOWN,
        "the server shut down before all was done",
    )
}

/// What goes on beside a call that takes its time.
struct Attending<'a> {
    stream: &'a UnixStream,
    incoming: &'a mut Incoming,
    outgoing: &'a mut Outgoing,
    signals: &'a Signals,
    phase: Phase,
}

impl Attending<'_> {
    /// Waits for the call's answer. Meanwhile the answers before it go out,
    /// requests behind it come in, and a client that leaves ends it.
    async fn until(
        self,
        mut call: Pin<&mut impl Future<Output = Answer>>,
    ) -> Result<Answer, Closing> {
        loop {
            let hungry = !self.incoming.ended && self.incoming.buffer.len() < READ_AHEAD;
            tokio::select! {
                biased;
                // Cancelled: polled again in the next round.
                answer = call.as_mut() => return Ok(answer),
                // Cancelled: nothing was written.
                wrote = self.outgoing.write_some(self.stream), if !self.outgoing.is_empty() => wrote?,
                // Cancelled: nothing was taken from the socket.
                read = self.incoming.read(self.stream), if hungry => read?,
                // Cancelled: nothing was begun.
                () = self.signals.cut.cancelled() => {
                    self.phase.cut();
                    self.signals.cut_calls.fetch_add(1, Ordering::AcqRel);
                    return Err(Closing::Because(shut_down()));
                }
                // Cancelled: a client that has gone is seen in the next round.
                () = sleep(LOOK) => {}
            }
            if is_gone(self.stream).await {
                self.phase.client_gone();
                return Err(Closing::Silently);
            }
        }
    }
}

impl Incoming {
    /// The next frame that has arrived whole.
    fn next_frame(&mut self) -> Result<Option<Bytes>, Closing> {
        let frame = FrameDecoder::default()
            .decode(&mut self.buffer)
            .map_err(|error| {
                Closing::Because(ErrorBody::new(
                    ErrorCode::FRAME_TOO_LARGE,
                    error.to_string(),
                ))
            })?;
        if frame.is_some() || self.buffer.is_empty() {
            self.deadline = None;
        }
        if frame.is_none() && self.buffer.is_empty() {
            // An idle connection holds no buffer.
            self.buffer = BytesMut::new();
        }
        Ok(frame)
    }

    /// The client sends no more: was that between frames?
    fn finish(&self) -> Result<(), Closing> {
        FrameDecoder::default()
            .finish(&self.buffer)
            .map_err(|error: FrameError| {
                Closing::Because(ErrorBody::new(ErrorCode::BAD_REQUEST, error.to_string()))
            })
    }

    /// When the frame that has begun must be whole, if one has.
    fn deadline(&mut self, allowed: Duration) -> Option<Instant> {
        if self.buffer.is_empty() {
            return None;
        }
        Some(*self.deadline.get_or_insert_with(|| clock::now() + allowed))
    }

    /// Takes in what has arrived already, and says how much that was.
    fn read_now(&mut self, stream: &UnixStream) -> io::Result<usize> {
        self.buffer.reserve(READ);
        match stream.try_read_buf(&mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            read => read,
        }
    }

    /// Takes in what has arrived, waiting until something has. Dropped, it has
    /// taken nothing.
    async fn read(&mut self, stream: &UnixStream) -> io::Result<()> {
        loop {
            stream.readable().await?;
            self.buffer.reserve(READ);
            match stream.try_read_buf(&mut self.buffer) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
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

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}
