//! What would happen, and why, in words.

use std::fmt;
use std::time::Duration;

use crate::gate::Gate;
use crate::grant::Mechanism;
use crate::identity::Identity;
use crate::limits::Usage;
use crate::refusal::{Refusal, Scope};
use crate::requirement::Requirement;

/// What would become of a call, and why: by `Display` in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Whether the call would be let through now.
    pub admitted: bool,
    /// Who is calling, and what that rests on.
    pub caller: String,
    /// Everything that was looked at, in the order in which a call meets it.
    pub reasons: Vec<Reason>,
}

/// One thing that lets a call through or stops it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// Whether it lets the call through.
    pub ok: bool,
    /// What it is, in words.
    pub text: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.admitted { "admitted" } else { "refused" };
        write!(f, "{}: {verdict}", self.caller)?;
        for reason in &self.reasons {
            let mark = if reason.ok { "ok " } else { "bad" };
            write!(f, "\n  {mark} {}", reason.text)?;
        }
        Ok(())
    }
}

impl Gate {
    /// What [`admit`](Self::admit) would say now, and why. Nothing is counted
    /// and nobody waits.
    pub fn explain(&self, caller: &Identity, need: &Requirement<'_>) -> Explanation {
        let mut reasons = Vec::new();
        if let Err(Refusal::Lapsed(lapsed)) = self.check_credentials(caller) {
            reasons.push(Reason {
                ok: false,
                text: Refusal::Lapsed(lapsed).to_string(),
            });
        }
        let required = need.capabilities.iter();
        reasons.extend(required.map(|one| self.explain_capability(caller, one)));
        if need.capabilities.is_empty() {
            reasons.push(Reason {
                ok: true,
                text: "the tool requires no capability".to_owned(),
            });
        }
        reasons.extend(self.usage(caller, need).into_iter().map(explain_limit));
        Explanation {
            admitted: reasons.iter().all(|reason| reason.ok),
            caller: described(caller),
            reasons,
        }
    }

    fn explain_capability(&self, caller: &Identity, capability: &str) -> Reason {
        let shown = capability.escape_debug();
        if caller.capabilities().contains(capability) {
            let by: Vec<String> = caller.granted_by(capability).map(source).collect();
            return Reason {
                ok: true,
                text: format!("holds `{shown}`, granted by {}", by.join(" and by ")),
            };
        }
        let (own, others) = self.grantees_of(caller, capability);
        let text = if own {
            format!("lacks `{shown}`: the server would grant it if `hello` asked for it")
        } else if others.is_empty() {
            format!("lacks `{shown}`: this server's configuration grants it to nobody")
        } else {
            format!(
                "lacks `{shown}`: this server grants it to {} only",
                others.join(" and to ")
            )
        };
        Reason { ok: false, text }
    }
}

fn described(caller: &Identity) -> String {
    let ground = caller.ground().as_str();
    let named = caller
        .caller_id()
        .map(|name| name.escape_debug().to_string());
    match (caller.verified_id(), named) {
        (Some(verified), Some(named)) if named != **verified => {
            format!(
                "{} ({ground}), who calls itself \"{named}\"",
                verified.escape_debug()
            )
        }
        (Some(verified), _) => format!("{} ({ground})", verified.escape_debug()),
        (None, Some(named)) => format!("somebody who calls itself \"{named}\" ({ground})"),
        (None, None) => format!("somebody without a name ({ground})"),
    }
}

fn source(mechanism: &Mechanism) -> String {
    match mechanism {
        Mechanism::Configured(grantee) => format!("the configuration to {grantee}"),
        Mechanism::Bearer => "the bearer credential".to_owned(),
        Mechanism::Token { root, id } => format!("the token {id}, from {root}"),
    }
}

fn explain_limit((scope, limit, counted, room): Usage) -> Reason {
    let what = match scope {
        Scope::Concurrency => "of this tool at a time",
        Scope::ServerConcurrency => "of the whole server at a time",
        Scope::ToolRate => "of this tool a minute",
        Scope::CallerRate => "of this caller a minute",
        Scope::CallerToolRate => "of this caller to this tool a minute",
        Scope::TrackedCallers => "callers a minute",
    };
    let used = format!("{counted} of {limit} calls {what}");
    let text = match room {
        Ok(()) => used,
        Err(None) => format!("{used}: full"),
        Err(Some(wait)) => format!("{used}: full for {} ms", millis(wait)),
    };
    Reason {
        ok: room.is_ok(),
        text,
    }
}

fn millis(wait: Duration) -> u128 {
    wait.as_nanos().div_ceil(1_000_000)
}
