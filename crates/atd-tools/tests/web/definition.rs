//! What the tool says of itself, and which arguments it takes.

use atd_proto::{JsonText, SafetyLevel, Tier, Visibility};
use atd_registry::{Args, CallContext, ToolCallError};
use serde_json::json;

use crate::support::{closed, tool};

/// D6: arguments that break the schema, and the tool that is entered all the
/// same.
#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_by_schema_and_tool() {
    let tool = tool(closed(&[]));
    let check = async |text: &str, path: &str| {
        let args = || Args::new(JsonText::parse(text.to_owned()).unwrap());
        let broken = tool.input_schema().check(&args()).unwrap_err();
        let mut paths = broken.errors.iter().map(|error| error.path.as_str());
        assert!(paths.any(|found| found == path), "{text}: {broken:?}");
        let ctx = CallContext::for_test();
        let result = tool.binding().invoke(args(), &ctx).await;
        assert!(
            matches!(result, Err(ToolCallError::InvalidArgs(_))),
            "{text}: {result:?}"
        );
    };
    check("{}", "").await;
    check(r#"{"url":1}"#, "/url").await;
    check(r#"{"url":null}"#, "/url").await;
    check(r#"{"url":""}"#, "/url").await;
    check(r#"{"url":"http://a/","offset":-1}"#, "/offset").await;
    check(r#"{"url":"http://a/","max_chars":0}"#, "/max_chars").await;
    check(r#"{"url":"http://a/","max_chars":"5"}"#, "/max_chars").await;
    check(r#"{"url":"http://a/","format":"pdf"}"#, "/format").await;
    check(r#"{"url":"http://a/","method":"POST"}"#, "").await;
}

#[tokio::test]
async fn an_endless_url_is_refused_by_schema_and_tool() {
    let tool = tool(closed(&[]));
    let url = format!("http://site.example/{}", "x".repeat(8192));
    let args = || Args::new(JsonText::from_value(&json!({"url": url})).unwrap());
    assert!(tool.input_schema().check(&args()).is_err());
    let result = tool
        .binding()
        .invoke(args(), &CallContext::for_test())
        .await;
    let error = result.unwrap_err().to_string();
    assert!(
        error.starts_with("URL_NOT_ALLOWED") && error.len() < 500,
        "{error}"
    );
}

#[test]
fn the_input_schema_says_what_a_model_needs() {
    let tool = tool(closed(&[]));
    let schema = &tool.definition().input_schema;
    assert_eq!(schema["required"], json!(["url"]));
    let properties = schema["properties"].as_object().unwrap();
    for property in properties.values() {
        assert!(property["description"].is_string(), "{property}");
    }
    for (name, default) in [
        ("offset", json!(0)),
        ("max_chars", json!(50_000)),
        ("format", json!("markdown")),
    ] {
        assert_eq!(properties[name]["default"], default);
    }
}

#[test]
fn the_definition_is_complete() {
    let tool = tool(closed(&[]));
    let definition = tool.definition();
    assert_eq!(definition.required_capabilities.to_string(), "web.fetch");
    assert_eq!(definition.effective_tier(), Tier::Cold);
    assert_eq!(definition.visibility, Visibility::Read);
    assert_eq!(definition.safety.level, SafetyLevel::Read);
    assert!(!definition.safety.side_effects.is_empty());
    assert_eq!(definition.resources.max_concurrent, 16);
    assert_eq!(definition.capability.domain, "web");
    assert!(!definition.capability.tags.is_empty());
    assert!(!definition.capability.intent_examples.is_empty());
    assert_eq!(definition.errors.len(), 14);
}
