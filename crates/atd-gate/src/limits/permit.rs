//! The right of one call to run.

use super::places::Place;
use super::stripes::{OwnSlot, Slot, Stripes};

/// A place among the calls that may run. Hold it until the call has ended;
/// dropping it gives the place back.
#[derive(Debug)]
#[must_use = "dropping the permit ends the call's right to run"]
pub struct Permit {
    _held: Held,
}

/// What a call holds: a place among all, and one among those of its tool where
/// the tool has a limit on them. The tool then knows where both belong, which
/// is a counter less to touch.
#[derive(Debug)]
enum Held {
    Free { _slot: OwnSlot },
    Limited { _both: Both },
}

#[derive(Debug)]
struct Both {
    slot: Slot,
    place: Place,
}

impl Permit {
    pub(super) fn new(all: &Stripes, slot: Slot, place: Option<Place>) -> Self {
        let held = match place {
            Some(place) => Held::Limited {
                _both: Both { slot, place },
            },
            None => Held::Free {
                _slot: all.own(slot),
            },
        };
        Self { _held: held }
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        // The place gives itself back after this.
        self.place.used().in_flight.leave(self.slot);
    }
}
