//! Files that take longer than the call has.

use std::fs;
use std::path::Path;
use std::time::Duration;

use atd_registry::CallContext;
use serde_json::json;

use crate::support::{Place, code, with};

const TEN_GB: u64 = 10_000_000_000;

/// T2: a sparse file of 10 GB, whose one line is cut and not counted to its
/// end.
#[tokio::test]
async fn a_file_of_ten_gigabytes_is_answered_by_the_deadline() {
    let place = Place::new();
    place.sparse("f", TEN_GB);
    let setup = with(Duration::from_secs(2));
    let ctx = CallContext::new(setup.clone());
    let page = place.read_in(json!({"path": "f"}), setup).await.unwrap();
    assert!(!ctx.time_left().is_zero());
    assert_eq!(page["line_count"], 1);
    assert_eq!(page["total_lines"], 1);
    assert_eq!(page["truncated"], true);
    assert_eq!(page["total_is_minimum"], true);
}

/// T2: a line that is so far away that nobody can wait for it.
#[tokio::test]
async fn a_line_beyond_the_deadline_is_a_failure_by_the_deadline() {
    let place = Place::new();
    place.sparse("f", 1000 * TEN_GB);
    let setup = with(Duration::from_secs(2));
    let ctx = CallContext::new(setup.clone());
    let result = place
        .read_in(json!({"path": "f", "offset": 2}), setup)
        .await;
    assert!(!ctx.time_left().is_zero());
    assert_eq!(code(result), "TOO_FAR");
}

#[tokio::test]
async fn lines_are_counted_for_a_while_after_the_page() {
    let place = Place::new();
    // 256 MiB and the 64 KiB that are read at a time: from here on, not all.
    for (length, all) in [(256 << 20, true), ((256 << 20) + (65 << 10), false)] {
        let path = place.file("f", "one\n");
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(4 + length).unwrap();
        let page = place.read(json!({"path": "f", "limit": 1})).await.unwrap();
        assert_eq!(page["total_lines"], 2);
        assert_eq!(page["truncated"], true);
        assert_eq!(page.get("total_is_minimum").is_none(), all, "{length}");
    }
}

#[tokio::test]
async fn a_call_without_time_is_given_up() {
    let place = Place::new();
    place.sparse("f", TEN_GB);
    for offset in [1, 2] {
        let args = json!({"path": "f", "offset": offset});
        let result = place.read_in(args, with(Duration::ZERO)).await;
        assert_eq!(code(result), "TOO_FAR");
    }
}

#[tokio::test]
async fn reading_stops_when_the_call_has_ended() {
    let place = Place::new();
    let file = place.sparse("f", 1000 * TEN_GB);
    let ctx = CallContext::new(with(Duration::from_secs(3600)));
    let call = place.read_as(json!({"path": "f", "offset": 2}), &ctx);
    let end = async {
        wait_until_open(&file).await;
        ctx.end();
    };
    let (result, ()) = tokio::join!(call, end);
    assert_eq!(code(result), "TOO_FAR");
}

#[tokio::test]
async fn reading_stops_when_nobody_waits_for_it() {
    let place = Place::new();
    let file = place.sparse("f", 1000 * TEN_GB);
    let ctx = CallContext::new(with(Duration::from_secs(3600)));
    tokio::select! {
        biased;
        result = place.read_as(json!({"path": "f", "offset": 2}), &ctx) => {
            panic!("reading has come to an end: {result:?}");
        }
        () = wait_until_open(&file) => {}
    }
    assert_eq!(place.registry.blocking().stats().abandoned, 1);
    ctx.end();
    while place.registry.blocking().stats().abandoned > 0 {
        tokio::task::yield_now().await;
    }
}

/// Waits until this process has the file open, where the system can tell.
async fn wait_until_open(path: &Path) {
    while cfg!(target_os = "linux") && !is_open(path) {
        tokio::task::yield_now().await;
    }
}

fn is_open(path: &Path) -> bool {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().flatten();
    descriptors
        .map(|descriptor| fs::read_link(descriptor.path()))
        .any(|open| open.is_ok_and(|open| open == path))
}
