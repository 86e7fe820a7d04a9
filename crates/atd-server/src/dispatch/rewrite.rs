//! What goes out: as the middleware has it, and within the limits.

use atd_proto::{JsonText, MAX_NESTING};
use atd_registry::{Args, ProgressReporter};

use super::Dispatcher;
use super::contain::contained_now;
use super::error::{CallError, MAX_MESSAGE};
use super::page::Done;
use super::record::Record;
use crate::control::CallControl;
use crate::middleware::CallInfo;
use crate::text::{cut, shown};
use crate::tier::TierLimits;

impl Dispatcher {
    /// Asks the middleware whether the call may go on.
    pub(super) fn let_through(&self, record: &Record<'_>, args: &Args) -> Result<(), CallError> {
        for one in self.middleware.iter() {
            let asked = one.before(&record.info(), args.text());
            asked.map_err(|message| CallError::Stayed {
                message: cut(message, MAX_MESSAGE),
            })?;
        }
        Ok(())
    }

    /// Where a call's progress goes: through the middleware to whoever
    /// listens, cut to a length that can be kept for every call in flight.
    pub(super) fn progress(&self, record: &Record<'_>, control: &CallControl) -> ProgressReporter {
        let listener = control.progress();
        if !listener.is_wanted() {
            return listener;
        }
        let middleware = self.middleware.clone();
        let (call_id, dry_run) = (record.call_id, record.info().dry_run);
        let (tool, session) = (record.tool().cloned(), record.session().clone());
        ProgressReporter::new(move |mut progress| {
            let message = progress.message.take().map(|message| {
                let call = CallInfo {
                    call_id,
                    tool_id: tool.as_ref().map_or("", |tool| tool.id()),
                    definition: tool.as_ref().map(|tool| tool.definition()),
                    identity: session.identity(),
                    dry_run,
                };
                contained_now(|| {
                    let all = middleware.iter();
                    Ok(all.fold(message, |message, one| one.progress(&call, message)))
                })
            });
            // A message that could not be rewritten does not go out.
            let message = message.and_then(Result::ok);
            progress.message = message.map(|message| cut(message, MAX_SAID));
            listener.report(progress);
        })
    }

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
                UNPREPARED.to_owned()
            });
            (self.rewrite_places(&call, error), cut(message, MAX_MESSAGE))
        })
    }
}

impl Dispatcher {
    /// What is said of each argument goes out as well.
    fn rewrite_places(&self, call: &CallInfo<'_>, mut error: CallError) -> CallError {
        let places = match &mut error {
            CallError::InvalidArgs(places) => places,
            CallError::BrokenSchema(broken) => &mut broken.errors,
            _ => return error,
        };
        for place in places.iter_mut().filter(|_| !self.middleware.is_empty()) {
            for text in [&mut place.path, &mut place.message] {
                let said = std::mem::take(text);
                let rewritten = contained_now(|| {
                    let all = self.middleware.iter();
                    Ok(all.fold(said, |said, one| one.error(call, said)))
                });
                *text = rewritten.unwrap_or_else(|_| UNPREPARED.to_owned());
            }
        }
        error
    }
}

/// Goes out in place of a message that could not be rewritten.
const UNPREPARED: &str = "the message could not be prepared; the server's log says more";

/// The longest message of a progress report, in bytes.
const MAX_SAID: usize = 1024;

pub(super) fn within_budget(result: JsonText, limits: TierLimits) -> Result<JsonText, CallError> {
    let (length, limit) = (result.as_bytes().len(), limits.output_bytes);
    if length > limit {
        let length = Some(length);
        return Err(CallError::OutputTooLarge { length, limit });
    }
    // The answer's own object stands around it.
    if result.nests_deeper_than(MAX_NESTING - 1) {
        return Err(CallError::OutputTooDeep);
    }
    Ok(result)
}

fn log(call: &crate::CallInfo<'_>, error: &CallError) {
    let (call_id, tool_id) = (call.call_id, shown(call.tool_id));
    match error {
        CallError::Internal { message } | CallError::Panicked { message } => {
            tracing::error!(%call_id, %tool_id, cause = ?message, "the tool is at fault");
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
