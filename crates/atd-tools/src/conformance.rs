//! The tools that the published conformance suite asks for.

use async_trait::async_trait;
use atd_proto::{SafetyLevel, Tier, ToolDefinition, ToolDefinitionBuilder, Visibility};
use atd_registry::{Args, CallContext, Reply, Tool, ToolCallError};
use serde_json::json;

/// A tool that the published conformance suite (`atd-conformance` 1.1.0) calls
/// to see what a server lets through. Whoever gets to run one is answered
/// `{"ok": true}`.
#[derive(Debug)]
pub struct ConformanceOp {
    definition: ToolDefinition,
}

impl ConformanceOp {
    /// `ref:conformance.denied_op`: requires the capability
    /// `conformance.denied`, which the server under test grants to nobody.
    pub fn denied() -> Self {
        Self::new(
            "ref:conformance.denied_op",
            "Conformance test: requires a capability that nobody holds, so that every call is \
             refused.",
            |definition| definition.requires(["conformance.denied"]),
        )
    }

    /// `ref:conformance.saturate_op`: one call at a time. The server under
    /// test holds its one permit from the start, so that every call finds the
    /// limit reached.
    pub fn saturate() -> Self {
        Self::new(
            "ref:conformance.saturate_op",
            "Conformance test: its one permit is held by the server, so that every call is told \
             to come back later.",
            |definition| definition.max_concurrent(1),
        )
    }

    /// `ref:conformance.hidden_op`: left out of the catalog, and answers who
    /// knows its id.
    pub fn hidden() -> Self {
        Self::new(
            "ref:conformance.hidden_op",
            "Conformance test: left out of the catalog, and answers who knows its id.",
            |definition| definition.visibility(Visibility::Hidden),
        )
    }

    fn new(
        id: &str,
        description: &str,
        special: impl FnOnce(ToolDefinitionBuilder) -> ToolDefinitionBuilder,
    ) -> Self {
        let definition = ToolDefinition::builder(id, description)
            .tags(["conformance", "test"])
            .intent_examples(["Run the conformance suite against this server"])
            .output_schema(json!({
                "type": "object",
                "properties": {"ok": {"const": true}},
                "required": ["ok"],
                "additionalProperties": false
            }))
            .safety_level(SafetyLevel::Read)
            .tier(Tier::Hot);
        Self {
            definition: special(definition).build(),
        }
    }
}

#[async_trait]
impl Tool for ConformanceOp {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    async fn call(&self, _: Args, _: &CallContext) -> Result<Reply, ToolCallError> {
        Reply::json(&json!({"ok": true}))
    }
}
