//! Results that come in pages.

use std::num::NonZeroU32;

use atd_client::{CallAllOptions, ClientError, MergePolicy};
use atd_proto::{JsonText, Request};

use crate::support::{Peer, pair};

/// Serves these pages to one call.
async fn serves(peer: &mut Peer, pages: &[&str]) {
    for (n, page) in pages.iter().enumerate() {
        match peer.hears().await {
            Request::RunTool(_) => assert_eq!(n, 0),
            Request::RunToolContinue(next) => assert_eq!(next.cursor, format!("after {n}")),
            other => panic!("{other:?} asks for no page"),
        }
        let next = match n + 1 < pages.len() {
            true => format!(r#","next_cursor":"after {}""#, n + 1),
            false => String::new(),
        };
        let answer = r#"{"type":"tool_result","tool_id":"a:b.c","success":true,"result":"#;
        peer.says(&format!("{answer}{page}{next}}}")).await;
    }
}

async fn all(options: CallAllOptions, pages: &[&str]) -> Result<JsonText, ClientError> {
    let (client, mut peer) = pair().await;
    tokio::select! {
        all = client.call_all("a:b.c", &1, options) => all,
        () = async {
            serves(&mut peer, pages).await;
            std::future::pending::<()>().await;
        } => unreachable!(),
    }
}

#[tokio::test]
async fn pages_become_one_result() {
    let check = async |merge: MergePolicy, pages: &[&str], expected: &str| {
        let whole = all(CallAllOptions::new(merge), pages).await.unwrap();
        assert_eq!(whole.to_string(), expected);
    };
    let arrays = || MergePolicy::ConcatArray;
    check(
        arrays(),
        &["[1, 2]", "[]", "[1e999,{\"b\": 4}]"],
        "[1,2,1e999,{\"b\": 4}]",
    )
    .await;
    check(arrays(), &["[]"], "[]").await;
    let items = || MergePolicy::ConcatField("items".to_owned());
    check(
        items(),
        &[
            r#"{"total": 3, "items": [1], "x": {"items": 7}}"#,
            r#"{"items": [2, 3], "total": 99}"#,
        ],
        r#"{"total":3,"items":[1,2,3],"x":{"items": 7}}"#,
    )
    .await;
    let first = || MergePolicy::FirstPageOnly;
    check(first(), &["\"one\"", "\"two\""], "\"one\"").await;
}

#[tokio::test]
async fn a_page_of_another_shape_is_named() {
    let check = async |merge: MergePolicy, pages: &[&str], number: u32, says: &str| {
        let error = all(CallAllOptions::new(merge), pages).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(matches!(error, ClientError::PageShape { page, .. } if page == number));
    };
    check(MergePolicy::ConcatArray, &["[1]", "{}"], 2, "an array").await;
    let items = || MergePolicy::ConcatField("items".to_owned());
    for page in ["[]", "{}", r#"{"items": {}}"#] {
        check(items(), &[page], 1, "an array in `items`").await;
    }
}

#[tokio::test]
async fn a_tool_that_has_no_end_meets_a_limit() {
    let pages = ["[1]"; 5];
    let three =
        CallAllOptions::new(MergePolicy::ConcatArray).max_pages(NonZeroU32::new(3).unwrap());
    let error = all(three, &pages).await.unwrap_err();
    let ClientError::TooManyPages {
        pages: 3,
        bytes: 9,
        next_cursor,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(next_cursor.as_deref(), Some("after 3"));
    let short = CallAllOptions::new(MergePolicy::ConcatArray).max_total_bytes(5);
    let error = all(short, &pages).await.unwrap_err();
    assert!(
        matches!(error, ClientError::TooManyPages { pages: 2, .. }),
        "{error:?}"
    );
}
