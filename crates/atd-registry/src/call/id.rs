//! What a call is known by.

use std::fmt;
use std::time::{Duration, SystemTime};

/// A call's id: a ULID, so ids sort by the time at which their calls began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(ulid::Ulid);

impl CallId {
    /// A new one.
    pub fn generate() -> Self {
        Self(ulid::Ulid::generate())
    }

    /// A new one, of a call that began so long after 1970 began.
    pub fn generate_at(since_1970: Duration) -> Self {
        Self(ulid::Ulid::from_datetime(
            SystemTime::UNIX_EPOCH + since_1970,
        ))
    }

    /// Puts it in the place of what is in `text`.
    pub fn write(&self, text: &mut String) {
        text.clear();
        text.push_str(self.0.array_to_str(&mut [0; ulid::ULID_LEN]));
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; ulid::ULID_LEN];
        f.write_str(self.0.array_to_str(&mut text))
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
