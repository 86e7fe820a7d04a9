//! One tool, made ready to be called and shown.

use std::fmt;
use std::sync::Arc;

use atd_proto::{Response, ToolDefinition, Visibility};
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
    schema_response: Bytes,
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
        let mut summary = Vec::new();
        definition.summary().encode(&mut summary);
        let mut schema_response = Vec::new();
        Response::ToolSchema {
            schema: Box::new(definition.clone()),
        }
        .encode(&mut schema_response);
        Ok(Self {
            id: definition.id.as_str().into(),
            summary: summary.into(),
            schema_response: schema_response.into(),
            definition,
            binding,
            input_schema,
            output_schema,
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

    /// What the catalog shows, encoded.
    pub(super) fn summary(&self) -> &Bytes {
        &self.summary
    }
}

impl fmt::Debug for RegisteredTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RegisteredTool").field(&self.id).finish()
    }
}
