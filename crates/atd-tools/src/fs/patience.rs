//! When file I/O for a call has to come to an end.

use std::time::Duration;

use atd_registry::CallContext;

/// Says when work for a call has to come to an end: the call has ended without
/// it, or three quarters of the time that it had are gone. The last quarter is
/// for the answer to get out.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    ctx: &'a CallContext,
    reserve: Duration,
}

impl<'a> Patience<'a> {
    /// Begins now.
    pub(super) fn new(ctx: &'a CallContext) -> Self {
        Self {
            ctx,
            reserve: ctx.time_left() / 4,
        }
    }

    /// Whether to stop. Looks at a clock and takes a lock, so it is for every
    /// buffer, not for every line.
    pub(super) fn is_over(&self) -> bool {
        self.ctx.time_left() <= self.reserve || self.ctx.cancelled().is_cancelled()
    }
}
