//! The published SDK walks the facade's example of a tool with pages.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use atd_sdk::{AtdClient, CallAllOptions, CallOptions, Endpoint, MergePolicy};
use serde_json::{Value, json};

fn all_of(pages: u32) -> CallAllOptions {
    CallAllOptions {
        max_pages: pages,
        max_total_bytes: 1 << 20,
        merge_policy: MergePolicy::ConcatArray,
    }
}

/// The example, serving on that socket, and a client of it.
async fn serve(socket: &Path) -> (Child, AtdClient) {
    let pages = std::env::var_os("ATD_PAGES_BIN")
        .expect("ATD_PAGES_BIN names the example; `cargo xtask ci --only interop` sets it");
    let mut serving = Command::new(pages)
        .arg(socket)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let said = serving.stdout.take().expect("standard output is piped");
    let mut lines = BufReader::new(said).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("listening"))));
    let client = AtdClient::connect(Endpoint::unix(socket)).await;
    (serving, client.expect("the SDK connects"))
}

#[tokio::test]
async fn the_published_sdk_walks_every_page() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let socket = folder.path().join("atd.sock");
    let (mut serving, client) = serve(&socket).await;
    let count = |to: u32| json!({"to": to});
    let walked = client
        .call_all("demo:math.count", count(95), all_of(20))
        .await;
    let expected: Value = (1..=95).collect();
    assert_eq!(walked.expect("all pages"), expected);

    let endless = client
        .call_all("demo:math.count", count(1000), all_of(3))
        .await;
    let error = format!("{:?}", endless.expect_err("the SDK's own limit"));
    assert!(error.starts_with("PaginationLimitExceeded"), "{error}");

    let page = async |cursor: Option<&str>| {
        client
            .call_page("demo:math.count", count(25), cursor, CallOptions::default())
            .await
    };
    let first = page(None).await.expect("a page");
    let cursor = first.next_cursor.expect("there is more");
    let (before, rest) = cursor.split_at(cursor.len() / 2);
    let other = if rest.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{before}{other}{}", &rest[1..]);
    for wrong in [forged, "nonsense".to_owned()] {
        let refused = format!("{:?}", page(Some(&wrong)).await.expect_err("a refusal"));
        assert!(refused.contains("1021"), "{refused}");
    }
    let second = page(Some(&cursor)).await.expect("the second page");
    let expected: Value = (11..=20).collect();
    assert_eq!(second.value, expected);

    serving.kill().expect("it ends");
    serving.wait().expect("it has ended");

    // A cursor from before a restart, where instances share no key.
    let (mut serving, client) = serve(&socket).await;
    let expired = client
        .call_page(
            "demo:math.count",
            count(25),
            Some(&cursor),
            CallOptions::default(),
        )
        .await;
    let refused = format!("{:?}", expired.expect_err("a refusal"));
    assert!(refused.contains("1020"), "{refused}");
    serving.kill().expect("it ends");
    serving.wait().expect("it has ended");
}
