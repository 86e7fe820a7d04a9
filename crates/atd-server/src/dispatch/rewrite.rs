//! What goes out: as the middleware has it, and within the limits.

use atd_proto::{JsonText, MAX_NESTING};

use super::Dispatcher;
use super::contain::contained_now;
use super::error::{self, CallError, MAX_MESSAGE, cut};
use super::page::Done;
use super::record::Record;
use crate::tier::TierLimits;

impl Dispatcher {
    /// Lets the middleware see what goes out, and the log what does not.
    pub(super) fn rewrite(
        &self,
        record: &Record<'_>,
        ended: Result<Done, CallError>,
    ) -> Result<Done, (CallError, String)> {
        let call = record.info();
        let ended = match (ended, record.tool()) {
            (Ok(done), Some(tool)) if !self.middleware.is_empty() => contained_now(|| {
                let all = self.middleware.iter();
                let result = all.fold(done.result, |result, one| one.result(&call, result));
                let result = within_budget(result, self.tiers.limits_of(tool.definition()))?;
                Ok(Done { result, ..done })
            }),
            (ended, _) => ended,
        };
        ended.map_err(|error| {
            log(&call, &error);
            let message = contained_now(|| {
                let all = self.middleware.iter();
                Ok(all.fold(error.to_string(), |message, one| one.error(&call, message)))
            });
            // A message that could not be rewritten does not go out; what
            // became of the call stays as it is.
            let message = message.unwrap_or_else(|panicked| {
                log(&call, &panicked);
                "the message could not be prepared; the server's log says more".to_owned()
            });
            (error, cut(message, MAX_MESSAGE))
        })
    }
}

pub(super) fn within_budget(result: JsonText, limits: TierLimits) -> Result<JsonText, CallError> {
    let (length, limit) = (result.as_bytes().len(), limits.output_bytes);
    if length > limit {
        return Err(CallError::OutputTooLarge { length, limit });
    }
    // The answer's own object stands around it.
    if result.nests_deeper_than(MAX_NESTING - 1) {
        return Err(CallError::OutputTooDeep);
    }
    Ok(result)
}

fn log(call: &crate::CallInfo<'_>, error: &CallError) {
    let (call_id, tool_id) = (call.call_id, error::shown(call.tool_id));
    match error {
        CallError::Internal { message } | CallError::Panicked { message } => {
            tracing::error!(%call_id, %tool_id, ?message, "the tool is at fault");
        }
        CallError::AuditUnavailable { cause } => {
            tracing::error!(%call_id, %tool_id, ?cause, "no audit, and so no call");
        }
        CallError::OutputMisfit(misfit) => {
            let rules = misfit.rules.join(", ");
            tracing::error!(%call_id, %tool_id, rules, "a result breaks its tool's output schema");
        }
        CallError::Broker { cause } => {
            tracing::error!(%call_id, %tool_id, ?cause, "no secrets");
        }
        // What a tool says of its failure may repeat its arguments.
        _ => tracing::debug!(%call_id, %tool_id, "the call has no result"),
    }
}
