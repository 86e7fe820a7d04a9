//! A tool's definition and the summary that the catalog shows of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::builder::ToolDefinitionBuilder;
use super::kinds::{BindingProtocol, SafetyLevel, Tier, TrustLevel, Visibility};
use crate::CapabilitySet;
use crate::json_text::write_json;

/// What a tool is, needs and promises. Made with
/// [`ToolDefinition::builder`]; read from JSON, everything but `id` and
/// `description` may be absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolDefinition {
    /// `namespace:domain.action`, see [`check_tool_id`](crate::check_tool_id).
    pub id: String,
    /// A title for people.
    #[serde(default)]
    pub name: String,
    /// What the tool does, for the model that chooses it.
    pub description: String,
    /// The tool's own version.
    #[serde(default)]
    pub version: String,
    /// What it is about, for search.
    #[serde(default)]
    pub capability: Capability,
    /// JSON Schema of the arguments.
    #[serde(default = "any_object")]
    pub input_schema: Value,
    /// JSON Schema of the result.
    #[serde(default = "anything")]
    pub output_schema: Value,
    /// How else it can be reached.
    #[serde(default)]
    pub bindings: Vec<BindingConfig>,
    /// What harm it can do.
    #[serde(default)]
    pub safety: Safety,
    /// What it may use.
    #[serde(default)]
    pub resources: Resources,
    /// Who vouches for it.
    #[serde(default)]
    pub trust: Trust,
    /// Who gets to see it.
    #[serde(default)]
    pub visibility: Visibility,
    /// What a caller must hold to call it.
    #[serde(default)]
    pub required_capabilities: CapabilitySet,
    /// Its tier; absent, [`Tier::Warm`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The failures it is known for.
    #[serde(default)]
    pub errors: Vec<ToolError>,
}

impl ToolDefinition {
    /// Starts a definition. An id and a description are all that it needs.
    ///
    /// ```
    /// use atd_proto::{Tier, ToolDefinition};
    ///
    /// let definition = ToolDefinition::builder("demo:math.add", "Adds two numbers")
    ///     .tier(Tier::Hot)
    ///     .requires(["math"])
    ///     .build();
    /// assert_eq!(definition.capability.domain, "math");
    /// ```
    pub fn builder(id: impl Into<String>, description: impl Into<String>) -> ToolDefinitionBuilder {
        ToolDefinitionBuilder::new(id.into(), description.into())
    }

    /// The tier, [`Tier::Warm`] when none is given.
    pub fn effective_tier(&self) -> Tier {
        self.tier.unwrap_or_default()
    }

    /// What the catalog shows.
    pub fn summary(&self) -> ToolSummary {
        ToolSummary {
            id: self.id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            domain: self.capability.domain.clone(),
            tags: self.capability.tags.clone(),
            visibility: self.visibility,
            tier: self.effective_tier(),
            input_schema: Some(self.input_schema.clone()),
        }
    }
}

/// What a tool is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Capability {
    /// Such as `fs`.
    pub domain: String,
    /// Such as `read`.
    pub actions: Vec<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What somebody might say who needs it.
    pub intent_examples: Vec<String>,
}

/// One way to carry a definition out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BindingConfig {
    /// Which kind of binding.
    pub protocol: BindingProtocol,
    /// What that kind needs; for `Cli` a [`CliConfig`](super::CliConfig).
    #[serde(default)]
    pub config: Value,
}

/// What harm a tool can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Safety {
    /// The worst it can do.
    pub level: SafetyLevel,
    /// Whether the tool itself handles dry runs.
    pub dry_run: bool,
    /// What else happens when it runs.
    pub side_effects: Vec<String>,
    /// How sensitive the data is that it handles.
    pub data_sensitivity: Option<String>,
}

/// What a tool may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Resources {
    /// The longest a call may take, in milliseconds; 0 leaves it to the tier.
    pub timeout_ms: u64,
    /// Calls at a time; 0 for no limit.
    pub max_concurrent: u32,
    /// Calls a minute; absent for no limit.
    pub rate_limit_per_min: Option<u32>,
    /// How much of a model's context an answer takes, about.
    pub estimated_tokens: Option<u32>,
}

/// Who vouches for a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Trust {
    /// Who made it.
    pub publisher: String,
    /// How far it was looked at.
    pub trust_level: TrustLevel,
    /// A signature, as an array of byte values.
    pub signature: Option<Vec<u8>>,
}

/// A failure that a tool is known for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolError {
    /// The failure's `code`.
    pub code: String,
    /// When it happens.
    #[serde(default)]
    pub description: String,
    /// Whether the same call may succeed later.
    #[serde(default)]
    pub retryable: bool,
}

/// What the catalog shows of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolSummary {
    /// The definition's `id`.
    pub id: String,
    /// The definition's `name`.
    #[serde(default)]
    pub name: String,
    /// The definition's `description`.
    pub description: String,
    /// The definition's `capability.domain`.
    #[serde(default)]
    pub domain: String,
    /// The definition's `capability.tags`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The definition's `visibility`.
    #[serde(default)]
    pub visibility: Visibility,
    /// The definition's `tier`, or `warm`.
    #[serde(default)]
    pub tier: Tier,
    /// The definition's `input_schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
}

impl ToolSummary {
    /// Appends the summary as it stands in a `tool_list` response.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_json(out, self);
    }
}

pub(super) fn any_object() -> Value {
    serde_json::json!({"type": "object"})
}

pub(super) fn anything() -> Value {
    serde_json::json!({})
}
