//! Tools that come, go and are found.

use std::sync::Arc;

use async_trait::async_trait;
use atd_proto::{Response, ToolDefinition, Visibility};
use atd_registry::{
    Args, CallContext, RegisterError, Registry, Reply, Tool, ToolCallError, tool_fn,
};
use serde_json::json;

struct Named(ToolDefinition);

#[async_trait]
impl Tool for Named {
    fn definition(&self) -> &ToolDefinition {
        &self.0
    }

    async fn call(&self, _: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        Reply::json(&format!("{} for {:?}", self.0.version, ctx.caller_id()))
    }
}

fn named(id: &str) -> Named {
    Named(ToolDefinition::builder(id, "").build())
}

fn listed(registry: &Registry) -> Vec<String> {
    let Ok(Response::ToolList { tools }) = Response::decode(registry.catalog()) else {
        panic!("the catalog is a tool_list");
    };
    tools.into_iter().map(|tool| tool.id).collect()
}

#[test]
fn the_catalog_is_sorted_and_leaves_hidden_tools_out() {
    let registry = Registry::new();
    assert_eq!(listed(&registry), Vec::<String>::new());
    registry.register(named("b:b.b")).unwrap();
    registry.register(named("a:z.z")).unwrap();
    let hidden = ToolDefinition::builder("a:hidden.one", "")
        .visibility(Visibility::Hidden)
        .build();
    registry.register(Named(hidden)).unwrap();
    assert_eq!(listed(&registry), ["a:z.z", "b:b.b"]);
    assert!(registry.get("a:hidden.one").is_some());
    assert_eq!(registry.ids().len(), 3);
}

#[test]
fn the_catalog_follows_every_change_and_is_shared_between_changes() {
    let registry = Registry::new();
    registry.register(named("a:a.a")).unwrap();
    let first = registry.catalog();
    assert_eq!(first.as_ptr(), registry.catalog().as_ptr());
    registry.register(named("b:b.b")).unwrap();
    assert_eq!(listed(&registry), ["a:a.a", "b:b.b"]);
    registry.remove("a:a.a").unwrap();
    assert_eq!(listed(&registry), ["b:b.b"]);
    assert!(registry.remove("a:a.a").is_none());
}

#[test]
fn a_duplicate_a_conflict_and_a_bad_id_change_nothing() {
    let registry = Registry::new();
    registry.register(named("a:b.c")).unwrap();
    let refused = |id| registry.register(named(id)).unwrap_err();
    assert!(matches!(refused("a:b.c"), RegisterError::Duplicate { .. }));
    assert!(matches!(refused("nonsense"), RegisterError::InvalidId(_)));
    assert_eq!(registry.len(), 1);
}

#[test]
fn two_ids_with_one_model_name_are_a_conflict() {
    let registry = Registry::new();
    registry.register(named("a:b.c")).unwrap();
    registry.register(named("a:b.c_d")).unwrap();
    let conflict = registry.register(named("a:b_c.d")).unwrap_err();
    assert!(
        matches!(conflict, RegisterError::NameConflict(_)),
        "{conflict}"
    );
    let found = registry
        .by_model_name("a_b_c")
        .map(|tool| tool.id().clone());
    assert_eq!(found.as_deref(), Some("a:b.c"));
}

#[tokio::test]
async fn a_replaced_tool_goes_on_for_who_holds_it() {
    let version = |version: &str| {
        Named(
            ToolDefinition::builder("a:b.c", "")
                .version(version)
                .build(),
        )
    };
    let registry = Registry::new();
    assert!(registry.replace(version("1")).unwrap().is_none());
    let old = registry.get("a:b.c").unwrap();
    assert!(registry.replace(version("2")).unwrap().is_some());
    let new = registry.get("a:b.c").unwrap();

    let run = async |tool: Arc<atd_registry::RegisteredTool>| {
        let args = Args::new(atd_proto::JsonText::EMPTY_OBJECT);
        let reply = tool.binding().invoke(args, &CallContext::for_test()).await;
        reply.unwrap().body().to_string()
    };
    assert_eq!(run(old).await, "\"1 for None\"");
    assert_eq!(run(new).await, "\"2 for None\"");
}

#[test]
fn a_schema_that_cannot_be_used_is_refused_at_registration() {
    let registry = Registry::new();
    let check = |schema, expected: &str| {
        let definition = ToolDefinition::builder("a:b.c", "")
            .input_schema(schema)
            .build();
        let error = registry.register(Named(definition)).unwrap_err();
        assert!(matches!(
            error,
            RegisterError::Schema {
                which: "input_schema",
                ..
            }
        ));
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(json!({"type": "nonsense"}), "nonsense");
    check(
        json!({"$ref": "https://example.com/schema.json"}),
        "example.com",
    );
    check(json!({"pattern": "("}), "(");
    check(json!(7), "7");
    assert!(registry.is_empty());
}

#[tokio::test]
async fn changes_are_told() {
    let registry = Registry::new();
    let mut changes = registry.changes();
    registry.register(named("a:b.c")).unwrap();
    changes.changed().await.unwrap();
    assert_eq!(*changes.borrow_and_update(), 1);
    let _ = registry.register(named("a:b.c"));
    assert!(!changes.has_changed().unwrap());
}

#[test]
fn suggestions_name_what_was_meant_and_never_a_hidden_tool() {
    let registry = Registry::new();
    registry.register(named("ref:fs.read")).unwrap();
    registry.register(named("ref:web.fetch")).unwrap();
    let hidden = ToolDefinition::builder("ref:fs.reap", "")
        .visibility(Visibility::Hidden)
        .build();
    registry.register(Named(hidden)).unwrap();
    let suggest = |id: &str| {
        let ids = registry.suggestions(id);
        ids.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(suggest("ref:fs.raed"), ["ref:fs.read"]);
    assert_eq!(suggest("ref_fs_read"), ["ref:fs.read"]);
    assert!(!suggest("ref_fs_reap").contains(&"ref:fs.reap".to_owned()));
    assert!(suggest("something else entirely").is_empty());
    assert!(suggest(&"x".repeat(1 << 20)).is_empty());
}

#[test]
fn readers_see_whole_tools_while_others_change_the_registry() {
    let registry = Registry::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let registry = &registry;
            scope.spawn(move || {
                for n in 0..50 {
                    let id = format!("w{writer}:n.n{n}");
                    registry.register(named(&id)).unwrap();
                    assert!(listed(registry).contains(&id), "a stale catalog was kept");
                    if n % 2 == 0 {
                        registry.remove(&id).unwrap();
                        assert!(!listed(registry).contains(&id));
                    }
                }
            });
        }
    });
    assert_eq!(listed(&registry).len(), 100);
}

#[test]
fn a_closure_becomes_a_tool_with_its_arguments_schema() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Read {
        path: String,
        limit: Option<u32>,
    }
    let tool = tool_fn("demo:fs.read", "Reads", |_: Read, _| async { Ok(()) })
        .define(|definition| definition.requires(["read"]));
    let definition = tool.definition();
    assert_eq!(definition.input_schema["required"], json!(["path"]));
    assert_eq!(definition.required_capabilities.to_string(), "read");
}
