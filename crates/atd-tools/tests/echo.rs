//! What `ref:echo.say` gives back.

use atd_proto::{CapabilitySet, JsonText, Tier};
use atd_registry::{Args, CallContext, Registry};
use atd_tools::EchoSay;

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register(EchoSay::new()).unwrap();
    registry
}

fn args(text: &str) -> Args {
    Args::new(JsonText::parse(text.to_owned()).unwrap())
}

#[tokio::test]
async fn an_object_comes_back_byte_for_byte() {
    let tool = registry().get("ref:echo.say").unwrap();
    let deep = format!(r#"{{"deep":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
    for text in [
        "{}",
        r#"{"n":123456789012345678901234567890,"f":1.50,"e":1E+02,"z":-0}"#,
        r#"{"b":1,"a":2,"b":3}"#,
        "{ \"spaced\" :\t[ 1 ,\n 2 ] }",
        r#"{"s":"é \u00e9 \/ \ud83d\ude00 😀"}"#,
        &deep,
    ] {
        assert!(tool.input_schema().check(&args(text)).is_ok(), "{text}");
        let ctx = CallContext::for_test();
        let reply = tool.binding().invoke(args(text), &ctx).await.unwrap();
        assert_eq!(reply.body().to_string(), format!(r#"{{"echoed":{text}}}"#));
        let reply = Args::new(reply.into_body());
        assert!(tool.output_schema().check(&reply).is_ok(), "{text}");
    }
}

/// D6: arguments that break the schema.
#[test]
fn only_an_object_fits() {
    let tool = registry().get("ref:echo.say").unwrap();
    for text in ["null", "[]", "\"{}\"", "1"] {
        assert!(tool.input_schema().check(&args(text)).is_err(), "{text}");
    }
}

#[test]
fn everybody_may_call_it_and_it_is_hot() {
    let tool = registry().get("ref:echo.say").unwrap();
    let definition = tool.definition();
    assert_eq!(definition.required_capabilities, CapabilitySet::EMPTY);
    assert_eq!(definition.tier, Some(Tier::Hot));
    assert_eq!(definition.input_schema.to_string(), r#"{"type":"object"}"#);
}
