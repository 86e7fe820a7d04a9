//! The right of one call to run.

use std::sync::Arc;

use super::Common;
use super::tools::{Kept, Known};

/// A place among the calls that may run. Hold it until the call has ended;
/// dropping it gives the place back.
///
/// It borrows the gate, which costs less than sharing it;
/// [`into_owned`](Self::into_owned) makes of it one that needs no gate around.
#[derive(Debug)]
#[must_use = "dropping the permit ends the call's right to run"]
pub struct Permit<'a> {
    common: &'a Arc<Common>,
    /// Where the call has a place too, if its tool has a limit on them.
    tool: Option<Known<'a>>,
}

/// A [`Permit`] for work that may go on when who admitted it is gone, such as a
/// thread.
#[derive(Debug)]
#[must_use = "dropping the permit ends the call's right to run"]
pub struct OwnedPermit {
    common: Arc<Common>,
    /// Where the call has a place too, if its tool has a limit on them.
    tool: Option<Kept>,
}

impl<'a> Permit<'a> {
    pub(super) fn new(common: &'a Arc<Common>, tool: Option<Known<'a>>) -> Self {
        Self { common, tool }
    }

    /// The same place, to be held for as long as need be.
    pub fn into_owned(mut self) -> OwnedPermit {
        let owned = OwnedPermit {
            common: self.common.clone(),
            tool: self.tool.take().map(Known::keep),
        };
        // What is left of it borrows, and must not give the place back.
        std::mem::forget(self);
        owned
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.common.leave(self.tool.as_deref());
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        let tools = &self.common.tools;
        let tool = self.tool.as_ref().and_then(|it| tools.of(it));
        self.common.leave(tool);
    }
}
