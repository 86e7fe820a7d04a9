//! The right of one call to run.

use super::stripes::Slot;
use super::tools::Kept;

/// A place among the calls that may run. Hold it until the call has ended;
/// dropping it gives the place back.
#[derive(Debug)]
#[must_use = "dropping the permit ends the call's right to run"]
pub struct Permit {
    slot: Slot,
    /// Where the call has a place too, if its tool has a limit on them.
    tool: Option<Kept>,
}

impl Permit {
    pub(super) fn new(slot: Slot, tool: Option<Kept>) -> Self {
        Self { slot, tool }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.slot.leave();
        let common = self.slot.common();
        let tool = self.tool.as_ref().and_then(|it| common.tools.of(it));
        tool.inspect(|tool| tool.leave(&common.lines));
    }
}
