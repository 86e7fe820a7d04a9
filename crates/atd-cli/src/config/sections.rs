//! The sections of the file, but for its tools.

use atd_runtime::Tier;
use atd_runtime::gate::ucan::Did;
use atd_runtime::gate::{Grantee, RevocationFile};
use atd_runtime::registry::DirectoryTokenBroker;
use atd_runtime::server::{OutputCheck, RedactPatterns, TierLimits};
use atd_runtime::tools::FsRoot;

use super::reader::{FromItem, Item, Key, Section};
use super::settings::{
    AuditSettings, AuditTo, GateSettings, OutputSettings, Settings, TransportSettings,
};
use crate::cli::{TrustedRoot, capability};
use crate::commands::audit::read_signing_key;
use crate::metrics::Address;

/// Reads all of it but the tools.
pub(super) fn read(section: &mut Section<'_>, settings: &mut Settings) {
    section.set("socket", &mut settings.socket);
    section.set_with("root", &mut settings.root, |item| {
        item.usable_path(|path| FsRoot::open(path))
    });
    section.set_with("log", &mut settings.log, |item| {
        item.meaning("off, error, warn, info, debug or trace", |text| {
            text.parse().ok()
        })
    });
    section.set_with("log_format", &mut settings.log_format, Item::choice);
    section.set_with("metrics", &mut settings.metrics, |item| {
        Some(Some(match item.parse()? {
            Address::Unix(_) => Address::Unix(item.path()?),
            address => address,
        }))
    });
    section.set_with("secrets", &mut settings.secrets, |item| {
        item.usable_path(|path| DirectoryTokenBroker::open(path))
            .map(Some)
    });
    gate(section, &mut settings.gate);
    section.within("limits", |section| {
        call_limits(section, &mut settings.gate);
        transport(section, &mut settings.transport);
    });
    section.within("tiers", |section| {
        for tier in Tier::ALL {
            let mut limits = settings.tiers.get(tier);
            section.within(tier.as_str(), |section| tier_limits(section, &mut limits));
            settings.tiers = settings.tiers.with(tier, limits);
        }
    });
    section.within("output", |section| output(section, &mut settings.output));
    section.within("audit", |section| audit(section, &mut settings.audit));
}

fn gate(section: &mut Section<'_>, gate: &mut GateSettings) {
    section.set("allow_uid", &mut gate.users);
    section.set("demand_proof", &mut gate.demand_proof);
    section.set_with("revoked", &mut gate.revoked, |item| {
        item.usable_path(|path| RevocationFile::open(path))
            .map(Some)
    });
    section.set_with("grants", &mut gate.grants, |item| {
        item.each(|key, item| Some((grantee(key)?, capabilities(item)?)))
    });
    section.set_with("trust", &mut gate.roots, |item| {
        item.each(|key, item| {
            let did: Result<Did, _> = key.text.parse();
            let did = did.map_err(|error| key.problem(error)).ok();
            let may_grant = capabilities(item);
            Some(TrustedRoot {
                did: did?,
                may_grant: may_grant?,
            })
        })
    });
}

/// Whom a grant is for.
fn grantee(key: &Key<'_>) -> Option<Grantee> {
    let number = |text: &str| text.parse::<u32>().ok();
    let meant = match key.text.split_once(':') {
        None if key.text == "everybody" => Some(Grantee::Everybody),
        Some(("uid", id)) => number(id).map(Grantee::Uid),
        Some(("gid", id)) => number(id).map(Grantee::Gid),
        Some(("bearer", name)) if !name.is_empty() => Some(Grantee::bearer(name)),
        Some(("did", _)) => {
            let did: Result<Did, _> = key.text.parse();
            did.ok().map(|_| Grantee::Verified(key.text.into()))
        }
        _ => None,
    };
    if meant.is_none() {
        key.problem(
            "this is nobody: it should be everybody, or in quotes \"uid:1000\", \"gid:100\", \
             \"bearer:ci\" or \"did:key:z6Mk…\"",
        );
    }
    meant
}

/// Names of capabilities.
pub(super) fn capabilities(item: &Item<'_>) -> Option<Vec<String>> {
    let one = |item: &Item<'_>| {
        item.meaning("a capability: a word without spaces and commas", |text| {
            capability(text).ok()
        })
    };
    item.list("an array of capabilities, such as [\"read\"]", one)
}

fn call_limits(section: &mut Section<'_>, gate: &mut GateSettings) {
    let limits = &mut gate.limits;
    section.set("max_in_flight", &mut limits.in_flight);
    section.set("caller_rate", &mut limits.caller_rate_per_min);
    section.set("caller_tool_rate", &mut limits.caller_tool_rate_per_min);
    section.set("max_callers", &mut limits.tracked_callers);
    section.set("max_waiting", &mut limits.waiting);
    section.set("max_waiting_per_limit", &mut limits.waiting_per_limit);
    section.set("longest_wait", &mut limits.longest_wait);
}

fn transport(section: &mut Section<'_>, transport: &mut TransportSettings) {
    section.set("max_connections", &mut transport.max_connections);
    section.set(
        "max_calls_per_connection",
        &mut transport.max_calls_per_connection,
    );
    let some = |item: &Item<'_>| item.time_above_zero().map(Some);
    section.set_with("frame_timeout", &mut transport.frame_timeout, some);
    section.set_with("write_timeout", &mut transport.write_timeout, some);
    section.set_with("cursor_lifetime", &mut transport.cursor_lifetime, some);
    section.set("stop_grace", &mut transport.stop_grace);
    section.set("shutdown_grace", &mut transport.shutdown_grace);
}

fn tier_limits(section: &mut Section<'_>, limits: &mut TierLimits) {
    section.set_with("timeout", &mut limits.timeout, Item::time_above_zero);
    section.set_with("output", &mut limits.output_bytes, |item| {
        let most = TierLimits::MAX_OUTPUT_BYTES;
        let bytes = usize::try_from(item.size()?.get()).ok();
        let bytes = bytes.filter(|bytes| *bytes <= most);
        if bytes.is_none() {
            item.problem(format_args!(
                "it should be {most} bytes at most, which fit a frame"
            ));
        }
        bytes
    });
}

fn output(section: &mut Section<'_>, output: &mut OutputSettings) {
    section.set_with("check", &mut output.check, |item| {
        item.word(&[
            ("off", OutputCheck::Off),
            ("warn", OutputCheck::Warn),
            ("enforce", OutputCheck::Enforce),
        ])
    });
    section.set_with("truncate", &mut output.truncate, |item| {
        item.size().map(Some)
    });
    section.within("redact", |section| {
        section.set_with("paths", &mut output.redact_paths, |item| {
            item.each(|key, item| {
                let absolute = key.text.starts_with('/') && key.text != "/";
                if !absolute {
                    key.problem("it should be a directory from / on, but not / itself");
                }
                let instead = String::from_item(item)?;
                absolute.then(|| (key.text.to_owned(), instead))
            })
        });
        section.set_with("patterns", &mut output.redact_patterns, |item| {
            item.list("an array of regular expressions", pattern)
        });
        section.set("instead", &mut output.redact_instead);
    });
}

fn pattern(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    match RedactPatterns::new([text], "") {
        Ok(_) => Some(text.to_owned()),
        Err(error) => {
            // Before it the expression is drawn, over several lines.
            let what = error.message.lines().last().unwrap_or_default();
            item.problem(format_args!(
                "this is no regular expression: {}",
                what.trim()
            ));
            None
        }
    }
}

fn audit(section: &mut Section<'_>, audit: &mut AuditSettings) {
    section.set_with("to", &mut audit.to, |item| {
        let word = item.value().as_str().and_then(AuditTo::word);
        word.or_else(|| item.path().map(AuditTo::File)).map(Some)
    });
    section.set_with("when_full", &mut audit.when_full, Item::choice);
    section.set_with("sync", &mut audit.sync, Item::parse);
    section.set("strict", &mut audit.strict);
    section.set("chain", &mut audit.chain);
    section.set_with("key", &mut audit.key, |item| {
        item.usable_path(|path| read_signing_key(path)).map(Some)
    });
    if let Some(item) = section.item("sign_every") {
        if audit.key.is_none() {
            item.problem("there is nothing to sign with: say `key` too");
        }
        audit.sign_every = FromItem::from_item(&item);
    }
    section.set_with("max_size", &mut audit.max_size, |item| {
        item.size().map(Some)
    });
    section.set("max_age", &mut audit.max_age);
    section.set("keep", &mut audit.keep);
    section.set_with("keep_size", &mut audit.keep_size, |item| {
        item.size().map(Some)
    });
    section.set_with("with", &mut audit.with, |item| {
        item.list("an array, such as [\"grants\", \"trace\"]", Item::choice)
    });
}
