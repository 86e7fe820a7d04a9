//! One tool, made ready to be called and shown.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use atd_proto::{Response, ToolDefinition, ToolMatcher, ToolSummary, Visibility, search_text};
use bytes::Bytes;

use super::RegisterError;
use crate::binding::Binding;
use crate::schema::Schema;

/// A tool as the registry keeps it: its schemas compiled, what the wire shows
/// of it encoded.
pub struct RegisteredTool {
    id: Arc<str>,
    definition: ToolDefinition,
    binding: Box<dyn Binding>,
    input_schema: Schema,
    output_schema: Schema,
    summary: Bytes,
    /// The summary without the input schema.
    bare_summary: Bytes,
    /// What a query's words are looked for in.
    search_text: String,
    schema_response: Bytes,
    attachment: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl RegisteredTool {
    pub(super) fn new(
        definition: ToolDefinition,
        binding: Box<dyn Binding>,
    ) -> Result<Self, RegisterError> {
        let compile = |which, schema| {
            Schema::compile(schema).map_err(|source| RegisterError::Schema {
                id: definition.id.clone(),
                which,
                source,
            })
        };
        let input_schema = compile("input_schema", &definition.input_schema)?;
        let output_schema = compile("output_schema", &definition.output_schema)?;
        let encoded = |summary: &ToolSummary| {
            let mut out = Vec::new();
            summary.encode(&mut out);
            Bytes::from(out)
        };
        let mut shown = definition.summary();
        let summary = encoded(&shown);
        shown.input_schema = None;
        let bare_summary = encoded(&shown);
        let search_text = search_text(&shown);
        let mut schema_response = Vec::new();
        Response::ToolSchema {
            schema: Box::new(definition.clone()),
        }
        .encode(&mut schema_response);
        Ok(Self {
            id: definition.id.as_str().into(),
            summary,
            bare_summary,
            search_text,
            schema_response: schema_response.into(),
            definition,
            binding,
            input_schema,
            output_schema,
            attachment: OnceLock::new(),
        })
    }

    /// The tool's id.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The whole definition.
    pub fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    /// How it is carried out.
    pub fn binding(&self) -> &dyn Binding {
        &*self.binding
    }

    /// What its arguments must fit.
    pub fn input_schema(&self) -> &Schema {
        &self.input_schema
    }

    /// What its result should fit.
    pub fn output_schema(&self) -> &Schema {
        &self.output_schema
    }

    /// Whether the catalog leaves it out.
    pub fn is_hidden(&self) -> bool {
        self.definition.visibility == Visibility::Hidden
    }

    /// The `tool_schema` response.
    pub fn schema_response(&self) -> &Bytes {
        &self.schema_response
    }

    /// A place where whoever runs the tool may keep something of its own, so
    /// that it is found without a look-up: what it counts, for one. The first
    /// to set it has it for good; a tool that is replaced comes with a new one.
    pub fn attachment(&self) -> &OnceLock<Box<dyn Any + Send + Sync>> {
        &self.attachment
    }

    /// What the catalog shows, encoded.
    pub(super) fn summary(&self) -> &Bytes {
        &self.summary
    }

    /// The same without the input schema.
    pub(super) fn bare_summary(&self) -> &Bytes {
        &self.bare_summary
    }

    pub(super) fn matches(&self, matcher: &ToolMatcher<'_>) -> bool {
        let definition = &self.definition;
        let domain = &definition.capability.domain;
        matcher.admits(domain, definition.effective_tier(), definition.visibility)
            && matcher.finds(&self.search_text)
    }
}

impl fmt::Debug for RegisteredTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RegisteredTool").field(&self.id).finish()
    }
}
