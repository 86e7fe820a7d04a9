//! The gate that the options describe.

use atd_runtime::Gate;
use atd_runtime::gate::{CallLimits, RevocationFile};

use crate::cli::GateOptions;
use crate::failure::Failure;

/// What whoever asks for it may hold.
pub(super) fn granted(options: &GateOptions) -> impl Iterator<Item = &str> {
    let grants = options.grants.iter().map(String::as_str);
    grants.filter(|grant| *grant != "none")
}

pub(super) fn of(options: &GateOptions) -> Result<Gate, Failure> {
    let mut limits = CallLimits::default();
    limits.caller_rate_per_min = options.caller_rate;
    if let Some(most) = options.max_in_flight {
        limits.in_flight = most;
    }
    let mut gate = Gate::builder().allow(granted(options)).limits(limits);
    for user in &options.users {
        gate = gate.allow_uid(*user);
    }
    for root in &options.roots {
        gate = gate.trust_root(root.did, &root.may_grant);
    }
    if let Some(path) = &options.revoked {
        let revocations = RevocationFile::open(path).map_err(|error| {
            Failure::usage(error).advise("an empty file is one in which nothing is revoked")
        })?;
        gate = gate.revocations(revocations);
    }
    Ok(gate.build())
}
