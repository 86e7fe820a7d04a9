//! One connection, from its first byte to its last.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use atd_gate::Channel;
use atd_proto::{ErrorBody, Request};
use tokio::net::UnixStream;
use tokio::task::consume_budget;

use super::calls::poll_once;
use super::signal::Listener;
use super::wire::{InTurn, Wire};
use crate::answer::Answer;
use crate::control::CallControl;
use crate::dispatch::Dispatcher;
use crate::server::TransportLimits;
use crate::session::Session;

/// One connection. Its requests without ids run one after another, and their
/// answers are written together when nothing more is waiting; calls with ids
/// run beside them.
pub(super) struct Connection {
    dispatcher: Arc<Dispatcher>,
    session: Session,
    /// Ends the request whose turn it is.
    control: CallControl,
    wire: Wire,
}

/// Why nothing is done for a client now.
enum Pause {
    /// It asks for nothing.
    Idle,
    /// It will ask for nothing more.
    Ended,
}

/// Why a connection ends before its client ends it.
pub(super) enum Closing {
    /// The client is owed a word about it.
    Because(ErrorBody),
    /// The client has its answers, and they say why.
    Said,
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
        mut session: Session,
        limits: TransportLimits,
        listener: Listener,
    ) -> Self {
        session.carries_request_ids();
        session.goes_over(Channel::unix());
        Self {
            control: CallControl::new(),
            wire: Wire::new(stream, dispatcher.clone(), limits, listener),
            dispatcher,
            session,
        }
    }

    pub(super) async fn serve(mut self) {
        // Boxed: what it takes to serve a client, an idle one does not take.
        let ended = loop {
            let paused = Box::pin(self.converse()).await;
            match paused {
                Ok(Pause::Idle) => {
                    if let Err(error) = self.wire.idle().await {
                        break Err(error.into());
                    }
                }
                Ok(Pause::Ended) => break Ok(()),
                Err(closing) => break Err(closing),
            }
        };
        Box::pin(self.end(ended)).await;
    }

    /// Ends what is under way, with its records, and closes.
    async fn end(mut self, ended: Result<(), Closing>) {
        if matches!(ended, Err(Closing::Silently)) {
            self.session.phase().client_gone();
        }
        let reason = self.wire.why_calls_end();
        self.control.stop(reason);
        // What was read and is not begun is not begun; its record says why.
        while let Some(next) = self.wire.next_in_turn() {
            if let Ok(request) = next.request {
                let handled = self
                    .dispatcher
                    .answer(&self.session, request, &self.control);
                handled.await;
            }
        }
        self.wire.close(ended).await;
    }

    /// Serves until there is nothing to do.
    async fn converse(&mut self) -> Result<Pause, Closing> {
        loop {
            let more = self.wire.take_in(&self.session, false).await;
            if let Some(next) = self.wire.next_in_turn() {
                self.carry_out(next).await?;
                // Neither the socket nor a tool that answers at once ever makes
                // this task wait: others want the worker too.
                consume_budget().await;
                self.wire.relieve().await?;
            } else if !more && self.wire.is_done().await? {
                return Ok(Pause::Ended);
            } else if !more && self.wire.is_idle() {
                return Ok(Pause::Idle);
            } else {
                let none: Option<Pin<&mut std::future::Pending<Answer>>> = None;
                self.wire.wait(&self.session, none, more).await?;
            }
        }
    }

    /// Carries out the request whose turn it is, and keeps its answer.
    async fn carry_out(&mut self, next: InTurn) -> Result<(), Closing> {
        let answer = match next.request {
            Err(why) => Answer::from(why),
            Ok(Request::Hello(hello)) => self.dispatcher.hello(&mut self.session, &hello),
            Ok(request) => {
                let (session, control) = (&self.session, &self.control);
                let mut call = pin!(self.dispatcher.answer(session, request, control));
                match poll_once(call.as_mut()).await {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => attend(&mut self.wire, session, control, call).await?,
                }
            }
        };
        self.wire.answer(next.request_id, &answer);
        Ok(())
    }
}

/// Waits for the answer of a call. Meanwhile the answers before it go out, what
/// is behind it comes in, and a client that leaves ends it.
async fn attend(
    wire: &mut Wire,
    session: &Session,
    control: &CallControl,
    mut call: Pin<&mut impl Future<Output = Answer>>,
) -> Result<Answer, Closing> {
    loop {
        let more = wire.take_in(session, true).await;
        match wire.wait(session, Some(call.as_mut()), more).await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) if wire.is_cut() => {
                control.stop(wire.why_calls_end());
                wire.count_cut(1);
                return Ok(call.await);
            }
            Ok(None) => {}
            Err(closing) => {
                control.stop(wire.why_calls_end());
                wire.stop_calls();
                call.await;
                return Err(closing);
            }
        }
    }
}
