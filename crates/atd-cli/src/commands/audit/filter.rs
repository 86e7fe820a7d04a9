//! From what was typed to a query.

use atd_runtime::audit::Query;

use crate::cli::FilterOptions;
use crate::failure::Failure;

pub(super) fn query(options: FilterOptions) -> Result<Query, Failure> {
    let mut query = Query::new();
    if let Some(since) = options.since {
        query = query.since(since.resolve()?);
    }
    if let Some(until) = options.until {
        query = query.until(until.resolve()?);
    }
    if let Some(tool) = options.tool {
        query = query.tool(tool);
    }
    if let Some(caller) = options.caller {
        query = query.caller(caller);
    }
    Ok(options.outcome.into_iter().fold(query, Query::outcome))
}
