//! How a log is cut into segments, and how long these are kept.

use std::{
    num::{NonZeroU64, NonZeroUsize},
    time::Duration,
};

/// When the file that is written to is rotated away and a new one begun.
///
/// A segment ends with the event that takes it to one of the limits, so that it
/// is never empty, may pass `max_bytes` by less than one line (64 KiB), and
/// may end with one event that is younger than `max_age`.
///
/// `audit.jsonl` becomes `audit-20261122T160406123456Z.jsonl`, named after the
/// time of the rotation in UTC. When the clock was set back, the name of the
/// newest segment is given again, with a number behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotation {
    pub(crate) max_bytes: Option<NonZeroU64>,
    pub(crate) max_age: Option<Duration>,
}

impl Rotation {
    /// Never.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// When the segment has reached this size.
    #[must_use]
    pub fn max_bytes(mut self, bytes: NonZeroU64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// When the segment was begun this long ago.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }
}

/// How many of a log's rotated segments are kept. The oldest are deleted when
/// the log is opened and after each rotation; the file that is written to is
/// never deleted, and neither is the newest segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    pub(crate) max_segments: Option<NonZeroUsize>,
    pub(crate) max_total_bytes: Option<NonZeroU64>,
}

impl Retention {
    /// All of them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// At most so many rotated segments.
    #[must_use]
    pub fn max_segments(mut self, segments: NonZeroUsize) -> Self {
        self.max_segments = Some(segments);
        self
    }

    /// As many as together, and with the file that is written to, take at most
    /// so many bytes.
    #[must_use]
    pub fn max_total_bytes(mut self, bytes: NonZeroU64) -> Self {
        self.max_total_bytes = Some(bytes);
        self
    }
}
