//! The time as an event carries it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// Seconds from the Unix epoch to 0000-01-01T00:00:00Z, the first moment that
/// RFC 3339 can name.
const FIRST_SECOND: i128 = -62_167_219_200;
/// Seconds from the Unix epoch to 9999-12-31T23:59:59Z, the last such second.
const LAST_SECOND: i128 = 253_402_300_799;
const NANOS: i128 = 1_000_000_000;

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
    let nanos = match at.duration_since(UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    };
    let nanos = nanos.clamp(FIRST_SECOND * NANOS, LAST_SECOND * NANOS + NANOS - 1);
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut text = String::with_capacity(27);
    // Year 0 is the first that `clamp` lets through.
    digits(&mut text, at.year().unsigned_abs(), 4, '-');
    digits(&mut text, u8::from(at.month()).into(), 2, '-');
    digits(&mut text, at.day().into(), 2, 'T');
    digits(&mut text, at.hour().into(), 2, ':');
    digits(&mut text, at.minute().into(), 2, ':');
    digits(&mut text, at.second().into(), 2, '.');
    digits(&mut text, at.microsecond(), 6, 'Z');
    text
}

/// Appends the last `width` digits of `value`, and what follows them.
fn digits(text: &mut String, value: u32, width: u32, then: char) {
    for place in (0..width).rev() {
        let digit = value / 10_u32.pow(place) % 10;
        text.push(char::from(b'0' + digit as u8));
    }
    text.push(then);
}
