//! Which answer belongs to which request.

use atd_proto::{Request, Response};

use crate::error::ClientError;

/// The type of the answer that is due to `request`.
pub(crate) fn due(request: &Request) -> &'static str {
    match request {
        Request::Ping => "pong",
        Request::Hello(_) => "hello_ack",
        Request::ToolList(_) => "tool_list",
        Request::ToolSchema { .. } => "tool_schema",
        Request::RunTool(_) | Request::RunToolContinue(_) => "tool_result",
        // This crate makes no others.
        _ => "unknown",
    }
}

/// Takes `response` where `expected` is due; an `error` always is.
pub(crate) fn check(expected: &'static str, response: Response) -> Result<Response, ClientError> {
    match type_of(&response) {
        got if got == expected => Ok(response),
        "error" => Ok(response),
        _ => Err(unexpected(expected, &response)),
    }
}

/// The error for an answer of a type that was not due.
pub(crate) fn unexpected(expected: &'static str, response: &Response) -> ClientError {
    ClientError::Unexpected {
        expected,
        got: type_of(response),
    }
}

fn type_of(response: &Response) -> &'static str {
    match response {
        Response::Pong => "pong",
        Response::HelloAck(_) => "hello_ack",
        Response::ToolList { .. } => "tool_list",
        Response::ToolSchema { .. } => "tool_schema",
        Response::ToolResult(_) => "tool_result",
        Response::Error(_) => "error",
        Response::Progress(_) => "progress",
        // This crate asks for no others.
        _ => "something newer",
    }
}
