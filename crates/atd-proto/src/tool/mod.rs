//! Tool definitions: what a tool is, as its peers see it.

mod builder;
mod cli;
mod definition;
mod kinds;

pub use builder::ToolDefinitionBuilder;
pub use cli::{CliConfig, OutputFormat};
pub use definition::{
    BindingConfig, Capability, Resources, Safety, ToolDefinition, ToolError, ToolSummary, Trust,
};
pub use kinds::{BindingProtocol, SafetyLevel, Tier, TrustLevel, Visibility};
