//! What the published conformance suite finds.

use atd_proto::{JsonText, Response, Visibility};
use atd_registry::{Args, CallContext, Registry};
use atd_tools::ConformanceOp;

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register(ConformanceOp::denied()).unwrap();
    registry.register(ConformanceOp::saturate()).unwrap();
    registry.register(ConformanceOp::hidden()).unwrap();
    registry
}

#[test]
fn one_is_denied_one_is_limited_and_one_is_hidden() {
    let registry = registry();
    let definition = |id| registry.get(id).unwrap().definition().clone();

    let denied = definition("ref:conformance.denied_op");
    assert_eq!(
        denied.required_capabilities.to_string(),
        "conformance.denied"
    );

    let saturate = definition("ref:conformance.saturate_op");
    assert_eq!(saturate.resources.max_concurrent, 1);
    assert!(saturate.required_capabilities.is_empty());

    let hidden = definition("ref:conformance.hidden_op");
    assert_eq!(hidden.visibility, Visibility::Hidden);
    assert!(hidden.required_capabilities.is_empty());

    let Ok(Response::ToolList { tools }) = Response::decode(registry.catalog()) else {
        panic!("the catalog is a tool_list");
    };
    let listed: Vec<_> = tools.iter().map(|tool| tool.id.as_str()).collect();
    assert_eq!(
        listed,
        ["ref:conformance.denied_op", "ref:conformance.saturate_op"]
    );
}

#[tokio::test]
async fn whoever_gets_through_is_answered() {
    let registry = registry();
    for id in registry.ids() {
        let tool = registry.get(&id).unwrap();
        let args = Args::new(JsonText::EMPTY_OBJECT);
        let ctx = CallContext::for_test();
        let reply = tool.binding().invoke(args, &ctx).await.unwrap();
        assert_eq!(reply.body().as_bytes(), br#"{"ok":true}"#);
        let reply = Args::new(reply.into_body());
        assert!(tool.output_schema().check(&reply).is_ok());
    }
}
