//! `atd audit query`.

use std::process::ExitCode;

use atd_runtime::audit::AuditLog;

use super::printer::Printer;
use super::{filter, note_bad_lines};
use crate::cli::AuditQueryOptions;
use crate::failure::Failure;
use crate::paths;

pub(super) fn run(options: AuditQueryOptions) -> Result<ExitCode, Failure> {
    let log = AuditLog::open(paths::audit_log(options.log.log)?)?;
    let mut query = filter::query(options.filter)?;
    if let Some(id) = options.call_id {
        query = query.call_id(id);
    }
    let mut printer = Printer::new(options.json.json)?;
    let mut found = log.query(query);
    let limit = options.limit.unwrap_or(u64::MAX);
    let mut printed = 0;
    while printed < limit
        && let Some(entry) = found.next()
    {
        printer.event(&entry?)?;
        printed += 1;
    }
    printer.flush()?;
    note_bad_lines(&found)?;
    Ok(ExitCode::SUCCESS)
}
