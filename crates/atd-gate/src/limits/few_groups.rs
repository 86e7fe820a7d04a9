//! Calls of one caller in any 60 seconds, in few bytes.

use std::time::Duration;

use super::LENGTH;

const LENGTH_MS: u64 = LENGTH.as_millis() as u64;

const GROUPS: usize = 16;

/// Groups are merged only within such a stretch. Sixty seconds touch fifteen of
/// them, so sixteen groups always hold two that can be merged.
const STRETCH_MS: u32 = 4_300;

/// The calls let through in the last 60 seconds as at most sixteen groups, each
/// with the time of its last call, in 144 bytes whatever the limit is.
///
/// It errs only towards refusal: no 60 seconds, wherever they begin, hold more
/// calls than the limit says. As long as a minute's calls came at no more than
/// sixteen different milliseconds it is exact to the millisecond, so always
/// with a limit of sixteen or less, and for bursts. Beyond that, calls of one
/// stretch of 4.3 seconds are counted until the last of their group leaves: for
/// at most 64.3 seconds instead of 60. The wait that it tells is always enough.
#[derive(Debug, Default)]
pub(super) struct FewGroups {
    /// Milliseconds of the gate's clock.
    base: u64,
    groups: [Group; GROUPS],
    len: u8,
}

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// Milliseconds after the base.
    last: u32,
    calls: u32,
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl FewGroups {
    /// Whether there is a place for one call at `now`, or how long until there
    /// is one; `None` where there never will be.
    pub(super) fn room(&mut self, limit: u32, now: Duration) -> Result<(), Option<Duration>> {
        let inside = self.len(now);
        let Some(over) = inside.checked_sub(u64::from(limit)) else {
            return Ok(());
        };
        let mut leaving = 0;
        let frees = self.held().iter().find(|group| {
            leaving += u64::from(group.calls);
            leaving > over
        });
        Err(frees.map(|group| {
            let leaves = Duration::from_millis(self.base + u64::from(group.last)) + LENGTH;
            leaves.saturating_sub(now)
        }))
    }

    /// Takes the place that there is room for.
    pub(super) fn take(&mut self, now: Duration) {
        // Rounded up, so that no call leaves before its time.
        let at = u64::try_from(now.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        if self.len == 0 {
            self.base = at;
        }
        let Ok(at) = u32::try_from(at.saturating_sub(self.base)) else {
            // After 49 days without a quiet minute.
            self.rebase();
            return self.take(now);
        };
        match self.held_mut().last_mut() {
            // Another thread may have come with a time a little later.
            Some(group) if group.last >= at => group.calls = group.calls.saturating_add(1),
            _ => {
                if self.held().len() == GROUPS {
                    self.merge();
                }
                self.groups[usize::from(self.len)] = Group { last: at, calls: 1 };
                self.len += 1;
            }
        }
    }

    /// How many calls are counted at `now`.
    pub(super) fn len(&mut self, now: Duration) -> u64 {
        let (now, base) = (millis(now), self.base);
        let left = |group: &Group| now >= base + u64::from(group.last) + LENGTH_MS;
        let gone = self.held().partition_point(left);
        self.remove(0, gone);
        self.held().iter().map(|it| u64::from(it.calls)).sum()
    }

    fn held(&self) -> &[Group] {
        &self.groups[..usize::from(self.len)]
    }

    fn held_mut(&mut self) -> &mut [Group] {
        &mut self.groups[..usize::from(self.len)]
    }

    fn remove(&mut self, at: usize, count: usize) {
        let held = usize::from(self.len);
        self.groups.copy_within(at + count..held, at);
        self.len -= count as u8;
    }

    /// Merges the two neighbours of one stretch for which it costs least.
    fn merge(&mut self) {
        let cost = |pair: &[Group]| {
            let together = pair[0].last / STRETCH_MS == pair[1].last / STRETCH_MS;
            let waits = u64::from(pair[1].last - pair[0].last) * u64::from(pair[0].calls);
            (!together, waits)
        };
        let pairs = self.held().windows(2).enumerate();
        let cheapest = pairs.min_by_key(|(_, pair)| cost(pair));
        if let Some((first, _)) = cheapest {
            let joined = self.groups[first].calls;
            let next = &mut self.groups[first + 1].calls;
            *next = next.saturating_add(joined);
            self.remove(first, 1);
        }
    }

    fn rebase(&mut self) {
        let by = self.held().first().map_or(0, |group| group.last);
        self.base += u64::from(by);
        self.held_mut()
            .iter_mut()
            .for_each(|group| group.last -= by);
    }
}
