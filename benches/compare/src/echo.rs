//! The tool that is called, the same for all: it returns its arguments.

use anyhow::{Result, ensure};
use ours::ToolDefinition;
use serde_json::{Value, json};

/// What the tool asks of its callers.
pub(crate) const CAPABILITY: &str = "read";

/// Who calls.
pub(crate) const CALLER: &str = "bench";

/// Which echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    /// Takes any object.
    Any,
    /// Has a schema that says of each argument what it is.
    Checked,
}

impl Echo {
    /// The tool's id.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Any => "bench:echo.any",
            Self::Checked => "bench:echo.checked",
        }
    }

    /// The tool, without a limit of its own.
    pub(crate) fn definition(self) -> ToolDefinition {
        let schema = match self {
            Self::Any => json!({"type": "object"}),
            Self::Checked => json!({
                "type": "object",
                "properties": {
                    "path": {"type": "string", "minLength": 1},
                    "offset": {"type": "integer", "minimum": 0},
                    "limit": {"type": "integer", "minimum": 1}
                },
                "required": ["path"],
                "additionalProperties": false
            }),
        };
        ToolDefinition::builder(self.id(), "Returns its arguments as `echoed`.")
            .tags(["echo"])
            .input_schema(schema)
            .requires([CAPABILITY])
            .build()
    }
}

/// Arguments such as a tool that reads a file takes.
pub(crate) fn args() -> Value {
    json!({"limit": 40, "offset": 120, "path": "src/dispatch/mod.rs"})
}

/// The request that makes a connection one of [`CALLER`].
pub(crate) fn hello() -> Value {
    json!({"type": "hello", "client_id": CALLER, "requested_capabilities": [CAPABILITY]})
}

/// The request for a call of this tool.
pub(crate) fn call(echo: Echo) -> Value {
    json!({"type": "run_tool", "tool_id": echo.id(), "args": args(), "dry_run": false})
}

/// An answer is the one that the call should get.
pub(crate) fn check(answer: &Value) -> Result<()> {
    let right = answer["success"] == json!(true) && answer["result"]["echoed"] == args();
    ensure!(right, "the call was answered with {answer}");
    Ok(())
}

/// Tools beside the echo, of middling size: two tags and three arguments that
/// are described, some 600 bytes in the catalog.
pub(crate) fn others(count: usize) -> impl Iterator<Item = ToolDefinition> {
    (0..count).map(|number| {
        let id = format!("bench:area{}.act{number}", number % 100);
        ToolDefinition::builder(
            id,
            "Looks for a pattern in the files below one directory and returns the lines that \
             match, with the number of each.",
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
    })
}
