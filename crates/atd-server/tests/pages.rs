//! Results that come in pages.

mod support;

use std::sync::Arc;
use std::time::Duration;

use atd_audit::{CallEvent, MemoryAuditSink, Outcome};
use atd_gate::Gate;
use atd_proto::{ErrorCode, Request, Response, RunToolContinue, ToolResult};
use atd_registry::{Registry, Reply, ToolCallError, tool_fn};
use atd_server::{CursorKey, Server, ServerBuilder, Session};
use serde_json::{Value, json};
use support::*;

const TOOL: &str = "test:pages.count";

/// A server whose tool counts to `to`, three numbers a page, and holds
/// `read` against its callers.
fn paging(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> (Server, Arc<MemoryAuditSink>) {
    let registry = Registry::new();
    let count = tool_fn(TOOL, "", |count: Count, ctx| async move {
        let from = ctx.page_state().map(|state| state.try_into().unwrap());
        let from = from.map_or(1, u32::from_be_bytes);
        if from > 100 {
            return Err(ToolCallError::failed("TOO_FAR", "a hundred is enough"));
        }
        let last = count.count.min(from + 2);
        let numbers: Vec<u32> = (from..=last).collect();
        if last < count.count {
            Reply::page(&numbers, (last + 1).to_be_bytes().to_vec())
        } else {
            Reply::json(&numbers)
        }
    })
    .define(|definition| definition.requires(["read"]));
    registry.register(count).unwrap();
    let long = tool_fn("test:pages.long", "", |(): (), _| async {
        Reply::page(&1, vec![0; 300_000])
    });
    registry.register(long).unwrap();
    let audit = Arc::new(MemoryAuditSink::new());
    let builder = Server::builder(registry)
        .gate(Gate::builder().allow(["read"]).build())
        .audit(audit.clone());
    (change(builder).build().unwrap(), audit)
}

async fn reader(server: &Server, client_id: &str) -> Session {
    let mut session = anonymous(server);
    hello(server, &mut session, client_id).await;
    session
}

async fn first(server: &Server, session: &Session, count: u32) -> ToolResult {
    page(run(server, session, call(TOOL, json!({"count": count}))).await)
}

async fn next(server: &Server, session: &Session, tool_id: &str, cursor: &str) -> Response {
    let next = RunToolContinue {
        tool_id: tool_id.to_owned(),
        cursor: cursor.to_owned(),
        traceparent: None,
    };
    server.dispatcher().run_tool_continue(session, next).await
}

fn page(response: Response) -> ToolResult {
    match response {
        Response::ToolResult(page) if page.success => page,
        other => panic!("{other:?} is no page"),
    }
}

fn numbers(page: &ToolResult) -> Vec<u32> {
    page.result.to_value().unwrap()
}

fn pages(events: &[CallEvent]) -> Vec<Option<u32>> {
    events.iter().map(|event| event.cursor_page).collect()
}

#[tokio::test]
async fn pages_follow_one_another_to_the_last_and_are_recorded_by_number() {
    let (server, audit) = paging(|builder| builder);
    let session = reader(&server, "a").await;
    let mut page_now = first(&server, &session, 8).await;
    let mut all = numbers(&page_now);
    while let Some(cursor) = page_now.next_cursor {
        page_now = page(next(&server, &session, TOOL, &cursor).await);
        all.extend(numbers(&page_now));
    }
    assert_eq!(all, [1, 2, 3, 4, 5, 6, 7, 8]);
    let one = first(&server, &session, 2).await;
    assert_eq!(one.next_cursor, None);
    assert_eq!(pages(&audit.events()), [Some(1), Some(2), Some(3), None]);
    let success = |event: &CallEvent| event.outcome == Outcome::Success;
    assert!(audit.events().iter().all(success));
}

/// C2: the same cursor brings the same page again, until it expires.
#[tokio::test(start_paused = true)]
async fn a_cursor_may_be_used_again_until_it_expires() {
    let (server, audit) = paging(|builder| builder.cursor_lifetime(Duration::from_secs(60)));
    let session = reader(&server, "a").await;
    let cursor = first(&server, &session, 9).await.next_cursor.unwrap();
    for _ in 0..2 {
        let again = page(next(&server, &session, TOOL, &cursor).await);
        assert_eq!(numbers(&again), [4, 5, 6]);
    }
    tokio::time::advance(Duration::from_secs(61)).await;
    let (code, body) = error(next(&server, &session, TOOL, &cursor).await);
    assert_eq!(code, ErrorCode::CURSOR_EXPIRED);
    assert!(body.message.contains("run_tool"), "{}", body.message);
    let last = audit.events().pop().unwrap();
    assert_eq!(last.outcome, failed("CURSOR_EXPIRED", false));
}

/// C2: another tool, caller or server; forged; after losing the capability.
#[tokio::test]
async fn a_cursor_is_refused_wherever_it_does_not_belong() {
    let (server, audit) = paging(|builder| builder);
    let session = reader(&server, "a").await;
    let cursor = first(&server, &session, 9).await.next_cursor.unwrap();

    let other = reader(&server, "b").await;
    let nobody = anonymous(&server);
    for (session, tool, cursor) in [
        (&session, "test:pages.long", cursor.as_str()),
        (&other, TOOL, cursor.as_str()),
        (&nobody, TOOL, cursor.as_str()),
        (&session, TOOL, "forged"),
        (&session, TOOL, ""),
    ] {
        let (code, _) = error(next(&server, session, tool, cursor).await);
        assert_eq!(code, ErrorCode::CURSOR_INVALID);
    }
    let (restarted, _) = paging(|builder| builder);
    let same = reader(&restarted, "a").await;
    let (code, _) = error(next(&restarted, &same, TOOL, &cursor).await);
    assert_eq!(code, ErrorCode::CURSOR_EXPIRED);

    // The same caller, who no longer holds what the tool requires.
    let mut lost = anonymous(&server);
    let hello = Request::Hello(atd_proto::Hello {
        client_id: Some("a".into()),
        ..atd_proto::Hello::default()
    });
    server.dispatcher().handle(&mut lost, hello).await;
    let (code, _) = error(next(&server, &lost, TOOL, &cursor).await);
    assert_eq!(code, ErrorCode::CAPABILITY_DENIED);

    let (code, _) = error(next(&server, &session, "test:no.such", &cursor).await);
    assert_eq!(code, ErrorCode::TOOL_NOT_FOUND);
    assert_eq!(audit.events().len(), 8, "one for each");
    assert_eq!(audit.events()[6].cursor_page, Some(2));
}

#[tokio::test]
async fn instances_that_share_a_key_take_one_anothers_cursors() {
    let digits = "8c1f2e3d4a5b69788796a5b4c3d2e1f0f1e2d3c4b5a6978869785a4b3c2d1e0f";
    let [(one, _), (other, _)] = [(); 2]
        .map(|()| paging(|builder| builder.cursor_key(CursorKey::from_hex(digits).unwrap())));
    let cursor = first(&one, &reader(&one, "a").await, 9).await.next_cursor;
    let session = reader(&other, "a").await;
    let second = page(next(&other, &session, TOOL, &cursor.unwrap()).await);
    assert_eq!(numbers(&second), [4, 5, 6]);
}

/// Limits are checked again on each page.
#[tokio::test]
async fn a_page_counts_as_a_call_of_its_tool() {
    let registry = Registry::new();
    let tool = tool_fn(TOOL, "", |(): (), _| async { Reply::page(&1, vec![1]) })
        .define(|definition| definition.rate_limit_per_min(2));
    registry.register(tool).unwrap();
    let server = Server::builder(registry).build().unwrap();
    let session = anonymous(&server);
    let cursor = page(run(&server, &session, call(TOOL, json!(null))).await).next_cursor;
    let second = page(next(&server, &session, TOOL, &cursor.unwrap()).await);
    let (code, _) = error(next(&server, &session, TOOL, &second.next_cursor.unwrap()).await);
    assert_eq!(code, ErrorCode::RATE_LIMITED);
}

#[tokio::test]
async fn a_page_that_fails_is_recorded_with_its_number() {
    let (server, audit) = paging(|builder| builder);
    let session = reader(&server, "a").await;
    let mut cursor = first(&server, &session, 200).await.next_cursor.unwrap();
    let failed_so = loop {
        match next(&server, &session, TOOL, &cursor).await {
            Response::ToolResult(page) if page.success => cursor = page.next_cursor.unwrap(),
            other => break failure(other),
        }
    };
    assert_eq!(failed_so.code, "TOO_FAR");
    assert_eq!(audit.events().pop().unwrap().cursor_page, Some(35));
}

#[tokio::test]
async fn a_state_that_does_not_fit_a_cursor_is_a_failure_of_the_call() {
    let (server, _) = paging(|builder| builder);
    let long = run(
        &server,
        &anonymous(&server),
        call("test:pages.long", Value::Null),
    )
    .await;
    assert_eq!(failure(long).code, "PAGE_STATE_TOO_LONG");
}

/// Neither what a tool goes on from nor the arguments can be read in a cursor.
#[tokio::test]
async fn a_cursor_says_nothing_to_who_holds_it() {
    let registry = Registry::new();
    let tool = tool_fn(TOOL, "", |_: Value, _| async {
        Reply::page(&1, "canary-state")
    });
    registry.register(tool).unwrap();
    let server = Server::builder(registry).build().unwrap();
    let asked = call(TOOL, json!({"secret": "canary-args"}));
    let answer = page(run(&server, &anonymous(&server), asked).await);
    let cursor = answer.next_cursor.unwrap();
    let bytes = data_encoding::BASE64URL_NOPAD.decode(cursor.as_bytes());
    let bytes = bytes.unwrap();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(!holds("canary") && !holds(TOOL) && !cursor.contains("canary"));
}
