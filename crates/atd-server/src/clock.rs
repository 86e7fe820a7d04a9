//! The clocks of everything here: tokio's, which a test can pause and advance,
//! and the wall's, which is asked once.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

thread_local! {
    static LATEST: Cell<Option<Instant>> = const { Cell::new(None) };
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub(crate) fn now() -> Instant {
    let now = Instant::now();
    LATEST.set(Some(now));
    now
}

/// What [`now`] said when this thread asked it last. For who comes just after
/// that, and need not know better.
pub(crate) fn latest() -> Instant {
    LATEST.get().unwrap_or_else(now)
}

/// The time since 1970, for what several servers have to agree on.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub(crate) fn wall() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default()
}

/// For how long the steady clock tells the wall's time before that is asked
/// again. It may be set meanwhile.
const TRUSTED: Duration = Duration::from_millis(100);

/// The time since 1970 at this moment, which has just been. To read a clock
/// takes longer than to reckon.
pub(crate) fn wall_at(moment: Instant) -> Duration {
    thread_local! {
        static READ: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
    }
    if let Some((then, wall)) = READ.get()
        && let Some(since) = moment.checked_duration_since(then)
        && since < TRUSTED
    {
        return wall + since;
    }
    let (wall, read) = (wall(), now());
    READ.set(Some((read, wall)));
    wall.saturating_sub(read.saturating_duration_since(moment))
}
