//! The right of one call to run.

use super::places::Place;
use super::stripes::Slot;

/// A place among the calls that may run. Hold it until the call has ended;
/// dropping it gives the place back.
#[derive(Debug)]
#[must_use = "dropping the permit ends the call's right to run"]
pub struct Permit {
    _place: Option<Place>,
    _slot: Slot,
}

impl Permit {
    pub(super) fn new(place: Option<Place>, slot: Slot) -> Self {
        Self {
            _place: place,
            _slot: slot,
        }
    }
}
