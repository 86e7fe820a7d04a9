//! What is known of a call besides its event, as far as the audit wants it.

use atd_audit::{Beside, BesideFields};
use atd_gate::Identity;
use atd_proto::{JsonText, TraceParent};
use sha2::{Digest, Sha256};

use super::recording::Audit;

/// What gathers while a call goes its way. A sink that wants nothing costs a
/// look at a flag at each step.
pub(super) struct Besides {
    wants: BesideFields,
    /// Boxed: most sinks want nothing.
    known: Option<Box<Beside>>,
}

impl Besides {
    pub(super) fn wanted_by(audit: Option<&Audit>) -> Self {
        Self {
            wants: audit.map_or(BesideFields::NONE, |audit| audit.wants),
            known: None,
        }
    }

    /// The caller's trace, if it said so.
    pub(super) fn part_of(&mut self, trace: Option<TraceParent>) {
        if self.wants.trace_id {
            self.known().trace_id = trace.map(|trace| trace.trace_id().to_owned());
        }
    }

    /// The arguments as they came.
    pub(super) fn asked(&mut self, args: &JsonText) {
        if self.wants.args_sha256 {
            self.known().args_sha256 = Some(digest(args));
        }
    }

    /// The result as it goes out.
    pub(super) fn answered(&mut self, result: &JsonText) {
        if self.wants.result_sha256 {
            self.known().result_sha256 = Some(digest(result));
        }
    }

    fn known(&mut self) -> &mut Beside {
        self.known.get_or_insert_default()
    }

    /// What is told of it; nothing to a sink that wants nothing.
    pub(super) fn told(&self, audit: &Audit, identity: &Identity) -> Option<Beside> {
        if audit.wants.is_none() {
            return None;
        }
        let mut told = self.known.as_deref().cloned().unwrap_or_default();
        if audit.wants.granted_by {
            told.granted_by = granted_by(identity);
        }
        Some(told)
    }
}

fn digest(text: &JsonText) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// The names of what granted the caller's capabilities, each with these.
fn granted_by(identity: &Identity) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for grant in identity.grants() {
        let mechanism = grant.mechanism().to_string();
        let capability = grant.capability().to_owned();
        match all.iter_mut().find(|(known, _)| *known == mechanism) {
            Some((_, capabilities)) => capabilities.push(capability),
            None => all.push((mechanism, vec![capability])),
        }
    }
    all
}
