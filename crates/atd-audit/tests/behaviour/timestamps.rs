//! The time as an event carries it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atd_audit::{now_rfc3339, rfc3339};

#[test]
fn a_time_is_written_in_utc_with_microseconds() {
    let check = |micros: u64, text: &str| {
        assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_micros(micros)), text);
    };
    check(0, "1970-01-01T00:00:00.000000Z");
    check(951_782_400_000_000, "2000-02-29T00:00:00.000000Z");
    check(1_767_225_599_999_999, "2025-12-31T23:59:59.999999Z");
    check(1_767_225_600_000_000, "2026-01-01T00:00:00.000000Z");
}

#[test]
fn a_fraction_of_a_microsecond_is_cut() {
    let at = UNIX_EPOCH + Duration::from_nanos(1_999_999_999);
    assert_eq!(rfc3339(at), "1970-01-01T00:00:01.999999Z");
}

#[test]
fn a_clock_set_far_off_still_gives_a_time_of_the_same_form() {
    let far = Duration::from_secs(1 << 60);
    let after = UNIX_EPOCH.checked_add(far);
    let before = UNIX_EPOCH.checked_sub(far);
    let second = UNIX_EPOCH.checked_sub(Duration::from_secs(1));
    let check = |at: Option<SystemTime>, text: &str| {
        // Not every platform can name such a time.
        if let Some(at) = at {
            assert_eq!(rfc3339(at), text);
        }
    };
    check(after, "9999-12-31T23:59:59.999999Z");
    check(before, "0000-01-01T00:00:00.000000Z");
    check(second, "1969-12-31T23:59:59.000000Z");
}

#[test]
fn now_has_that_form_too() {
    let now = now_rfc3339();
    let form: String = now
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(form, "0000-00-00T00:00:00.000000Z");
    assert!(*now > *"2025");
}
