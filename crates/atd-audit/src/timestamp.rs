//! The time as an event carries it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// Seconds from the Unix epoch to 0000-01-01T00:00:00Z, the first moment that
/// RFC 3339 can name.
const FIRST_SECOND: i64 = -62_167_219_200;
/// Seconds from the Unix epoch to 9999-12-31T23:59:59Z, the last such second.
const LAST_SECOND: i64 = 253_402_300_799;
const NANOS: u32 = 1_000_000_000;

/// The length of a time, in bytes.
const LENGTH: usize = 27;

/// The time now, in the form that [`rfc3339`] gives.
#[must_use]
pub fn now_rfc3339() -> String {
    rfc3339(now())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock of the crate; who has a clock of their own calls `rfc3339`"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// A time that no one sets, to measure with.
#[expect(clippy::disallowed_methods, reason = "this is the clock of the crate")]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// `at` as RFC 3339 in UTC with microseconds, cut and not rounded.
///
/// The text is always 27 bytes long, so that it sorts as the time does. A time
/// outside the years 0 to 9999 becomes the nearest one inside.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let at = UNIX_EPOCH + Duration::from_micros(1_750_000_000_000_042);
/// assert_eq!(atd_audit::rfc3339(at), "2025-06-15T15:06:40.000042Z");
/// ```
#[must_use]
pub fn rfc3339(at: SystemTime) -> String {
    let mut text = String::with_capacity(LENGTH);
    write_rfc3339(&mut text, at);
    text
}

/// Puts what [`rfc3339`] gives of `at` in the place of what is in `text`: for
/// who fills in one event after another and allocates for none.
pub fn write_rfc3339(text: &mut String, at: SystemTime) {
    let (second, nanos) = match since_1970(at) {
        (second, _) if second < FIRST_SECOND => (FIRST_SECOND, 0),
        (second, _) if second > LAST_SECOND => (LAST_SECOND, NANOS - 1),
        inside => inside,
    };
    let at = OffsetDateTime::from_unix_timestamp(second).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut bytes = *b"0000-00-00T00:00:00.000000Z";
    digits::<0, 4>(&mut bytes, at.year().unsigned_abs());
    digits::<5, 2>(&mut bytes, u8::from(at.month()).into());
    digits::<8, 2>(&mut bytes, at.day().into());
    digits::<11, 2>(&mut bytes, at.hour().into());
    digits::<14, 2>(&mut bytes, at.minute().into());
    digits::<17, 2>(&mut bytes, at.second().into());
    digits::<20, 6>(&mut bytes, nanos / 1_000);
    text.clear();
    text.push_str(str::from_utf8(&bytes).unwrap_or_default());
}

/// Whole seconds, which before 1970 are less than none, and nanoseconds more.
fn since_1970(at: SystemTime) -> (i64, u32) {
    let whole = |since: Duration| i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => (whole(since), since.subsec_nanos()),
        Err(before) => match before.duration() {
            until if until.subsec_nanos() == 0 => (-whole(until), 0),
            until => (-whole(until) - 1, NANOS - until.subsec_nanos()),
        },
    }
}

/// Writes the last `WIDTH` digits of `value` at `AT`.
fn digits<const AT: usize, const WIDTH: usize>(bytes: &mut [u8; LENGTH], mut value: u32) {
    for place in (AT..AT + WIDTH).rev() {
        bytes[place] = b'0' + (value % 10) as u8;
        value /= 10;
    }
}
