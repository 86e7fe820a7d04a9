//! Asking for part of the catalog.

use serde::Serialize;

use crate::{Tier, ToolSummary, Visibility};

/// Which tools of the catalog to list, all of it when nothing is said. What is
/// said narrows the list; a server that knows no filters sends all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolFilter {
    /// Words that a tool has, each somewhere in its id, name, description,
    /// domain or tags, upper and lower case alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The tool's domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The tool's tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The tool's visibility. Hidden tools stay hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// The most tools to list, the first by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Whether to leave the input schemas out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub omit_schemas: bool,
}

impl ToolFilter {
    /// Whether the whole catalog is asked for.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// The filter made ready to be asked of many tools.
    pub fn matcher(&self) -> ToolMatcher<'_> {
        let query = self.query.as_deref().unwrap_or_default().to_lowercase();
        ToolMatcher {
            filter: self,
            words: query.split_whitespace().map(str::to_owned).collect(),
        }
    }
}

/// A [`ToolFilter`] made ready to be asked of many tools.
///
/// ```
/// use atd_proto::{ToolDefinition, ToolFilter};
///
/// let read = ToolDefinition::builder("ref:fs.read", "Reads a file").build().summary();
/// let matches = |query: &str| {
///     let filter = ToolFilter { query: Some(query.into()), ..ToolFilter::default() };
///     filter.matcher().matches(&read)
/// };
/// assert!(matches("FILE read") && !matches("file write"));
/// ```
#[derive(Clone, Debug)]
pub struct ToolMatcher<'a> {
    filter: &'a ToolFilter,
    words: Vec<String>,
}

impl ToolMatcher<'_> {
    /// Whether the filter's limit aside, this tool is to be listed.
    pub fn matches(&self, tool: &ToolSummary) -> bool {
        self.admits(&tool.domain, tool.tier, tool.visibility)
            && (self.words.is_empty() || self.finds(&search_text(tool)))
    }

    /// Whether a tool of this domain, tier and visibility is.
    pub fn admits(&self, domain: &str, tier: Tier, visibility: Visibility) -> bool {
        let ToolFilter {
            domain: wanted_domain,
            tier: wanted_tier,
            visibility: wanted_visibility,
            ..
        } = self.filter;
        wanted_domain.as_ref().is_none_or(|wanted| wanted == domain)
            && wanted_tier.is_none_or(|wanted| wanted == tier)
            && wanted_visibility.is_none_or(|wanted| wanted == visibility)
    }

    /// Whether a tool with this [`search_text`] is.
    pub fn finds(&self, search_text: &str) -> bool {
        self.words.iter().all(|word| search_text.contains(word))
    }
}

/// What a query's words are looked for in, to be kept for a tool that is asked
/// often.
pub fn search_text(tool: &ToolSummary) -> String {
    let fields = [&tool.id, &tool.name, &tool.description, &tool.domain];
    let fields: Vec<&str> = fields
        .into_iter()
        .chain(&tool.tags)
        .map(String::as_str)
        .collect();
    // No word holds a space, so none is found across two fields.
    fields.join(" ").to_lowercase()
}
