//! The configuration of a `Cli` binding.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a definition is carried out by a command-line program: the `config` of
/// a `Cli` binding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CliConfig {
    /// The program.
    pub cmd: String,
    /// Fixed arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Arguments with the placeholders `{tool_id}`, `{params_json}` (one
    /// argument), `{dry_run}` and `{page_all}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args_template: Vec<String>,
    /// The environment. The value `$ATD_BEARER` asks for the caller's bearer;
    /// nothing else is expanded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// How the program's output is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_format: Option<OutputFormat>,
    /// What `{page_all}` becomes when every page is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_all_flag: Option<String>,
    /// What `{dry_run}` becomes in a dry run. Absent, a dry run is refused and
    /// nothing is executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run_flag: Option<String>,
    /// The failure's `code` by exit code, such as `"2": "auth_required"`; the
    /// others are `TOOL_FAILED`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exit_code_map: BTreeMap<String, String>,
}

/// How a program's output is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// One JSON value.
    #[default]
    Json,
    /// One JSON value a line.
    Ndjson,
    /// One string a line.
    Lines,
}
