//! Registries, of one tool and of many.

use atd_runtime::proto::ToolDefinition;
use atd_runtime::registry::CallFuture;
use atd_runtime::tools::EchoSay;
use atd_runtime::{Args, Binding, CallContext, JsonText, Registry, Reply};
use serde_json::json;

/// A registry that holds `ref:echo.say`.
pub fn echo_registry() -> Registry {
    let registry = Registry::new();
    registry
        .register(EchoSay::new())
        .expect("the only tool there is");
    registry
}

/// A registry of so many tools, each as [`definition`] has it.
pub fn registry_of(tools: usize) -> Registry {
    let registry = Registry::new();
    for number in 0..tools {
        registry
            .register_binding(definition(number), Idle)
            .expect("every id is another");
    }
    registry
}

/// Changes such a registry: its first tool is put there anew.
pub fn replace_one(registry: &Registry) {
    registry
        .replace_binding(definition(0), Idle)
        .expect("what was good once is good again");
}

/// A tool of middling size: two tags and three arguments that are described,
/// some 600 bytes in the catalog.
pub fn definition(number: usize) -> ToolDefinition {
    let id = format!("bench:area{}.act{number}", number % 100);
    ToolDefinition::builder(
        id,
        "Looks for a pattern in the files below one directory and returns the lines that match, \
         with the number of each.",
    )
    .name(format!("Search {number}"))
    .tags(["search", "files"])
    .input_schema(json!({
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "description": "A regular expression.", "minLength": 1},
            "path": {"type": "string", "description": "Where to look; by default everywhere."},
            "limit": {"type": "integer", "description": "At most so many lines.", "minimum": 1}
        },
        "required": ["pattern"],
        "additionalProperties": false
    }))
    .build()
}

/// Answers every call with an empty object. No bench calls it.
struct Idle;

impl Binding for Idle {
    fn invoke<'a>(&'a self, _: Args, _: &'a CallContext) -> CallFuture<'a> {
        Box::pin(async { Ok(Reply::text(JsonText::EMPTY_OBJECT)) })
    }
}
