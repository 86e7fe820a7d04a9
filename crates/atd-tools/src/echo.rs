//! `ref:echo.say`: what goes in comes out.

use async_trait::async_trait;
use atd_proto::{JsonText, SafetyLevel, Tier, ToolDefinition};
use atd_registry::{Args, CallContext, Reply, Tool, ToolCallError};
use serde::Serialize;
use serde_json::json;

/// `ref:echo.say`: returns its arguments as `{"echoed": <the arguments>}`.
/// They are passed through as text, so numbers of any length, the order of
/// keys and repeated keys survive.
#[derive(Debug)]
pub struct EchoSay {
    definition: ToolDefinition,
}

#[derive(Serialize)]
struct Echoed<'a> {
    echoed: &'a JsonText,
}

impl EchoSay {
    /// The tool.
    pub fn new() -> Self {
        let definition = ToolDefinition::builder(
            "ref:echo.say",
            "Returns its arguments unchanged, as `{\"echoed\": <the arguments>}`. Reads and \
             changes nothing; made for checking that a connection works and that JSON arrives \
             as it was sent.",
        )
        .name("Echo")
        .tags(["echo", "test", "diagnostics"])
        .intent_examples([
            "Check that the server answers",
            "Send this JSON back to me exactly as I wrote it",
        ])
        .input_schema(json!({"type": "object"}))
        .output_schema(json!({
            "type": "object",
            "properties": {
                "echoed": {"type": "object", "description": "The arguments, as they were sent."}
            },
            "required": ["echoed"],
            "additionalProperties": false
        }))
        .safety_level(SafetyLevel::Read)
        .tier(Tier::Hot)
        .build();
        Self { definition }
    }
}

impl Default for EchoSay {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Tool for EchoSay {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    async fn call(&self, args: Args, _: &CallContext) -> Result<Reply, ToolCallError> {
        Reply::json(&Echoed {
            echoed: args.text(),
        })
    }
}
