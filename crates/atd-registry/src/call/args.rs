//! The arguments of a call.

use std::fmt;
use std::sync::OnceLock;

use atd_proto::JsonText;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::error::{ArgumentError, ToolCallError};

/// Texts up to this length, in bytes, are read without a second thought.
const SMALL: usize = 64 * 1024;

/// How much memory reading the arguments may take, in bytes, by an estimate
/// that errs upwards.
const MAX_COST: usize = 64 << 20;

/// The arguments of a call: the JSON text as it came, read into types or into
/// a tree only when somebody asks.
pub struct Args {
    text: JsonText,
    tree: OnceLock<Value>,
}

impl Args {
    /// Arguments with this text.
    pub fn new(text: JsonText) -> Self {
        Self {
            text,
            tree: OnceLock::new(),
        }
    }

    /// The text as the caller sent it.
    pub fn text(&self) -> &JsonText {
        &self.text
    }

    /// The arguments as a type.
    ///
    /// # Errors
    /// [`ToolCallError::InvalidArgs`] that names where in the arguments they do
    /// not fit.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ToolCallError> {
        self.check_cost()?;
        // Following the path costs on every field; only a failure needs it.
        self.text.to_value().or_else(|_| self.parse_with_path())
    }

    /// The arguments as a tree, built on the first call. Numbers beyond 64
    /// bits lose precision in it.
    ///
    /// # Errors
    /// [`ToolCallError::InvalidArgs`] when the text cannot be a tree, such as
    /// for a number beyond the range of a double.
    pub fn tree(&self) -> Result<&Value, ToolCallError> {
        if let Some(tree) = self.tree.get() {
            return Ok(tree);
        }
        let tree = self.parse()?;
        Ok(self.tree.get_or_init(|| tree))
    }

    /// A small text can make a tree a hundred times its size.
    fn check_cost(&self) -> Result<(), ToolCallError> {
        let text = self.text.as_bytes();
        if text.len() <= SMALL {
            return Ok(());
        }
        let cost: usize = text
            .iter()
            .map(|byte| match byte {
                b'{' => 700,
                b'[' => 150,
                b',' => 64,
                _ => 1,
            })
            .sum();
        if cost > MAX_COST {
            return Err(ToolCallError::invalid_arg(
                "",
                format!(
                    "they hold so many values that they would take over {} MiB",
                    MAX_COST >> 20
                ),
            ));
        }
        Ok(())
    }

    fn parse_with_path<T: DeserializeOwned>(&self) -> Result<T, ToolCallError> {
        let mut text = serde_json::Deserializer::from_slice(self.text.as_bytes());
        serde_path_to_error::deserialize(&mut text).map_err(|error| {
            ToolCallError::InvalidArgs(vec![ArgumentError {
                path: pointer(error.path()),
                message: error.inner().to_string(),
            }])
        })
    }
}

impl fmt::Debug for Args {
    /// The length alone: arguments are no business of a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Args").field(&self.text).finish()
    }
}

/// The path as a JSON Pointer (RFC 6901), as schema errors have it.
fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(escaped(key)),
            Segment::Enum { variant } => Some(escaped(variant)),
            Segment::Unknown => None,
        })
        .collect()
}

fn escaped(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}
