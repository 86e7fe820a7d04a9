//! Events to whoever awaits them.

use std::{
    collections::VecDeque,
    future::poll_fn,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::{AuditSink, CallEvent, Health};

/// A sink, and the other end of it, where the events can be awaited. It works
/// with every async runtime, and none is needed.
///
/// At most `capacity` events wait to be received. One that finds no room, or
/// nobody who will receive it, is dropped and counted.
///
/// ```
/// use std::{num::NonZero, sync::Arc};
///
/// let (sink, mut events) = atd_audit::channel(NonZero::new(1024).unwrap());
/// let sink: Arc<dyn atd_audit::AuditSink> = Arc::new(sink);
/// # let _ =
/// async move {
///     while let Some(event) = events.recv().await {
///         println!("{} {}", event.ts, event.tool_id);
///     }
/// };
/// ```
#[must_use]
pub fn channel(capacity: NonZeroUsize) -> (ChannelAuditSink, EventReceiver) {
    let shared = Arc::new(Shared {
        capacity: capacity.get(),
        state: Mutex::default(),
    });
    (
        ChannelAuditSink {
            shared: shared.clone(),
        },
        EventReceiver { shared },
    )
}

/// Gives each event to an [`EventReceiver`]; made by [`channel`].
#[derive(Debug)]
pub struct ChannelAuditSink {
    shared: Arc<Shared>,
}

/// Receives the events of a [`ChannelAuditSink`]; made by [`channel`].
#[derive(Debug)]
pub struct EventReceiver {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<CallEvent>,
    received: u64,
    lost: u64,
    receiver: Option<Waker>,
    is_closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No more events come, or none is received any more.
    fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let receiver = state.receiver.take();
        drop(state);
        receiver.into_iter().for_each(Waker::wake);
    }
}

impl EventReceiver {
    /// The next event; `None` when the sink is gone and all are received.
    /// Dropping the future loses none.
    pub async fn recv(&mut self) -> Option<CallEvent> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// The next event if there is one now.
    pub fn try_recv(&mut self) -> Option<CallEvent> {
        let mut state = self.shared.lock();
        let event = state.events.pop_front()?;
        state.received += 1;
        Some(event)
    }

    /// As [`recv`](Self::recv), for who implements a stream.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<CallEvent>> {
        let mut state = self.shared.lock();
        if let Some(event) = state.events.pop_front() {
            state.received += 1;
            return Poll::Ready(Some(event));
        }
        if state.is_closed {
            return Poll::Ready(None);
        }
        state.receiver = Some(context.waker().clone());
        Poll::Pending
    }
}

impl AuditSink for ChannelAuditSink {
    fn on_call(&self, event: &CallEvent) {
        let mut state = self.shared.lock();
        if state.is_closed || state.events.len() >= self.shared.capacity {
            state.lost += 1;
            return;
        }
        state.events.push_back(event.clone());
        let receiver = state.receiver.take();
        drop(state);
        receiver.into_iter().for_each(Waker::wake);
    }

    fn drops(&self) -> u64 {
        self.shared.lock().lost
    }

    /// What was received counts as written.
    fn health(&self) -> Health {
        let state = self.shared.lock();
        Health {
            queued: state.events.len() as u64,
            written: state.received,
            lost: state.lost,
            ..Health::default()
        }
    }
}

impl Drop for ChannelAuditSink {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Drop for EventReceiver {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        // Nobody will see them.
        state.lost += state.events.len() as u64;
        state.events.clear();
        // Under the same lock, so that none comes between.
        state.is_closed = true;
    }
}
