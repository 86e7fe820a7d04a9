//! Building a definition.

use serde_json::Value;

use super::definition::{
    BindingConfig, Capability, Resources, Safety, ToolDefinition, ToolError, Trust, any_object,
    anything,
};
use super::kinds::{SafetyLevel, Tier, TrustLevel, Visibility};
use crate::CapabilitySet;

/// Builds a [`ToolDefinition`]. What is not said has its default: version
/// `1.0.0`, any object as arguments, anything as a result, the tier `warm`,
/// no limit of its own, no capability required; the domain and the action are
/// read off the id.
///
/// Whether the id and the schemas are good is checked where the tool is
/// registered.
#[derive(Clone, Debug)]
pub struct ToolDefinitionBuilder(ToolDefinition);

impl ToolDefinitionBuilder {
    pub(super) fn new(id: String, description: String) -> Self {
        let path = id.split_once(':').map_or("", |(_, path)| path);
        let (domain, action) = path.split_once('.').unwrap_or((path, ""));
        let capability = Capability {
            domain: domain.to_owned(),
            actions: Some(action)
                .filter(|action| !action.is_empty())
                .map(str::to_owned)
                .into_iter()
                .collect(),
            ..Capability::default()
        };
        Self(ToolDefinition {
            name: id.clone(),
            id,
            description,
            version: "1.0.0".to_owned(),
            capability,
            input_schema: any_object(),
            output_schema: anything(),
            bindings: Vec::new(),
            safety: Safety::default(),
            resources: Resources::default(),
            trust: Trust::default(),
            visibility: Visibility::default(),
            required_capabilities: CapabilitySet::EMPTY,
            tier: None,
            errors: Vec::new(),
        })
    }

    /// A title for people; by default the id.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// The tool's own version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.0.version = version.into();
        self
    }

    /// The domain, in place of the one in the id.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.0.capability.domain = domain.into();
        self
    }

    /// The actions, in place of the one in the id.
    #[must_use]
    pub fn actions<S: Into<String>>(mut self, actions: impl IntoIterator<Item = S>) -> Self {
        self.0.capability.actions = strings(actions);
        self
    }

    /// Words to find it by.
    #[must_use]
    pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
        self.0.capability.tags = strings(tags);
        self
    }

    /// What somebody might say who needs it.
    #[must_use]
    pub fn intent_examples<S: Into<String>>(
        mut self,
        examples: impl IntoIterator<Item = S>,
    ) -> Self {
        self.0.capability.intent_examples = strings(examples);
        self
    }

    /// JSON Schema of the arguments.
    #[must_use]
    pub fn input_schema(mut self, schema: Value) -> Self {
        self.0.input_schema = schema;
        self
    }

    /// JSON Schema of the result.
    #[must_use]
    pub fn output_schema(mut self, schema: Value) -> Self {
        self.0.output_schema = schema;
        self
    }

    /// One more way to carry it out.
    #[must_use]
    pub fn binding(mut self, binding: BindingConfig) -> Self {
        self.0.bindings.push(binding);
        self
    }

    /// The worst it can do.
    #[must_use]
    pub fn safety_level(mut self, level: SafetyLevel) -> Self {
        self.0.safety.level = level;
        self
    }

    /// The tool handles dry runs itself: it is run, and told that it is one.
    #[must_use]
    pub fn handles_dry_run(mut self) -> Self {
        self.0.safety.dry_run = true;
        self
    }

    /// What else happens when it runs.
    #[must_use]
    pub fn side_effects<S: Into<String>>(mut self, effects: impl IntoIterator<Item = S>) -> Self {
        self.0.safety.side_effects = strings(effects);
        self
    }

    /// How sensitive the data is that it handles.
    #[must_use]
    pub fn data_sensitivity(mut self, sensitivity: impl Into<String>) -> Self {
        self.0.safety.data_sensitivity = Some(sensitivity.into());
        self
    }

    /// The longest a call may take, in whole milliseconds; zero leaves it to
    /// the tier.
    #[must_use]
    pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
        self.0.resources.timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Calls at a time; 0 for no limit.
    #[must_use]
    pub fn max_concurrent(mut self, calls: u32) -> Self {
        self.0.resources.max_concurrent = calls;
        self
    }

    /// Calls a minute.
    #[must_use]
    pub fn rate_limit_per_min(mut self, calls: u32) -> Self {
        self.0.resources.rate_limit_per_min = Some(calls);
        self
    }

    /// How much of a model's context an answer takes, about.
    #[must_use]
    pub fn estimated_tokens(mut self, tokens: u32) -> Self {
        self.0.resources.estimated_tokens = Some(tokens);
        self
    }

    /// Who made it, and how far that was looked at.
    #[must_use]
    pub fn publisher(mut self, publisher: impl Into<String>, level: TrustLevel) -> Self {
        self.0.trust.publisher = publisher.into();
        self.0.trust.trust_level = level;
        self
    }

    /// Who gets to see it.
    #[must_use]
    pub fn visibility(mut self, visibility: Visibility) -> Self {
        self.0.visibility = visibility;
        self
    }

    /// What a caller must hold to call it.
    #[must_use]
    pub fn requires<S: Into<String>>(mut self, capabilities: impl IntoIterator<Item = S>) -> Self {
        self.0.required_capabilities = capabilities.into_iter().collect();
        self
    }

    /// Its tier.
    #[must_use]
    pub fn tier(mut self, tier: Tier) -> Self {
        self.0.tier = Some(tier);
        self
    }

    /// One more failure that it is known for.
    #[must_use]
    pub fn error(
        mut self,
        code: impl Into<String>,
        description: impl Into<String>,
        retryable: bool,
    ) -> Self {
        self.0.errors.push(ToolError {
            code: code.into(),
            description: description.into(),
            retryable,
        });
        self
    }

    /// The definition.
    #[must_use]
    pub fn build(self) -> ToolDefinition {
        self.0
    }
}

/// A definition to be changed.
impl From<ToolDefinition> for ToolDefinitionBuilder {
    fn from(definition: ToolDefinition) -> Self {
        Self(definition)
    }
}

fn strings<S: Into<String>>(items: impl IntoIterator<Item = S>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}
