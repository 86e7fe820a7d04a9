//! The calls of a connection that carry request ids, and so run beside one
//! another.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use atd_proto::{ErrorBody, ErrorCode, Request, Response};

use super::mailbox::{Letter, Mailbox, Ticket};
use super::outgoing::Outgoing;
use crate::answer::Answer;
use crate::control::{CallControl, StopReason};
use crate::dispatch::Dispatcher;
use crate::session::Session;

/// The calls with ids of one connection: those that run, each on a task of its
/// own, and those that wait for a place among them.
pub(super) struct Calls {
    dispatcher: Arc<Dispatcher>,
    limit: usize,
    running: HashMap<u64, Running>,
    waiting: VecDeque<(InLine, Call)>,
    /// How long the frames of those that wait are together, in bytes.
    waiting_bytes: usize,
    mailbox: Arc<Mailbox>,
    next_serial: u64,
}

struct Running {
    serial: u64,
    control: CallControl,
}

/// A call as it was read.
pub(super) struct Call {
    pub(super) request_id: u64,
    pub(super) request: Request,
    pub(super) wants_progress: bool,
    /// Who asked for it, then.
    pub(super) session: Session,
    /// How long its frame was.
    pub(super) bytes: usize,
}

impl Calls {
    pub(super) fn new(dispatcher: Arc<Dispatcher>, limit: usize) -> Self {
        Self {
            dispatcher,
            limit,
            running: HashMap::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            mailbox: Arc::default(),
            next_serial: 0,
        }
    }

    /// How many run.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Whether none runs and none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    /// How long the frames of those that wait are together, in bytes.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Takes a call: it is begun if there is a place, and waits otherwise. One
    /// that ends at once has its answer in `outgoing`.
    pub(super) async fn take(&mut self, call: Call, outgoing: &mut Outgoing) {
        let id = call.request_id;
        let taken = |(_, waiting): &(InLine, Call)| waiting.request_id == id;
        if self.running.contains_key(&id) || self.waiting.iter().any(taken) {
            let refused = self
                .dispatcher
                .refuse_duplicate(&call.session, call.request);
            outgoing.push(Some(id), &refused.await);
        } else if self.running.len() < self.limit {
            self.begin(call, CallControl::new, outgoing).await;
        } else {
            self.waiting_bytes += call.bytes;
            let in_line = InLine::begin(self.dispatcher.clone());
            self.waiting.push_back((in_line, call));
        }
    }

    /// Begins those that wait, as far as there are places and `outgoing` has
    /// room for the answers of those that end at once.
    pub(super) async fn begin_waiting(&mut self, outgoing: &mut Outgoing) {
        while self.running.len() < self.limit
            && !outgoing.is_full()
            && let Some((in_line, call)) = self.waiting.pop_front()
        {
            drop(in_line);
            self.waiting_bytes -= call.bytes;
            self.begin(call, CallControl::new, outgoing).await;
        }
    }

    async fn begin(
        &mut self,
        call: Call,
        unheard: impl FnOnce() -> CallControl,
        outgoing: &mut Outgoing,
    ) {
        let Call {
            request_id,
            request,
            wants_progress,
            session,
            ..
        } = call;
        self.next_serial += 1;
        let ticket = Ticket {
            serial: self.next_serial,
            request_id,
        };
        let control = if wants_progress {
            let mailbox = self.mailbox.clone();
            CallControl::with_progress(move |progress| mailbox.progress(ticket, progress))
        } else {
            unheard()
        };
        let (dispatcher, controlled) = (self.dispatcher.clone(), control.clone());
        let mut work = Box::pin(async move {
            let answer = dispatcher.answer(&session, request, &controlled);
            answer.await
        });
        let polled = poll_once(work.as_mut()).await;
        let running = Running {
            serial: ticket.serial,
            control,
        };
        match polled {
            Poll::Ready(answer) if wants_progress => {
                // What it said of its progress comes before its answer.
                self.running.insert(request_id, running);
                self.mailbox.ended(ticket, answer);
                return self.settle(outgoing);
            }
            Poll::Ready(answer) => return outgoing.push(Some(request_id), &answer),
            Poll::Pending => self.running.insert(request_id, running),
        };
        let ending = Ending {
            mailbox: self.mailbox.clone(),
            ticket,
            sent: false,
        };
        tokio::spawn(async move { ending.send(work.await) });
    }

    /// Ends the call with this id. One that has ended already is left alone:
    /// its answer has crossed the cancel.
    pub(super) async fn cancel(&mut self, request_id: u64, outgoing: &mut Outgoing) {
        if let Some(running) = self.running.get(&request_id) {
            running.control.stop(StopReason::Cancelled);
            return;
        }
        let mut waiting = self.waiting.iter();
        if let Some(at) = waiting.position(|(_, call)| call.request_id == request_id)
            && let Some((_, call)) = self.waiting.remove(at)
        {
            self.waiting_bytes -= call.bytes;
            self.end_unbegun(call, StopReason::Cancelled, outgoing)
                .await;
        }
    }

    async fn end_unbegun(&mut self, call: Call, reason: StopReason, outgoing: &mut Outgoing) {
        let stopped = || {
            let control = CallControl::new();
            control.stop(reason);
            control
        };
        let call = Call {
            wants_progress: false,
            ..call
        };
        self.begin(call, stopped, outgoing).await;
    }

    /// Ends all of them.
    pub(super) fn stop(&self, reason: StopReason) {
        for running in self.running.values() {
            running.control.stop(reason);
        }
    }

    /// Ends all of them, and waits until they have; nobody reads the answers.
    pub(super) async fn end(&mut self, reason: StopReason) {
        self.stop(reason);
        let mut unread = Outgoing::default();
        while let Some((_, call)) = self.waiting.pop_front() {
            self.end_unbegun(call, reason, &mut unread).await;
            unread = Outgoing::default();
        }
        loop {
            self.settle(&mut unread);
            let more = unread.is_full();
            unread = Outgoing::default();
            if self.running.is_empty() {
                return;
            }
            if !more {
                self.mailbox.arrived().await;
            }
        }
    }

    /// Waits until a call may have something to say.
    pub(super) async fn mail(&self) {
        self.mailbox.arrived().await;
    }

    /// Takes what calls have to say into `outgoing`, as far as it has room.
    pub(super) fn settle(&mut self, outgoing: &mut Outgoing) {
        while !outgoing.is_full()
            && let Some((ticket, letter)) = self.mailbox.take()
        {
            let id = ticket.request_id;
            let running = self.running.get(&id);
            // A tool may report when its call has ended already.
            if running.is_none_or(|running| running.serial != ticket.serial) {
                continue;
            }
            let answer = match letter {
                Letter::Progress(progress) => {
                    self.dispatcher.metrics.progress_reports.add_one();
                    Response::Progress(progress).into()
                }
                Letter::Ended(answer) => {
                    self.running.remove(&id);
                    answer
                }
            };
            outgoing.push(Some(id), &answer);
        }
        if self.running.is_empty() && self.running.capacity() > 64 {
            self.running = HashMap::new();
        }
    }
}

/// Counts a call for as long as it waits.
struct InLine(Arc<Dispatcher>);

impl InLine {
    fn begin(dispatcher: Arc<Dispatcher>) -> Self {
        dispatcher.metrics.waits.add_one();
        Self(dispatcher)
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        self.0.metrics.waits_ended.add_one();
    }
}

/// The end of a call on its task, which the connection learns of however it
/// comes.
struct Ending {
    mailbox: Arc<Mailbox>,
    ticket: Ticket,
    sent: bool,
}

impl Ending {
    fn send(mut self, answer: Answer) {
        self.sent = true;
        self.mailbox.ended(self.ticket, answer);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.sent {
            // The call's own record says what became of it.
            let lost = ErrorBody::new(ErrorCode::UNCLASSIFIED, "the call was lost");
            self.mailbox.ended(self.ticket, lost.into());
        }
    }
}

pub(super) async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}
