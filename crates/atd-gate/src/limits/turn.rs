//! The order of those who wait, and the limits that hold them up.

use std::time::Duration;

use super::lines::{Arrival, Line, Ticket, Waits};
use super::{CallerKey, Limits, Permit, refused};
use crate::clock::Moment;
use crate::refusal::{Refusal, Scope};
use crate::requirement::Requirement;

/// Why a call was not let in, and what it might wait for.
pub(crate) struct Blocked {
    pub(crate) refusal: Refusal,
    /// The line to wait in; `None` where waiting does not help.
    pub(crate) line: Option<Line>,
    /// When the limit has room again, for who is first in the line; `None`
    /// where nobody can tell, or others are before.
    pub(crate) opens_in: Option<Duration>,
}

impl Limits {
    /// Lets one call in, after those who wait and came before it.
    pub(super) fn admit_after(
        &self,
        arrived: Arrival,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Result<Permit<'_>, Blocked> {
        let lines = self.lines_of(caller, need);
        let held_up = self
            .lines()
            .held_up_in(lines.iter().copied().flatten(), arrived);
        if let Some(line) = held_up {
            return Err(self.behind_others(line, caller, need, now));
        }
        let admitted = self.admit_at_once(caller, need, now);
        admitted.map_err(|(scope, limit, retry_after)| {
            let line = lines.into_iter().flatten().find(|it| it.scope == scope);
            let never = scope.is_a_rate() && retry_after.is_none();
            Blocked {
                refusal: refused((scope, limit, retry_after)),
                line: line.filter(|_| !never),
                opens_in: retry_after,
            }
        })
    }

    /// Lets one call in that waits, or has not begun to.
    pub(crate) fn admit_in_turn(
        &self,
        ticket: Option<&Ticket>,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Result<Permit<'_>, Blocked> {
        let arrived = ticket.map_or(Arrival::MAX, |it| it.arrived);
        self.admit_after(arrived, caller, need, now)
    }

    /// Has the call stand in this line, if there is room in it.
    pub(crate) fn stand_in(&self, line: Line, ticket: &mut Option<Ticket>) -> bool {
        let most = self.settings.may_wait();
        match ticket {
            Some(ticket) => ticket.move_to(line, most),
            None => {
                *ticket = self.lines().join(line, most);
                ticket.is_some()
            }
        }
    }

    /// How long a call may wait; `None` where none may.
    pub(crate) fn longest_wait(&self) -> Option<Duration> {
        let some = self.settings.may_wait().in_all > 0;
        some.then(|| self.settings.longest_wait())
    }

    pub(crate) fn waits(&self) -> Waits {
        self.lines().waits()
    }

    /// The lines of the limits that this call meets, in the order in which it
    /// meets them.
    pub(super) fn lines_of(&self, caller: CallerKey, need: &Requirement<'_>) -> [Option<Line>; 5] {
        let line = |scope, key| Some(Line { scope, key });
        let tool = || self.callers.pair(CallerKey::NOBODY, need.tool_id);
        let mut lines = [None, None, None, None, Some(Line::SERVER)];
        if need.rate_limit_per_min.is_some() {
            lines[0] = line(Scope::ToolRate, tool());
        }
        if self.settings.caller_rate().is_some() {
            lines[1] = line(Scope::CallerRate, caller);
        }
        if self.settings.caller_tool_rate().is_some() {
            let both = self.callers.pair(caller, need.tool_id);
            lines[2] = line(Scope::CallerToolRate, both);
        }
        if need.max_concurrent > 0 {
            lines[3] = line(Scope::Concurrency, tool());
        }
        lines
    }

    /// The refusal of a call that others wait before.
    fn behind_others(
        &self,
        line: Line,
        caller: CallerKey,
        need: &Requirement<'_>,
        now: &Moment<'_>,
    ) -> Blocked {
        let all = self.look(caller, need, now.get());
        let of_line = all.into_iter().find(|(scope, ..)| *scope == line.scope);
        let (limit, room) = of_line.map_or((0, Ok(())), |(_, limit, _, room)| (limit, room));
        Blocked {
            refusal: refused((line.scope, limit, room.err().flatten())),
            line: Some(line),
            opens_in: None,
        }
    }
}
