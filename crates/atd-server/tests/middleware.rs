//! What stands around a tool and may say no, or say it otherwise.

mod support;

use std::sync::{Arc, Mutex};

use atd_audit::Outcome;
use atd_proto::{ErrorCode, JsonText, Progress, RunToolContinue};
use atd_registry::{Registry, Reply, ToolCallError, tool_fn};
use atd_server::{
    CallControl, CallInfo, Middleware, RedactPaths, RedactPatterns, Server, TruncateOutput,
};
use serde_json::{Value, json};
use support::*;

struct Stamp(&'static str);

impl Middleware for Stamp {
    fn result(&self, call: &CallInfo<'_>, result: JsonText) -> JsonText {
        assert!(call.tool_id != "test:ok.dry", "canary-middleware");
        JsonText::from_value(&format!("{} {result}", self.0)).unwrap()
    }

    fn error(&self, call: &CallInfo<'_>, message: String) -> String {
        assert!(call.definition.is_some(), "canary-middleware");
        format!("{} {message}", self.0)
    }
}

#[tokio::test]
async fn middleware_rewrites_in_order_and_its_panics_are_contained() {
    let (builder, audit) = builder();
    let server = builder
        .middleware(Stamp("a"))
        .middleware(Stamp("b"))
        .build()
        .unwrap();
    let session = anonymous(&server);
    let rewritten = result(run(&server, &session, call("test:ok.echo", json!(1))).await);
    assert_eq!(rewritten, "b \"a 1\"");
    let refused = error(run(&server, &session, call("test:ok.denied", json!({}))).await).1;
    assert!(refused.message.starts_with("b a "), "{}", refused.message);
    let failed_so = failure(run(&server, &session, call("test:bad.fails", json!({}))).await);
    assert_eq!(failed_so.message, "b a try later");

    let panicked = failure(run(&server, &session, call("test:ok.dry", json!({}))).await);
    assert_eq!(panicked.code, "PANICKED");
    // A message that cannot be prepared changes nothing of what became of it.
    let (code, body) = error(run(&server, &session, call("test:no.such", json!({}))).await);
    assert_eq!(code, ErrorCode::TOOL_NOT_FOUND);
    assert!(!panicked.message.contains("canary") && !body.message.contains("canary"));
    let outcomes: Vec<Outcome> = audit.events().into_iter().map(|e| e.outcome).collect();
    assert_eq!(
        outcomes[3..],
        [failed("PANICKED", false), Outcome::ToolNotFound]
    );
}

/// Lets nobody but `a` call with `{"admit": …}`.
struct Doorkeeper;

impl Middleware for Doorkeeper {
    fn before(&self, call: &CallInfo<'_>, args: &JsonText) -> Result<(), String> {
        let named = call.identity.caller_id().map(ToString::to_string);
        let admitted = args
            .to_value::<Value>()
            .is_ok_and(|args| args.get("admit").is_some());
        match named.as_deref() {
            Some("a") if admitted => Ok(()),
            other => Err(format!("canary-path refuses {other:?}")),
        }
    }
}

#[tokio::test]
async fn middleware_may_refuse_before_the_tool_runs() {
    let (builder, audit) = builder();
    let server = builder
        .middleware(Doorkeeper)
        .middleware(RedactPatterns::new(["canary-[a-z]+"], "$0").unwrap())
        .build()
        .unwrap();
    let mut session = anonymous(&server);
    // It would panic if it were entered.
    for dry_run in [false, true] {
        let mut asked = call("test:bad.panics", json!({}));
        asked.dry_run = dry_run;
        let (code, body) = error(run(&server, &session, asked).await);
        assert_eq!(code, ErrorCode::UNCLASSIFIED);
        assert_eq!(body.message, "$0 refuses None");
    }
    // Its schema comes first.
    let misfit = run(
        &server,
        &session,
        call("test:ok.typed", json!({"count": 0})),
    )
    .await;
    assert_eq!(error(misfit).0, ErrorCode::INVALID_ARGUMENTS);
    hello(&server, &mut session, "a").await;
    let admitted = call("test:ok.echo", json!({"admit": 1}));
    result(run(&server, &session, admitted).await);
    let outcomes: Vec<Outcome> = audit.events().into_iter().map(|e| e.outcome).collect();
    assert_eq!(outcomes[0], failed("REFUSED", false));
    assert_eq!(outcomes[3], Outcome::Success);
}

/// A server whose tool says a path and a key on every way out there is.
fn leaky() -> Server {
    const SAID: &str = "/srv/data/a.txt sk-12345678";
    let registry = Registry::new();
    let leak = |id: &'static str| {
        tool_fn(
            id,
            "",
            |how: String, ctx: atd_registry::CallContext| async move {
                ctx.progress().report(Progress::new(1).saying(SAID));
                match how.as_str() {
                    "result" => {
                        Reply::json(&json!({SAID: [SAID, 1.50, {"x": format!("\u{e9} {SAID}")}]}))
                    }
                    "page" => Reply::page(&SAID, SAID),
                    "failure" => Err(ToolCallError::failed("NO", SAID)),
                    "argument" => Err(ToolCallError::invalid_arg(format!("/{SAID}"), SAID)),
                    _ => panic!("{SAID}"),
                }
            },
        )
    };
    registry.register(leak("test:out.leak")).unwrap();
    Server::builder(registry)
        .middleware(RedactPaths::new([
            ("/srv/data", "data:"),
            ("/srv", "root:"),
        ]))
        .middleware(RedactPatterns::new([r"sk-\d{8}"], "[key]").unwrap())
        .build()
        .unwrap()
}

#[tokio::test]
async fn nothing_that_is_redacted_goes_out_on_any_way() {
    let server = leaky();
    let session = anonymous(&server);
    let heard = Arc::new(Mutex::new(Vec::new()));
    for how in ["result", "page", "failure", "argument", "panic"] {
        let hears = heard.clone();
        let control = CallControl::with_progress(move |progress| {
            hears.lock().unwrap().push(progress.message.unwrap());
        });
        let asked = call("test:out.leak", json!(how));
        let answer = server
            .dispatcher()
            .run_tool_with(&session, asked, &control)
            .await;
        let mut body = Vec::new();
        answer.encode(&mut body);
        let body = String::from_utf8(body).unwrap();
        assert!(
            !body.contains("/srv") && !body.contains("sk-1"),
            "{how}: {body}"
        );
        if how != "panic" {
            assert!(body.contains("data:/a.txt [key]"), "{how}: {body}");
        }
        if let atd_proto::Response::ToolResult(page) = answer
            && let Some(cursor) = page.next_cursor
        {
            let next = RunToolContinue {
                tool_id: page.tool_id,
                cursor,
                traceparent: None,
            };
            let next = server.dispatcher().run_tool_continue(&session, next).await;
            assert_eq!(result(next), "data:/a.txt [key]");
        }
    }
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 5);
    assert!(heard.iter().all(|message| message == "data:/a.txt [key]"));
}

#[test]
fn a_directory_is_hidden_where_it_is_one_and_nowhere_else() {
    let redact = RedactPaths::new([("/home/alice/", "~"), ("/", "never"), ("/home", "h:")]);
    let check = |text: &str, expected: &str| {
        let redacted = redact.redacted(text).unwrap_or_else(|| text.to_owned());
        assert_eq!(redacted, expected);
    };
    check("/home/alice", "~");
    check("/home/alice/", "~/");
    check(
        "in '/home/alice/a b', file:///home/alice/c",
        "in '~/a b', file://~/c",
    );
    check("/home/alicia /home/alice.old", "h:/alicia h:/alice.old");
    check("/mnt/home/alice", "/mnt/home/alice");
    check("\u{e9}/home/alice/\u{e9}", "\u{e9}/home/alice/\u{e9}");
    check("\u{2192}/home/alice/\u{e9}", "\u{2192}~/\u{e9}");
    check("", "");
}

#[tokio::test]
async fn long_results_are_cut_and_marked() {
    let (builder, _) = builder();
    let server = builder
        .middleware(TruncateOutput::new(1_000))
        .build()
        .unwrap();
    let session = anonymous(&server);
    let cut = async |args: Value| {
        let asked = run(&server, &session, call("test:ok.echo", args)).await;
        let text = serde_json::to_string(&result(asked)).unwrap();
        assert!(text.len() <= 1_000, "{}", text.len());
        text
    };
    assert_eq!(cut(json!("short")).await, "\"short\"");
    for long in [
        "x".repeat(5_000),
        "\u{e9}\u{1F600}".repeat(2_000),
        "\0\n\"".repeat(5_000),
    ] {
        let string = cut(json!(long)).await;
        assert!(
            string.contains(&format!("of {} bytes]", long.len())),
            "{string}"
        );
        let object = cut(json!({"long": long})).await;
        assert!(object.contains("\"truncated\":true"), "{object}");
        let object: Value = serde_json::from_str(&object).unwrap();
        let beginning = object["beginning"].as_str().unwrap();
        assert!(beginning.starts_with("{\"long\":\""), "{beginning}");
    }
}
