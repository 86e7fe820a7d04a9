//! What a program wrote, as the result of a call.

use atd_proto::{JsonText, OutputFormat};
use atd_registry::{Reply, ToolCallError};

use super::readable;

/// The reply that `stdout` makes, of at most `budget` bytes.
pub(super) fn reply(
    format: OutputFormat,
    stdout: Vec<u8>,
    budget: usize,
) -> Result<Reply, ToolCallError> {
    match format {
        OutputFormat::Json => json(stdout, budget),
        OutputFormat::Ndjson => ndjson(&stdout, budget),
        OutputFormat::Lines => lines(&stdout, budget),
    }
}

fn json(stdout: Vec<u8>, budget: usize) -> Result<Reply, ToolCallError> {
    if stdout.trim_ascii().is_empty() {
        return Err(no_result(
            "the program wrote nothing to its standard output, where one JSON value is expected",
        ));
    }
    whole(
        readable::check(&stdout).and_then(|()| JsonText::parse(stdout)),
        budget,
    )
}

fn whole(body: serde_json::Result<JsonText>, budget: usize) -> Result<Reply, ToolCallError> {
    match body {
        Ok(body) if body.as_bytes().len() > budget => {
            Err(ToolCallError::OutputTooLarge { limit: budget })
        }
        Ok(body) => Ok(Reply::text(body)),
        Err(error) => Err(no_result(format!(
            "the program's standard output is not one JSON value: {error}"
        ))),
    }
}

/// The values as an array. Lines without anything in them are passed over.
fn ndjson(stdout: &[u8], budget: usize) -> Result<Reply, ToolCallError> {
    let mut array = Vec::with_capacity(stdout.len() + 2);
    array.push(b'[');
    for (index, line) in stdout.split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if let Err(error) = readable::check(line) {
            let line = index + 1;
            return Err(no_result(format!(
                "line {line} of the program's standard output is not one JSON value: {error}"
            )));
        }
        if array.len() > 1 {
            array.push(b',');
        }
        array.extend_from_slice(line);
    }
    array.push(b']');
    whole(JsonText::parse(array), budget)
}

/// The lines as an array of strings. A line ends with `\n` or `\r\n`, which
/// the last may lack.
fn lines(stdout: &[u8], budget: usize) -> Result<Reply, ToolCallError> {
    let text = String::from_utf8_lossy(stdout);
    let lines: Vec<&str> = text.lines().collect();
    Reply::json_within(&lines, budget)
}

fn no_result(message: impl std::fmt::Display) -> ToolCallError {
    ToolCallError::failed("OUTPUT_INVALID", message)
}
