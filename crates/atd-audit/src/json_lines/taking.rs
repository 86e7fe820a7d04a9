//! How an event gets into the queue.

use std::{sync::Arc, time::Duration};

use super::{
    JsonLinesAuditSink,
    line::{self, Said},
    lines::Line,
    queue::Offer,
};
use crate::{
    AuditError, AuditSink, Backpressure, Beside, BesideFields, CallEvent, Health, OUTCOME_UNKNOWN,
    Outcome,
};

/// The longest id of a call that can be started, in bytes.
const MAX_CALL_ID: usize = 128;

impl AuditSink for JsonLinesAuditSink {
    fn on_call(&self, event: &CallEvent) {
        self.take(event.into());
    }

    fn try_on_call(&self, event: &CallEvent) -> bool {
        self.try_take(event.into())
    }

    fn may_wait(&self) -> bool {
        self.waits_for_disk
            || match &self.backpressure {
                Backpressure::Drop => false,
                Backpressure::Block { .. } => true,
                Backpressure::Spill(other) => other.may_wait(),
            }
    }

    fn wants(&self) -> BesideFields {
        self.wanted
    }

    fn on_call_with(&self, event: &CallEvent, beside: &Beside, may_wait: bool) -> bool {
        let said = Said {
            beside: Some((beside, self.wanted)),
            ..event.into()
        };
        if may_wait {
            self.take(said);
            return true;
        }
        self.try_take(said)
    }

    fn is_strict(&self) -> bool {
        self.strict.is_some()
    }

    fn on_start(&self, start: &CallEvent) -> Result<(), AuditError> {
        let Some(starts) = &self.strict else {
            return Ok(());
        };
        let unknown = Outcome::ExecutionFailed {
            code: OUTCOME_UNKNOWN.to_owned(),
            retryable: false,
        };
        let said = Said {
            outcome: &unknown,
            ..start.into()
        };
        check_call_id(&start.call_id)?;
        self.queue.reserve(self.patience(starts.patience))?;
        let started = line::with_line(said, |line| starts.journal.start(&line.bytes));
        started.map_err(|(refused, is_place_free)| {
            if is_place_free {
                self.queue.release();
            }
            refused
        })
    }

    fn drops(&self) -> u64 {
        Self::drops(self)
    }

    fn health(&self) -> Health {
        Self::health(self)
    }

    fn flush(&self, timeout: Duration) -> Result<(), AuditError> {
        Self::flush(self, timeout)
    }
}

impl JsonLinesAuditSink {
    /// Makes the line of what is `said`, for the queue.
    fn with_line<T>(&self, said: Said<'_>, use_line: impl FnOnce(&Line) -> T) -> T {
        line::with_line(said, |line| {
            // The writer thread makes the hashes unless it has enough to do.
            #[cfg(feature = "chain")]
            if self.is_chained && self.queue.is_behind() {
                line.hash_blocks();
            }
            use_line(line)
        })
    }

    /// Takes an event as far as that needs no waiting.
    fn offer(&self, line: &Line) -> Offer {
        match &self.strict {
            Some(starts) if starts.journal.end(&line.bytes) => self.queue.offer_reserved(line),
            _ => self.queue.offer(line),
        }
    }

    fn take(&self, said: Said<'_>) {
        let offered = self.with_line(said, |line| match self.offer(line) {
            Offer::Full => self.overflow(said, line),
            offered => offered,
        });
        if let (Offer::Taken(ticket), true) = (offered, self.waits_for_disk)
            && !self.on_writer_thread()
        {
            let at_most = match &self.backpressure {
                Backpressure::Block { at_most } => *at_most,
                Backpressure::Drop | Backpressure::Spill(_) => None,
            };
            self.queue.wait_for(ticket, at_most);
        }
    }

    fn try_take(&self, said: Said<'_>) -> bool {
        if self.waits_for_disk {
            return false;
        }
        self.with_line(said, |line| match self.offer(line) {
            Offer::Taken(_) | Offer::Closed => true,
            Offer::Full => match &self.backpressure {
                Backpressure::Block { .. } => false,
                Backpressure::Spill(other) => {
                    let taken = hand_on(other, said, false);
                    if taken {
                        self.queue.spill();
                    }
                    taken
                }
                Backpressure::Drop => {
                    self.queue.refuse();
                    true
                }
            },
        })
    }

    /// What is done with an event that finds the queue full, by who may wait.
    fn overflow(&self, said: Said<'_>, line: &Line) -> Offer {
        match &self.backpressure {
            Backpressure::Spill(other) => {
                self.queue.spill();
                hand_on(other, said, true);
                Offer::Full
            }
            // The writer's own thread would wait for itself.
            Backpressure::Block { at_most } if !self.on_writer_thread() => {
                self.queue.offer_patiently(line, *at_most)
            }
            Backpressure::Drop | Backpressure::Block { .. } => {
                self.queue.refuse();
                Offer::Full
            }
        }
    }
}

/// A call is known by its id in the journal and in the log: it must be the same
/// in both, however long the rest of a line is.
fn check_call_id(id: &str) -> Result<(), AuditError> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if (1..=MAX_CALL_ID).contains(&id.len()) && id.bytes().all(is_plain) {
        Ok(())
    } else {
        Err(AuditError::CallId)
    }
}

/// Gives an event to a sink, with what that wants to know besides.
fn hand_on(sink: &Arc<dyn AuditSink>, said: Said<'_>, may_wait: bool) -> bool {
    match said.beside {
        Some((beside, _)) => sink.on_call_with(said.event, beside, may_wait),
        None if may_wait => {
            sink.on_call(said.event);
            true
        }
        None => sink.try_on_call(said.event),
    }
}
