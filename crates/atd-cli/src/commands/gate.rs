//! The gate that the settings describe.

use atd_runtime::Gate;
use atd_runtime::gate::RevocationFile;

use crate::config::GateSettings;
use crate::failure::Failure;

pub(super) fn of(settings: &GateSettings) -> Result<Gate, Failure> {
    let mut gate = Gate::builder().limits(settings.limits);
    for (grantee, granted) in &settings.grants {
        gate = gate.grant(grantee.clone(), granted);
    }
    for user in &settings.users {
        gate = gate.allow_uid(*user);
    }
    for root in &settings.roots {
        gate = gate.trust_root(root.did, &root.may_grant);
    }
    if settings.demand_proof {
        gate = gate.demand_proof();
    }
    if let Some(path) = &settings.revoked {
        let revocations = RevocationFile::open(path).map_err(|error| {
            Failure::usage(error).advise("an empty file is one in which nothing is revoked")
        })?;
        gate = gate.revocations(revocations);
    }
    Ok(gate.build())
}
