//! What a segment is called.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::rfc3339;

/// When a segment was rotated away, as its name tells: first by the time, then
/// by the number. The name itself does not sort so: `-` comes before `.`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    stamp: [u8; STAMP.len()],
    number: u32,
}

/// The form of a stamp; a `0` stands for any digit.
const STAMP: &[u8; 22] = b"00000000T000000000000Z";

impl SegmentName {
    /// `None` if `name` is not that of a segment of the log at `log`.
    pub(crate) fn of(log: &Path, name: &[u8]) -> Option<Self> {
        let stem = log.file_stem()?.as_encoded_bytes();
        let rest = name.strip_prefix(stem)?.strip_prefix(b"-")?;
        let rest = match log.extension() {
            Some(extension) => rest
                .strip_suffix(extension.as_encoded_bytes())?
                .strip_suffix(b".")?,
            None => rest,
        };
        let (stamp, rest) = rest.split_first_chunk::<{ STAMP.len() }>()?;
        let fits = |(byte, form): (&u8, &u8)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        };
        if !stamp.iter().zip(STAMP).all(fits) {
            return None;
        }
        let number = match rest {
            [] => 0,
            [b'-', digits @ ..] if digits.len() >= 3 && digits.iter().all(u8::is_ascii_digit) => {
                std::str::from_utf8(digits).ok()?.parse().ok()?
            }
            _ => return None,
        };
        Some(Self {
            stamp: *stamp,
            number,
        })
    }

    /// The name for what is rotated away at `now`, behind `newest`, whatever
    /// the clock says.
    pub(crate) fn next(newest: Option<Self>, now: SystemTime) -> Self {
        let mut stamp = *STAMP;
        let digits = rfc3339(now);
        let digits = digits.bytes().filter(|byte| !b"-:.".contains(byte));
        for (place, byte) in stamp.iter_mut().zip(digits) {
            *place = byte;
        }
        match newest {
            Some(newest) if newest.stamp >= stamp => Self {
                number: newest.number.saturating_add(1),
                ..newest
            },
            _ => Self { stamp, number: 0 },
        }
    }

    /// The path of the segment of this name of the log at `log`.
    pub(crate) fn path(self, log: &Path) -> PathBuf {
        let mut name = log.file_stem().map(OsString::from).unwrap_or_default();
        name.push("-");
        name.push(String::from_utf8_lossy(&self.stamp).as_ref());
        if self.number > 0 {
            name.push(format!("-{:03}", self.number));
        }
        if let Some(extension) = log.extension() {
            name.push(".");
            name.push(extension);
        }
        log.with_file_name(name)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_segment_is_known_by_its_name() {
        let check = |log: &str, name: &str, number: Option<u32>| {
            let found = SegmentName::of(Path::new(log), name.as_bytes());
            assert_eq!(found.map(|found| found.number), number, "{name}");
            if let Some(found) = found {
                assert_eq!(found.path(Path::new(log)).file_name().unwrap(), name);
            }
        };
        check(
            "d/audit.jsonl",
            "audit-20261122T160406123456Z.jsonl",
            Some(0),
        );
        check(
            "audit.jsonl",
            "audit-20261122T160406123456Z-001.jsonl",
            Some(1),
        );
        check(
            "audit.jsonl",
            "audit-20261122T160406123456Z-1234.jsonl",
            Some(1234),
        );
        check("audit", "audit-20261122T160406123456Z-002", Some(2));
        check("audit", "audit-20261122T160406123456Z.jsonl", None);
        for other in [
            "audit.jsonl",
            "audit-.jsonl",
            "audit-20261122T160406Z.jsonl",
            "audit-20261122T160406123456Z-1.jsonl",
            "audit-20261122T160406123456Z-00a.jsonl",
            "audit-20261122T160406123456Z.jsonl.gz",
            "other-20261122T160406123456Z.jsonl",
        ] {
            check("audit.jsonl", other, None);
        }
    }

    #[test]
    fn the_next_name_is_behind_the_newest_even_if_the_clock_is_not() {
        let log = Path::new("audit.jsonl");
        let at = UNIX_EPOCH + Duration::from_micros(1_750_000_000_000_042);
        let first = SegmentName::next(None, at);
        assert_eq!(
            first.path(log),
            Path::new("audit-20250615T150640000042Z.jsonl")
        );
        for earlier in [at, UNIX_EPOCH] {
            let second = SegmentName::next(Some(first), earlier);
            assert!(second > first);
            assert_eq!(
                second.path(log),
                Path::new("audit-20250615T150640000042Z-001.jsonl")
            );
        }
        let later = SegmentName::next(Some(first), at + Duration::from_micros(1));
        assert!(later > first && later.number == 0);
    }
}
