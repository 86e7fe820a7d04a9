//! The calls that the benches make, and the answers they should get.

use atd_runtime::JsonText;
use atd_runtime::proto::{Response, RunTool, ToolResult, encode_frame};
use serde_json::json;

/// The tool that every echo call names.
pub const ECHO: &str = "ref:echo.say";

/// Arguments such as a tool that reads a file takes.
pub fn small_args() -> JsonText {
    let args = json!({"path": "src/dispatch/mod.rs", "offset": 120, "limit": 40});
    JsonText::from_value(&args).expect("a tree has a JSON form")
}

/// Arguments of exactly so many bytes: source code as one string, with an
/// escape and some brackets in every line.
pub fn args_of(bytes: usize) -> JsonText {
    const LINE: &str = "    while let [call, rest @ ..] = calls { run(call)?; calls = rest; }\\n";
    let (open, close) = (r#"{"content":""#, r#""}"#);
    let room = bytes - open.len() - close.len();
    let lines = LINE.repeat(room / LINE.len());
    let rest = ".".repeat(room % LINE.len());
    JsonText::parse([open, &lines, &rest, close].concat()).expect("an object of one string")
}

/// A call of `ref:echo.say`.
pub fn echo_call(args: &JsonText) -> RunTool {
    RunTool {
        tool_id: ECHO.to_owned(),
        args: args.clone(),
        dry_run: false,
        traceparent: None,
    }
}

/// What `ref:echo.say` answers to these arguments.
pub fn echoed(args: &JsonText) -> Response {
    Response::ToolResult(ToolResult {
        tool_id: ECHO.to_owned(),
        result: JsonText::parse(format!(r#"{{"echoed":{args}}}"#)).expect("an object of one field"),
        success: true,
        dry_run: false,
        next_cursor: None,
    })
}

/// One frame, whose body is what `write_body` appends.
pub fn frame(write_body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut wire = Vec::new();
    encode_frame(&mut wire, write_body).expect("it fits a frame");
    wire
}
