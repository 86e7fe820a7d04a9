//! The enums of a tool definition, as the wire spells them.

use serde::{Deserialize, Serialize};

/// Who gets to see a tool, and how much harm it can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// It reads.
    #[default]
    #[serde(alias = "Read")]
    Read,
    /// It changes things.
    #[serde(alias = "Write")]
    Write,
    /// It can do harm.
    #[serde(alias = "Dangerous")]
    Dangerous,
    /// It belongs to the system.
    #[serde(alias = "System")]
    System,
    /// It is left out of the catalog; who knows its id can still ask for its
    /// schema and call it.
    #[serde(alias = "Hidden")]
    Hidden,
}

/// How long a call may take and how much it may return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Answers at once.
    #[serde(alias = "Hot")]
    Hot,
    /// Answers within seconds.
    #[default]
    #[serde(alias = "Warm")]
    Warm,
    /// Takes its time.
    #[serde(alias = "Cold")]
    Cold,
}

impl Tier {
    /// Every tier, hot first.
    pub const ALL: [Self; 3] = [Self::Hot, Self::Warm, Self::Cold];

    /// The tier as the wire spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Warm => "warm",
            Self::Cold => "cold",
        }
    }
}

/// How a definition is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BindingProtocol {
    /// A command-line program.
    Cli,
    /// A tool of an MCP server.
    Mcp,
    /// A function inside an application.
    AppFunction,
    /// An HTTP interface.
    Rest,
}

/// How much harm a call can do, rising.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SafetyLevel {
    /// Reads.
    #[default]
    Read,
    /// Changes what can be changed back.
    Write,
    /// Moves money.
    Financial,
    /// Touches what people keep private.
    Privacy,
    /// Moves things in the world.
    Physical,
    /// Destroys what cannot be brought back.
    Destructive,
}

/// How far a tool's publisher is vouched for, rising.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TrustLevel {
    /// Nobody looked.
    #[default]
    L0Unverified,
    /// Its schema is valid.
    L1SchemaValid,
    /// It was tested.
    L2Tested,
    /// Its publisher was verified.
    L3Verified,
    /// It was certified.
    L4Certified,
}
