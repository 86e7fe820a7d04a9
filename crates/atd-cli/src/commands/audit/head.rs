//! `atd audit head`.

use std::process::ExitCode;

use atd_runtime::audit::AuditLog;
use serde::Serialize;

use crate::cli::AuditHeadOptions;
use crate::failure::Failure;
use crate::{output, paths};

#[derive(Serialize)]
struct Document {
    seq: u64,
    chain: String,
    signed: bool,
    head: String,
}

pub(super) fn run(options: AuditHeadOptions) -> Result<ExitCode, Failure> {
    let log = AuditLog::open(paths::audit_log(options.log.log)?)?;
    let head = log.head()?.ok_or_else(|| {
        Failure::failed(format!("{} has no chain", log.path().display()))
            .advise("a log has heads if its lines are chained")
    })?;
    if options.json.json {
        output::json(&Document {
            seq: head.seq(),
            chain: head.chain_hex(),
            signed: head.signature().is_some(),
            head: head.to_string(),
        })?;
    } else {
        output::print(head)?;
    }
    Ok(ExitCode::SUCCESS)
}
