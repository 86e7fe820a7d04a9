//! What all connections of a server are told, once each.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};

/// How far the end of a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Stage {
    /// Answer what is under way, take nothing new.
    Stop = 1,
    /// End what is under way.
    Cut = 2,
}

/// Tells all who listen how far the end has come; it never goes back.
#[derive(Debug, Default)]
pub(super) struct Signals {
    reached: AtomicU8,
    /// Calls that were ended because the server was.
    cut_calls: AtomicU64,
    listeners: Mutex<Vec<Weak<Ear>>>,
}

/// One who listens. It has a place of its own to be called at, so that those
/// who wait for nothing else share nothing that changes with each wait.
#[derive(Debug)]
pub(super) struct Listener {
    signals: Arc<Signals>,
    ear: Arc<Ear>,
}

/// Whom to call.
#[derive(Debug, Default)]
struct Ear(Mutex<Option<Waker>>);

impl Signals {
    pub(super) fn give(&self, stage: Stage) {
        self.reached.fetch_max(stage as u8, Ordering::AcqRel);
        // Who listens from now on looks first.
        for ear in self.listeners().iter().filter_map(Weak::upgrade) {
            if let Some(waker) = ear.waker().take() {
                waker.wake();
            }
        }
    }

    pub(super) fn listen(self: &Arc<Self>) -> Listener {
        let ear = Arc::default();
        let mut listeners = self.listeners();
        // Those who have left are forgotten when there would be no room.
        if listeners.len() == listeners.capacity() {
            listeners.retain(|ear| ear.strong_count() > 0);
            let left = listeners.len();
            listeners.reserve(left.max(MANY));
        }
        listeners.push(Arc::downgrade(&ear));
        drop(listeners);
        Listener {
            signals: self.clone(),
            ear,
        }
    }

    /// How many calls were ended because the server was.
    pub(super) fn cut_calls(&self) -> u64 {
        self.cut_calls.load(Ordering::Acquire)
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Weak<Ear>>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// So many who have left are not worth looking for.
const MANY: usize = 64;

impl Ear {
    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    pub(super) fn is_reached(&self, stage: Stage) -> bool {
        self.signals.reached.load(Ordering::Acquire) >= stage as u8
    }

    /// Waits until the end has come so far. One task waits at a time, for as
    /// many stages as it likes.
    ///
    /// Cancelled: nothing was begun.
    pub(super) async fn reached(&self, stage: Stage) {
        poll_fn(|context| {
            if self.is_reached(stage) {
                return Poll::Ready(());
            }
            match &mut *self.ear.waker() {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            // It may have come so far before there was anybody to call.
            match self.is_reached(stage) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// Calls were ended because the server was.
    pub(super) fn count_cut(&self, calls: u64) {
        self.signals.cut_calls.fetch_add(calls, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::super::calls::poll_once;
    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_stage_is_called_when_it_is_reached() {
        let signals = Arc::<Signals>::default();
        let listeners = [(); 3].map(|()| signals.listen());
        let waiting = listeners.map(|listener| {
            tokio::spawn(async move {
                listener.reached(Stage::Stop).await;
                listener.reached(Stage::Cut).await;
            })
        });
        tokio::task::yield_now().await;
        signals.give(Stage::Stop);
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|task| !task.is_finished()));
        signals.give(Stage::Cut);
        for task in waiting {
            task.await.unwrap();
        }
    }

    #[tokio::test]
    async fn who_listens_late_hears_what_was_reached() {
        let signals = Arc::<Signals>::default();
        signals.give(Stage::Cut);
        signals.give(Stage::Stop);
        let late = signals.listen();
        assert!(late.is_reached(Stage::Stop));
        assert!(poll_once(pin!(late.reached(Stage::Cut))).await.is_ready());
    }

    #[test]
    fn those_who_have_left_are_forgotten() {
        let signals = Arc::<Signals>::default();
        let stays: Vec<_> = (0..100).map(|_| signals.listen()).collect();
        for _ in 0..10_000 {
            drop(signals.listen());
        }
        assert!(signals.listeners().len() < 4 * stays.len() + MANY);
        let heard = |ear: &&Weak<Ear>| ear.strong_count() > 0;
        assert_eq!(signals.listeners().iter().filter(heard).count(), 100);
    }
}
