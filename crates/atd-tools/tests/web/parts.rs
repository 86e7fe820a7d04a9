//! A document that is longer than the result may be comes in parts.

use atd_registry::{CallSetup, RegisteredTool, ToolCallError};
use serde_json::{Value, json};

use crate::support::{Server, fetch, fetch_in, ok, open_to, tool};

fn within(budget: usize) -> CallSetup {
    let mut setup = CallSetup::for_test();
    setup.output_budget = budget;
    setup
}

/// Reads to the end, each part from where the one before says.
async fn read_all(tool: &RegisteredTool, args: &Value, budget: usize) -> (String, usize) {
    let (mut text, mut parts) = (String::new(), 0);
    let mut args = args.clone();
    loop {
        let page = fetch_in(tool, args.clone(), within(budget)).await.unwrap();
        text.push_str(page["content"].as_str().unwrap());
        parts += 1;
        assert_eq!(page["truncated"] == true, page.get("next_offset").is_some());
        match page.get("next_offset") {
            Some(next) => {
                assert_eq!(*next, text.chars().count());
                args["offset"] = next.clone();
            }
            None => {
                assert_eq!(page["total_chars"], text.chars().count());
                return (text, parts);
            }
        }
    }
}

/// D3: an output over the budget is a marked truncation.
#[tokio::test]
async fn parts_put_together_are_the_document() {
    let text = "plain \"quoted\" \\ é 😀 \u{1} \u{7f}\ttab\r\nline ".repeat(50);
    let server = Server::saying(ok("text/plain; charset=utf-8", &text)).await;
    let tool = tool(open_to(&[&server]));
    let url = server.url("/");
    for budget in [200, 201, 202, 203, 204, 205, 206, 207, 300, 1 << 20] {
        let (read, parts) = read_all(&tool, &json!({"url": url}), budget).await;
        assert_eq!(read, text);
        assert_eq!(parts > 1, budget < 2000, "{budget}");
    }
    let args = json!({"url": url, "max_chars": 100});
    let (read, parts) = read_all(&tool, &args, 1 << 20).await;
    assert_eq!(read, text);
    assert_eq!(parts, text.chars().count().div_ceil(100));
}

#[tokio::test]
async fn a_part_beyond_the_end_is_empty() {
    let server = Server::saying(ok("text/plain", "four")).await;
    let tool = tool(open_to(&[&server]));
    for offset in [4, 5, u64::MAX] {
        let args = json!({"url": server.url("/"), "offset": offset});
        let page = fetch(&tool, args).await.unwrap();
        assert_eq!(page["content"], "");
        assert_eq!(page["total_chars"], 4);
        assert_eq!(page["truncated"], false);
    }
}

/// D3
#[tokio::test]
async fn a_budget_for_not_one_character_is_a_failure() {
    let server = Server::saying(ok("text/plain", "\u{1}\u{1}")).await;
    let tool = tool(open_to(&[&server]));
    let (mut failures, mut pages) = (0, 0);
    for budget in 0..250 {
        let result = fetch_in(&tool, json!({"url": server.url("/")}), within(budget)).await;
        match result {
            Ok(page) => pages += page["content"].as_str().unwrap().len(),
            Err(ToolCallError::ExecutionFailed { code, .. }) => {
                assert_eq!(code, "NO_ROOM");
                assert_eq!(pages, 0, "what fits into less fits into {budget}");
                failures += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(failures > 0 && pages > 0);
}

#[tokio::test]
async fn at_most_fifty_thousand_characters_come_unasked() {
    let server = Server::saying(ok("text/plain", "x".repeat(50_001))).await;
    let tool = tool(open_to(&[&server]));
    let page = fetch(&tool, json!({"url": server.url("/")})).await.unwrap();
    assert_eq!(page["content"].as_str().unwrap().len(), 50_000);
    assert_eq!(page["next_offset"], 50_000);
    assert_eq!(page["total_chars"], 50_001);
}
