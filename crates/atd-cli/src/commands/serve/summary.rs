//! What a server is made of, for who starts it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atd_runtime::Registry;
use atd_runtime::gate::Grantee;

use super::audit;
use crate::config::Settings;
use crate::output::{YELLOW, one_line};

/// One line each, in columns.
pub(super) fn lines(settings: &Settings, socket: &Path, registry: &Registry) -> Vec<String> {
    let root = settings.root.canonicalize();
    let root = root.unwrap_or_else(|_| settings.root.clone());
    let mut lines = Vec::new();
    let mut say = |title: &str, text: &str| lines.push(format!("  {title:<7} {}", one_line(text)));
    say("root", &root.display().to_string());
    for (title, granted) in titled("grants", grants(settings)) {
        say(title, &granted);
    }
    let trusted = settings.gate.roots.iter();
    let trusted = trusted.map(|root| format!("{} for {}", root.did, root.may_grant.join(", ")));
    for (title, trusted) in titled("trusts", trusted.collect()) {
        say(title, &trusted);
    }
    say("audit", &audit::to(&settings.audit, socket).to_string());
    for (title, tool) in titled("tools", tools(settings, registry)) {
        say(title, &tool);
    }
    let ids = registry.ids();
    for doubt in doubts(settings, registry, ids.iter().map(|id| &**id)) {
        lines.push(format!("  {YELLOW}{}{YELLOW:#}", one_line(&doubt)));
    }
    lines
}

/// What is no mistake, and yet hardly meant, of these tools.
pub(super) fn doubts<'a>(
    settings: &Settings,
    registry: &Registry,
    ids: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let gate = &settings.gate;
    let granted = gate.grants.iter().flat_map(|(_, granted)| granted);
    let trusted = gate.roots.iter().flat_map(|root| &root.may_grant);
    let held: BTreeSet<&str> = granted.chain(trusted).map(String::as_str).collect();
    let mut doubts = Vec::new();
    for tool in ids.filter_map(|id| registry.get(id)) {
        let definition = tool.definition();
        let id = &definition.id;
        let required = definition.required_capabilities.iter();
        let missing: Vec<&str> = required.filter(|one| !held.contains(one)).collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            doubts.push(format!("{id} requires {missing}, which nobody is granted"));
        }
        let tier = definition.effective_tier();
        let (own, most) = (
            Duration::from_millis(definition.resources.timeout_ms),
            settings.tiers.get(tier).timeout,
        );
        if own > most {
            let tier = tier.as_str();
            doubts.push(format!(
                "{id} may take {own:?}, but its tier, {tier}, ends it after {most:?}"
            ));
        }
    }
    doubts
}

/// The first of them with a title.
fn titled(title: &str, texts: Vec<String>) -> impl Iterator<Item = (&str, String)> {
    let titles = std::iter::once(title).chain(std::iter::repeat(""));
    titles.zip(texts)
}

/// What is granted; of everybody it goes without saying.
fn grants(settings: &Settings) -> Vec<String> {
    let everybody: Vec<&str> = settings.gate.granted_to_everybody().collect();
    let everybody = match everybody.is_empty() {
        true => "none".to_owned(),
        false => everybody.join(", "),
    };
    let mut grants = vec![everybody];
    for (grantee, granted) in &settings.gate.grants {
        if *grantee != Grantee::Everybody {
            grants.push(format!("{} to {grantee}", granted.join(", ")));
        }
    }
    grants
}

fn tools(settings: &Settings, registry: &Registry) -> Vec<String> {
    let ids = registry.ids();
    let line = |id: &Arc<str>| {
        let name = registry.get(id).map(|tool| tool.definition().name.clone());
        let name = name.filter(|name| **name != **id).unwrap_or_default();
        match settings.tools.declared.get(&**id) {
            Some(tool) => format!("{id:<28} {name} ({})", tool.place),
            None => format!("{id:<28} {name}"),
        }
    };
    ids.iter().map(line).collect()
}
