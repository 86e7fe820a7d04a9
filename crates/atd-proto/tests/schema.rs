//! The JSON Schema of the messages describes the messages.
#![cfg(feature = "schema")]

use atd_proto::{Request, Response};

#[test]
fn every_message_has_its_schema() {
    let check = |schema: schemars::Schema, types: &[&str]| {
        let schema = schema.to_value().to_string();
        for name in types {
            assert!(schema.contains(&format!(r#""const":"{name}""#)), "{name}");
        }
    };
    check(
        schemars::schema_for!(Request),
        &[
            "ping",
            "hello",
            "tool_list",
            "tool_schema",
            "run_tool",
            "run_tool_continue",
        ],
    );
    check(
        schemars::schema_for!(Response),
        &[
            "pong",
            "hello_ack",
            "tool_list",
            "tool_schema",
            "tool_result",
            "error",
        ],
    );
}
