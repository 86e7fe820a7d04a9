//! Part of the catalog.

use atd_proto::{Response, Tier, ToolDefinition, ToolFilter, ToolSummary, Visibility};
use atd_registry::{Args, Binding, CallContext, CallFuture, Registry, Reply};
use serde_json::json;

struct Nothing;

impl Binding for Nothing {
    fn invoke<'a>(&'a self, _: Args, _: &'a CallContext) -> CallFuture<'a> {
        Box::pin(async { Reply::json(&()) })
    }
}

fn registry() -> Registry {
    let registry = Registry::new();
    let read = ToolDefinition::builder("ref:fs.read", "Reads a FILE")
        .input_schema(json!({"type": "object", "title": "reading"}))
        .tier(Tier::Hot);
    let write = ToolDefinition::builder("ref:fs.write", "Writes a file")
        .tags(["Editing"])
        .visibility(Visibility::Write);
    let fetch = ToolDefinition::builder("web:http.get", "Reads a page");
    let secret = ToolDefinition::builder("ref:fs.secret", "Reads a file nobody lists")
        .visibility(Visibility::Hidden);
    for definition in [write, read, secret, fetch] {
        let mut definition = definition.build();
        let (_, rest) = definition.id.split_once(':').unwrap();
        definition.capability.domain = rest.split_once('.').unwrap().0.to_owned();
        registry.register_binding(definition, Nothing).unwrap();
    }
    registry
}

fn listed(registry: &Registry, filter: &ToolFilter) -> Vec<ToolSummary> {
    match Response::decode(registry.catalog_part(filter)) {
        Ok(Response::ToolList { tools }) => tools,
        other => panic!("{other:?} is no list"),
    }
}

#[test]
fn a_filter_lists_what_it_says_by_id() {
    let registry = registry();
    let check = |filter: ToolFilter, expected: &[&str]| {
        let tools = listed(&registry, &filter);
        let ids: Vec<&str> = tools.iter().map(|tool| tool.id.as_str()).collect();
        assert_eq!(ids, expected, "{filter:?}");
        // A client that has to filter for itself comes to the same.
        let mut whole = listed(&registry, &ToolFilter::default());
        whole.retain(|tool| filter.matcher().matches(tool));
        whole.truncate(filter.limit.map_or(usize::MAX, |limit| limit as usize));
        let ids: Vec<&str> = whole.iter().map(|tool| tool.id.as_str()).collect();
        assert_eq!(ids, expected, "{filter:?}");
    };
    let none = ToolFilter::default;
    let query = |query: &str| ToolFilter {
        query: Some(query.to_owned()),
        ..none()
    };
    let all = ["ref:fs.read", "ref:fs.write", "web:http.get"];
    check(none(), &all);
    check(query(""), &all);
    check(query(" \t "), &all);
    check(query("file"), &["ref:fs.read", "ref:fs.write"]);
    check(query("READS"), &["ref:fs.read", "web:http.get"]);
    check(query("reads page"), &["web:http.get"]);
    check(query("editing"), &["ref:fs.write"]);
    check(query("nobody"), &[]);
    let domain = Some("fs".to_owned());
    check(
        ToolFilter {
            domain: domain.clone(),
            ..none()
        },
        &all[..2],
    );
    check(
        ToolFilter {
            domain: Some("FS".into()),
            ..none()
        },
        &[],
    );
    check(
        ToolFilter {
            tier: Some(Tier::Hot),
            ..none()
        },
        &all[..1],
    );
    let visibility = Some(Visibility::Write);
    check(
        ToolFilter {
            visibility,
            ..none()
        },
        &all[1..2],
    );
    let visibility = Some(Visibility::Hidden);
    check(
        ToolFilter {
            visibility,
            ..none()
        },
        &[],
    );
    check(
        ToolFilter {
            limit: Some(2),
            ..none()
        },
        &all[..2],
    );
    check(
        ToolFilter {
            limit: Some(0),
            ..none()
        },
        &[],
    );
    check(
        ToolFilter {
            domain,
            limit: Some(1),
            ..query("writes")
        },
        &all[1..2],
    );
}

#[test]
fn schemas_are_left_out_on_request_and_nothing_else_is() {
    let registry = registry();
    let bare = ToolFilter {
        omit_schemas: true,
        ..ToolFilter::default()
    };
    let mut whole = listed(&registry, &ToolFilter::default());
    assert!(whole.iter().all(|tool| tool.input_schema.is_some()));
    whole.iter_mut().for_each(|tool| tool.input_schema = None);
    assert_eq!(listed(&registry, &bare), whole);
}

#[test]
fn a_filter_sees_every_change() {
    let registry = registry();
    let fs = ToolFilter {
        domain: Some("fs".into()),
        ..ToolFilter::default()
    };
    assert_eq!(listed(&registry, &fs).len(), 2);
    registry.remove("ref:fs.read");
    assert_eq!(listed(&registry, &fs).len(), 1);
}
