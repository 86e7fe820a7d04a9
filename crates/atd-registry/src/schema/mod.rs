//! JSON Schemas, compiled once and checked on every call.

mod quick;
mod shape;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use self::quick::fits;
use self::shape::Shape;
use crate::call::{Args, ArgumentError, ToolCallError};

/// How many violations are told at once.
const MAX_VIOLATIONS: usize = 16;

/// How far a regular expression in a schema may backtrack over one string.
const BACKTRACK_LIMIT: usize = 100_000;

/// A compiled JSON Schema.
#[derive(Debug)]
pub struct Schema(Check);

#[derive(Debug)]
enum Check {
    /// Everything fits: no need to read the arguments.
    Anything,
    /// Any object fits: its first character tells.
    AnyObject,
    /// A look at the text tells of most arguments that they fit. Where it does
    /// not, they are made a tree and checked.
    Full(Box<(Shape, Validator)>),
}

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at {location} of the schema)")]
pub struct SchemaError {
    /// Where in the schema, as a JSON Pointer.
    pub location: String,
    /// What is wrong there.
    pub message: String,
}

/// How arguments break a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaViolations {
    /// Each place, for the caller; at most 16. Values are not repeated in it.
    pub errors: Vec<ArgumentError>,
    /// The rules that were broken, as JSON Pointers into the schema: nothing
    /// in it comes from the caller, so it may be logged.
    pub rules: Vec<String>,
}

impl Schema {
    /// Compiles a schema. It is self-contained: a reference to another
    /// document is an error, never a request to somewhere.
    ///
    /// # Errors
    /// [`SchemaError`] when it is no schema, or refers to another document.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        if allows_anything(schema) {
            return Ok(Self(Check::Anything));
        }
        let validator = jsonschema::options()
            .offline()
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT))
            .build(schema)
            .map_err(|error| SchemaError {
                location: error.instance_path().to_string(),
                message: error.to_string(),
            })?;
        Ok(Self(if allows_any_object(schema) {
            Check::AnyObject
        } else {
            Check::Full(Box::new((Shape::of(schema), validator)))
        }))
    }

    /// Checks a call's arguments, or anything else that came as JSON.
    ///
    /// # Errors
    /// [`SchemaViolations`] with every place where they do not fit.
    pub fn check(&self, args: &Args) -> Result<(), SchemaViolations> {
        match &self.0 {
            Check::Anything => Ok(()),
            Check::AnyObject if args.text().is_object() => Ok(()),
            Check::AnyObject => Err(SchemaViolations {
                errors: vec![ArgumentError {
                    path: String::new(),
                    message: "it should be an object".to_owned(),
                }],
                rules: vec!["/type".to_owned()],
            }),
            Check::Full(full) => {
                let (shape, validator) = &**full;
                if fits(args.text().as_bytes(), shape) {
                    return Ok(());
                }
                let tree = args.tree().map_err(SchemaViolations::unreadable)?;
                if validator.is_valid(tree) {
                    return Ok(());
                }
                Err(SchemaViolations::all(validator, tree))
            }
        }
    }
}

impl SchemaViolations {
    fn all(validator: &Validator, tree: &Value) -> Self {
        let (errors, rules) = validator
            .iter_errors(tree)
            .take(MAX_VIOLATIONS)
            .map(|error| {
                let found = ArgumentError {
                    path: error.instance_path().to_string(),
                    message: said(&error),
                };
                (found, error.schema_path().to_string())
            })
            .unzip();
        Self { errors, rules }
    }

    fn unreadable(error: ToolCallError) -> Self {
        let errors = match error {
            ToolCallError::InvalidArgs(errors) => errors,
            other => vec![ArgumentError {
                path: String::new(),
                message: other.to_string(),
            }],
        };
        Self {
            errors,
            rules: vec!["/".to_owned()],
        }
    }
}

fn said(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::FalseSchema => "nothing is allowed here".to_owned(),
        _ => error.masked().to_string(),
    }
}

/// Keywords that say something about a schema and check nothing.
const ANNOTATIONS: [&str; 5] = ["$schema", "$id", "title", "description", "examples"];

fn rules(schema: &Value) -> Option<impl Iterator<Item = (&String, &Value)>> {
    let rules = schema.as_object()?.iter();
    Some(rules.filter(|(keyword, _)| !ANNOTATIONS.contains(&keyword.as_str())))
}

fn allows_anything(schema: &Value) -> bool {
    schema == &Value::Bool(true) || rules(schema).is_some_and(|mut rules| rules.next().is_none())
}

fn allows_any_object(schema: &Value) -> bool {
    rules(schema).is_some_and(|mut rules| {
        rules.all(|(keyword, value)| match keyword.as_str() {
            "type" => value == "object",
            "additionalProperties" => value == &Value::Bool(true),
            _ => false,
        })
    }) && schema.get("type").is_some()
}
