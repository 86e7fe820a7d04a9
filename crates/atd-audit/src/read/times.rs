//! Times as events carry them.

use std::time::SystemTime;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::ReadError;

/// The time that `text` names in the form of RFC 3339, with whatever offset
/// and as many digits of a second as it has.
///
/// # Errors
///
/// [`ReadError::Time`]: it is not in that form, or beyond what the system can
/// tell.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let at = atd_audit::parse_rfc3339("2025-06-15T17:06:40.000042+02:00")?;
/// assert_eq!(at, UNIX_EPOCH + Duration::from_micros(1_750_000_000_000_042));
/// # Ok::<(), atd_audit::ReadError>(())
/// ```
pub fn parse_rfc3339(text: &str) -> Result<SystemTime, ReadError> {
    moment(text).ok_or_else(|| ReadError::Time { text: text.into() })
}

pub(super) fn moment(text: &str) -> Option<SystemTime> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let since = parsed - OffsetDateTime::UNIX_EPOCH;
    match since.is_negative() {
        false => SystemTime::UNIX_EPOCH.checked_add(since.unsigned_abs()),
        true => SystemTime::UNIX_EPOCH.checked_sub(since.unsigned_abs()),
    }
}
