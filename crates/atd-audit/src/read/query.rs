//! Which events somebody wants to see.

use std::time::SystemTime;

use super::{Entry, OutcomeKind, ReadError, Record, Records, pattern::Pattern, times::moment};
use crate::CallEvent;

/// Which events somebody wants to see: those that everything said here fits.
/// Nothing said fits every event.
///
/// ```
/// use atd_audit::{OutcomeKind, Query, parse_rfc3339};
///
/// let denied_on_that_day = Query::new()
///     .since(parse_rfc3339("2026-11-22T00:00:00Z")?)
///     .until(parse_rfc3339("2026-11-23T00:00:00Z")?)
///     .tool("demo:db.*")
///     .outcome(OutcomeKind::CapabilityDenied);
/// # let _ = denied_on_that_day;
/// # Ok::<(), atd_audit::ReadError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    since: Option<SystemTime>,
    until: Option<SystemTime>,
    tool: Option<Pattern>,
    caller: Option<String>,
    outcomes: Vec<OutcomeKind>,
    call_id: Option<String>,
}

impl Query {
    /// Every event.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Events of calls that came at this time or later. An event whose `ts` is
    /// no time of RFC 3339 does not fit; nor does it with [`until`](Self::until).
    #[must_use]
    pub fn since(mut self, at: SystemTime) -> Self {
        self.since = Some(at);
        self
    }

    /// Events of calls that came before this time.
    #[must_use]
    pub fn until(mut self, at: SystemTime) -> Self {
        self.until = Some(at);
        self
    }

    /// Events of the tool of this id, in which each `*` stands for any text.
    #[must_use]
    pub fn tool(mut self, id: impl Into<String>) -> Self {
        self.tool = Some(Pattern::new(id));
        self
    }

    /// Events of this caller.
    #[must_use]
    pub fn caller(mut self, id: impl Into<String>) -> Self {
        self.caller = Some(id.into());
        self
    }

    /// Events of this kind of outcome, or of any that is asked for likewise.
    #[must_use]
    pub fn outcome(mut self, kind: OutcomeKind) -> Self {
        self.outcomes.push(kind);
        self
    }

    /// The event of this call, and those of its continuations.
    #[must_use]
    pub fn call_id(mut self, id: impl Into<String>) -> Self {
        self.call_id = Some(id.into());
        self
    }

    /// Whether `event` is one of those.
    #[must_use]
    pub fn matches(&self, event: &CallEvent) -> bool {
        let CallEvent {
            tool_id, caller_id, ..
        } = event;
        self.call_id.as_ref().is_none_or(|id| *id == event.call_id)
            && (self.caller.is_none() || self.caller == *caller_id)
            && self.tool.as_ref().is_none_or(|tool| tool.matches(tool_id))
            && (self.outcomes.is_empty() || self.outcomes.contains(&(&event.outcome).into()))
            && self.is_in_time(event)
    }

    fn is_in_time(&self, event: &CallEvent) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        moment(&event.ts).is_some_and(|at| {
            self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
        })
    }
}

/// The events of a log that fit a [`Query`]. What
/// [`AuditLog::query`](crate::AuditLog::query) gives.
#[derive(Debug)]
pub struct Matching {
    records: Records,
    query: Query,
    bad_lines: u64,
}

impl Matching {
    pub(super) fn new(records: Records, query: Query) -> Self {
        Self {
            records,
            query,
            bad_lines: 0,
        }
    }

    /// How many lines were passed so far that hold no event, so that nobody
    /// can say whether they would have fitted.
    #[must_use]
    pub fn bad_lines(&self) -> u64 {
        self.bad_lines
    }
}

impl Iterator for Matching {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.records.next()? {
                Ok(Record::Event(entry)) if self.query.matches(&entry.event) => {
                    return Some(Ok(*entry));
                }
                Ok(Record::Event(_)) => {}
                Ok(Record::Bad(_)) => self.bad_lines += 1,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
