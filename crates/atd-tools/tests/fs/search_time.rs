//! Searches that take longer than the call has.

use std::fs;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use atd_registry::{CallContext, ToolCallError};
use serde_json::{Value, json};

use crate::search::{Pages, told};
use crate::support::{Place, code, read, registry_at, with};

const TOOLS: [&str; 2] = ["ref:fs.glob", "ref:fs.grep"];

/// Longer than anybody wants to wait, so that a pause of the machine is none of
/// the call's.
const LONG: Duration = Duration::from_secs(600);

/// T2: a FIFO without a writer, a socket and a sparse file of 10 GB.
#[tokio::test]
async fn what_has_no_end_is_answered_by_the_deadline() {
    let place = Place::new();
    place.file("a", "x\n");
    place.sparse("sparse", 10_000_000_000);
    place.file("z", "x\n");
    let _listener = UnixListener::bind(place.root().join("socket")).unwrap();
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, Mode, mkfifoat};
        mkfifoat(CWD, place.root().join("fifo"), Mode::RWXU).unwrap();
        let refused = Pages::of(
            &place,
            "ref:fs.grep",
            json!({"pattern": "x", "path": "fifo"}),
        );
        assert_eq!(code({ refused }.next_in(with(LONG)).await), "NOT_A_FILE");
    }
    let setup = with(LONG);
    let ctx = CallContext::new(setup.clone());
    let mut pages = Pages::of(&place, "ref:fs.grep", json!({"pattern": "x"}));
    let page = pages.next_in(setup).await.unwrap();
    assert!(!ctx.time_left().is_zero());
    let found: Vec<String> = page["matches"]
        .as_array()
        .unwrap()
        .iter()
        .map(told)
        .collect();
    assert_eq!(found, ["a:1:x", "z:1:x"]);

    let mut pages = Pages::of(&place, "ref:fs.glob", json!({"pattern": "*"}));
    let page = pages.next_in(with(LONG)).await.unwrap();
    assert_eq!(page["files"], json!(["a", "sparse", "z"]));
}

/// T2: `/dev/zero`.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn devices_are_passed_over() {
    let devices = registry_at("/dev").get("ref:fs.grep").unwrap();
    let args = json!({"pattern": "x", "path": "zero"});
    let refused = read(&devices, args, &CallContext::for_test()).await;
    assert_eq!(code(refused), "NOT_A_FILE");
    let ctx = CallContext::new(with(LONG));
    let args = json!({"pattern": "x", "glob": "{zero,null,full,random,tty*}"});
    read(&devices, args, &ctx).await.unwrap();
    assert!(!ctx.time_left().is_zero());
}

#[tokio::test]
async fn a_call_without_time_is_given_up() {
    let place = Place::new();
    place.file("f", "x\n");
    for id in TOOLS {
        let mut pages = Pages::of(&place, id, json!({"pattern": "x"}));
        let given_up = pages.next_in(with(Duration::ZERO)).await;
        assert_eq!(code(given_up), "TOO_SLOW", "{id}");
    }
}

/// All pages, each in as little time as leads on.
async fn in_little_time(
    place: &Place,
    id: &'static str,
    args: Value,
    field: &str,
) -> (Vec<Value>, Vec<Value>, u32) {
    let mut pages = Pages::of(place, id, args);
    let mut time = Duration::from_micros(200);
    let (mut all, mut unfinished, mut count) = (Vec::new(), Vec::new(), 0);
    while !pages.is_at_end {
        match pages.next_in(with(time)).await {
            Ok(page) => {
                count += 1;
                all.extend(page[field].as_array().unwrap().clone());
                unfinished.extend(page["unfinished"].as_array().cloned().unwrap_or_default());
            }
            Err(ToolCallError::ExecutionFailed {
                code, retryable, ..
            }) => {
                assert_eq!((code.as_str(), retryable), ("TOO_SLOW", true));
                time *= 2;
            }
            Err(other) => panic!("{other}"),
        }
    }
    (all, unfinished, count)
}

#[tokio::test]
async fn what_is_not_come_to_in_time_is_on_the_next_page() {
    let place = Place::new();
    let mut files: Vec<String> = Vec::new();
    for directory in 0..20 {
        for file in 0..50 {
            let name = format!("d{directory:02}/sub/f{file:02}");
            place.file(&name, "no\nx\n");
            files.push(name);
        }
    }
    let args = json!({"pattern": "**", "limit": 10_000});
    let (found, _, pages) = in_little_time(&place, "ref:fs.glob", args, "files").await;
    assert!(
        found == files,
        "in {pages} pages, {} of {}",
        found.len(),
        files.len()
    );
    let args = json!({"pattern": "x", "limit": 1_000});
    let (found, unfinished, pages) = in_little_time(&place, "ref:fs.grep", args, "matches").await;
    let found: Vec<String> = found.iter().map(told).collect();
    let lines = files.iter().map(|file| format!("{file}:2:x"));
    let right = known(lines, &found, &unfinished);
    let (has, should) = (found.len(), right.len());
    assert!(found == right, "in {pages} pages, {has} of {should}");
}

/// Those of the lines, one in each file, that should be found. A file that is not
/// known to have ended may have been searched to its line.
fn known(
    lines: impl Iterator<Item = String>,
    found: &[String],
    unfinished: &[Value],
) -> Vec<String> {
    let file_of = |line: &str| line.split(':').next().map(str::to_owned);
    let has_ended = |line: &String| {
        !unfinished
            .iter()
            .any(|it| it.as_str() == file_of(line).as_deref())
    };
    lines
        .filter(|line| found.contains(line) || has_ended(line))
        .collect()
}

/// A file for which no call has time enough is told, and the rest is searched.
#[tokio::test]
async fn a_file_that_is_too_long_for_a_call_is_told() {
    let place = Place::new();
    place.file("a", "x\n");
    let long = place.file("b", "");
    let mut line = vec![b'y'; 1 << 20];
    line.push(b'\n');
    let mut content = Vec::new();
    for _ in 0..200 {
        content.extend_from_slice(&line);
    }
    fs::write(long, content).unwrap();
    place.file("c", "x\n");
    let (found, unfinished, _) =
        in_little_time(&place, "ref:fs.grep", json!({"pattern": "x"}), "matches").await;
    let found: Vec<String> = found.iter().map(told).collect();
    let lines = ["a:1:x", "c:1:x"].map(str::to_owned).into_iter();
    assert_eq!(found, known(lines, &found, &unfinished), "{unfinished:?}");
}

/// No call ends a search within a line, and this one would go on for an hour.
#[tokio::test]
async fn a_line_that_is_too_long_for_an_expression_is_told() {
    let place = Place::new();
    place.file("a", "c\n");
    place.file("b", "ab".repeat(1 << 20));
    place.file("c", "abc\n");
    let args = json!({"pattern": "([ab]{1,300}){30}c|^c"});
    let ctx = CallContext::for_test();
    let found = place.call("ref:fs.grep", args, &ctx).await.unwrap();
    assert_eq!(found["unfinished"], json!(["b"]));
    assert_eq!(found["matches"][0]["path"], "a");
    // Others are searched for in lines that are as long.
    let args = json!({"pattern": "^[a-b]+$"});
    let ctx = CallContext::for_test();
    let found = place.call("ref:fs.grep", args, &ctx).await.unwrap();
    assert_eq!(found["unfinished"], Value::Null);
    assert_eq!(found["matches"][0]["path"], "b");
}

#[tokio::test]
async fn a_search_stops_when_the_call_has_ended() {
    let place = Place::new();
    place.file("f", "x\n");
    for id in TOOLS {
        let ctx = CallContext::for_test();
        ctx.end();
        let stopped = place.call(id, json!({"pattern": "x"}), &ctx).await;
        assert_eq!(code(stopped), "TOO_SLOW", "{id}");
    }
}
