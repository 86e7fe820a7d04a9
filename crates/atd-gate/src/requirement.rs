//! What a tool asks of a call.

use atd_proto::{CapabilitySet, ToolDefinition};

/// What a tool asks of a call: capabilities to hold, limits to keep. They may
/// be others with each call; a limit counts the calls that came while the tool
/// had one of its kind.
#[derive(Clone, Copy, Debug)]
pub struct Requirement<'a> {
    /// Whose limits they are.
    pub tool_id: &'a str,
    /// What the caller must hold.
    pub capabilities: &'a CapabilitySet,
    /// Calls at a time; 0 for no limit.
    pub max_concurrent: u32,
    /// Calls in any 60 seconds; `None` for no limit, 0 for none at all.
    pub rate_limit_per_min: Option<u32>,
}

impl<'a> Requirement<'a> {
    /// What this definition asks.
    pub fn of(definition: &'a ToolDefinition) -> Self {
        Self {
            tool_id: &definition.id,
            capabilities: &definition.required_capabilities,
            max_concurrent: definition.resources.max_concurrent,
            rate_limit_per_min: definition.resources.rate_limit_per_min,
        }
    }

    pub(crate) fn is_unlimited(&self) -> bool {
        self.max_concurrent == 0 && self.rate_limit_per_min.is_none()
    }
}
