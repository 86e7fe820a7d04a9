//! A JSON Schema in TOML, or in a JSON file beside it.

use atd_runtime::registry::Schema;
use serde_json::{Map, Number, Value};
use toml::de::DeValue;

use crate::config::files::Files;
use crate::config::reader::Item;

/// The schema that a table is, or that stands in the file that a text names.
pub(super) fn read(item: &Item<'_>, files: &Files) -> Option<Value> {
    match item.value() {
        DeValue::String(_) => in_file(item, files),
        DeValue::Table(_) => {
            let schema = json(item)?;
            if let Err(error) = Schema::compile(&schema) {
                let at = item.at_pointer(&error.location);
                at.problem(format_args!("this is no JSON Schema: {}", error.message));
                return None;
            }
            Some(schema)
        }
        _ => {
            item.expected("a table that is a JSON Schema, or the path of a JSON file with one");
            None
        }
    }
}

fn in_file(item: &Item<'_>, files: &Files) -> Option<Value> {
    let path = item.path()?;
    let shown = path.display();
    let text = files.text(&path).map_err(|error| error.to_string());
    let schema = text.and_then(|text| {
        let schema: Result<Value, _> = serde_json::from_str(&text);
        schema.map_err(|error| format!("this is no JSON: {error}"))
    });
    let schema = schema.and_then(|schema| match Schema::compile(&schema) {
        Ok(_) => Ok(schema),
        Err(error) => Err(format!("this is no JSON Schema: {error}")),
    });
    let said = |error| item.problem(format_args!("{shown} cannot be used: {error}"));
    schema.map_err(said).ok()
}

/// A value of TOML as JSON.
fn json(item: &Item<'_>) -> Option<Value> {
    match item.value() {
        DeValue::String(text) => Some(Value::String(text.to_string())),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::Integer(number) => {
            let number = i128::from_str_radix(number.as_str(), number.radix()).ok();
            let number = number.and_then(Number::from_i128);
            if number.is_none() {
                item.expected("a number of 64 bits");
            }
            number.map(Value::Number)
        }
        DeValue::Float(number) => {
            let number = number.as_str().parse().ok().and_then(Number::from_f64);
            if number.is_none() {
                item.expected("a number that JSON has");
            }
            number.map(Value::Number)
        }
        DeValue::Array(_) => item.list("an array", json).map(Value::Array),
        DeValue::Table(_) => item
            .each(|key, item| Some((key.text.to_owned(), json(item)?)))
            .map(|map: Map<String, Value>| Value::Object(map)),
        DeValue::Datetime(_) => {
            item.expected("in quotes: JSON has no times");
            None
        }
    }
}
