//! A time as somebody types it.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use atd_runtime::audit::{now_rfc3339, parse_rfc3339};

use crate::failure::Failure;

/// A time, or how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    At(SystemTime),
    Ago(Duration),
}

impl Moment {
    /// When that is, taken now.
    pub(crate) fn resolve(self) -> Result<SystemTime, Failure> {
        match self {
            Self::At(at) => Ok(at),
            Self::Ago(ago) => parse_rfc3339(&now_rfc3339())?
                .checked_sub(ago)
                .ok_or_else(|| Failure::usage("that is too long ago")),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = parse_rfc3339(text).or_else(|_| parse_rfc3339(&format!("{text}T00:00:00Z")));
        if let Ok(at) = at {
            return Ok(Self::At(at));
        }
        humantime::parse_duration(text).map(Self::Ago).map_err(|_| {
            "it should be a time, such as 2026-11-22T16:04:06Z or 2026-11-22, or how long \
                 ago, such as 90s, 15m, 2h, 3d or 1w"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_or_how_long_ago() {
        let check = |text: &str, seconds| {
            let ago = Moment::Ago(Duration::from_secs(seconds));
            assert_eq!(text.parse(), Ok(ago), "{text}");
        };
        check("90s", 90);
        check("15m", 900);
        check("2h", 7200);
        check("3d", 259_200);
        check("1w", 604_800);
        let noon = "2026-11-22T00:00:00+00:00".parse::<Moment>();
        assert_eq!(noon, "2026-11-22".parse());
        assert!(matches!(noon, Ok(Moment::At(_))));
        for bad in ["", "m", "-1h", "now", "15", "99999999999999999999s"] {
            assert!(bad.parse::<Moment>().is_err(), "{bad}");
        }
    }
}
