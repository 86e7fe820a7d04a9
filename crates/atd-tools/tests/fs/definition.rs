//! What the tool says of itself, and which arguments it takes.

use atd_proto::{JsonText, SafetyLevel, Tier, Visibility};
use atd_registry::{Args, CallContext, ToolCallError};
use serde_json::json;

use crate::support::Place;

/// D6: arguments that break the schema, and the tool that is entered all the
/// same.
#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_by_schema_and_tool() {
    let place = Place::new();
    place.file("f", "one\n");
    let check = async |text: &str, path: &str| {
        let args = || Args::new(JsonText::parse(text.to_owned()).unwrap());
        let broken = place.tool.input_schema().check(&args()).unwrap_err();
        let mut paths = broken.errors.iter().map(|error| error.path.as_str());
        assert!(paths.any(|found| found == path), "{text}: {broken:?}");
        let ctx = CallContext::for_test();
        let result = place.tool.binding().invoke(args(), &ctx).await;
        assert!(
            matches!(result, Err(ToolCallError::InvalidArgs(_))),
            "{text}: {result:?}"
        );
    };
    check("{}", "").await;
    check("[]", "").await;
    check(r#"{"path":1}"#, "/path").await;
    check(r#"{"path":null}"#, "/path").await;
    check(r#"{"path":"f","offset":0}"#, "/offset").await;
    check(r#"{"path":"f","offset":-1}"#, "/offset").await;
    check(r#"{"path":"f","limit":0}"#, "/limit").await;
    check(r#"{"path":"f","limit":-5}"#, "/limit").await;
    check(r#"{"path":"f","limit":1.5}"#, "/limit").await;
    check(r#"{"path":"f","limit":"5"}"#, "/limit").await;
    check(r#"{"path":"f","limit":null}"#, "/limit").await;
    check(r#"{"path":"f","lines":5}"#, "").await;
}

#[tokio::test]
async fn a_path_of_no_or_endless_length_breaks_the_schema() {
    let place = Place::new();
    for path in [String::new(), "x".repeat(4097)] {
        let args = Args::new(JsonText::from_value(&json!({"path": path})).unwrap());
        assert!(place.tool.input_schema().check(&args).is_err());
    }
}

#[test]
fn the_input_schema_says_what_a_model_needs() {
    let place = Place::new();
    let schema = &place.tool.definition().input_schema;
    assert_eq!(schema["required"], json!(["path"]));
    let properties = schema["properties"].as_object().unwrap();
    for property in properties.values() {
        assert!(property["description"].is_string(), "{property}");
    }
    for (name, default) in [("offset", 1), ("limit", 2000)] {
        assert_eq!(properties[name]["type"], "integer");
        assert_eq!(properties[name]["minimum"], 1);
        assert_eq!(properties[name]["default"], default);
    }
}

#[test]
fn the_definition_is_complete() {
    let place = Place::new();
    let definition = place.tool.definition();
    assert_eq!(definition.required_capabilities.to_string(), "read");
    assert_eq!(definition.effective_tier(), Tier::Warm);
    assert_eq!(definition.visibility, Visibility::Read);
    assert_eq!(definition.safety.level, SafetyLevel::Read);
    assert_eq!(definition.capability.domain, "fs");
    assert!(!definition.capability.tags.is_empty());
    assert!(!definition.capability.intent_examples.is_empty());
    assert_eq!(
        definition.output_schema["required"],
        json!(["path", "content", "line_count", "total_lines", "truncated"])
    );
    let codes: Vec<_> = definition
        .errors
        .iter()
        .map(|error| error.code.as_str())
        .collect();
    assert_eq!(
        codes,
        [
            "NOT_FOUND",
            "OUTSIDE_ROOT",
            "PERMISSION_DENIED",
            "IO",
            "NOT_A_FILE",
            "TOO_FAR",
            "NO_ROOM"
        ]
    );
}
