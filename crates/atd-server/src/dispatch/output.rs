//! Results against their tool's output schema.

use atd_registry::{Args, RegisteredTool, Reply};

use super::Dispatcher;
use super::error::CallError;
use super::record::Record;
use crate::output::OutputCheck;

impl Dispatcher {
    /// What a tool returns when it does what it was asked, held against what
    /// it says it returns.
    pub(super) fn check_output(
        &self,
        record: &Record<'_>,
        tool: &RegisteredTool,
        reply: &Reply,
    ) -> Result<(), CallError> {
        if self.output_check == OutputCheck::Off {
            return Ok(());
        }
        let call = record.info();
        if call.dry_run {
            return Ok(());
        }
        let result = Args::new(reply.body().clone());
        let Err(misfit) = tool.output_schema().check(&result) else {
            return Ok(());
        };
        self.metrics.output_misfits.add_one();
        if self.output_check == OutputCheck::Enforce {
            return Err(CallError::OutputMisfit(misfit));
        }
        let rules = misfit.rules.join(", ");
        tracing::warn!(
            call_id = %call.call_id,
            tool_id = %tool.id(),
            rules,
            "a result breaks its tool's output schema"
        );
        Ok(())
    }
}
