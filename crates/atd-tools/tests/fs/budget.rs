//! No answer is longer than the call allows.

use atd_registry::CallSetup;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::lines::shown_texts;
use crate::support::{Place, code, runtime};

const CUT: &str = " … [line cut]";

fn within(budget: usize) -> CallSetup {
    let mut setup = CallSetup::for_test();
    setup.output_budget = budget;
    setup
}

/// D3: an output over the budget is a marked truncation.
#[tokio::test]
async fn a_page_ends_before_the_line_that_does_not_fit() {
    let place = Place::new();
    place.file("f", "0123456789\n".repeat(100));
    let page = place.read_in(json!({"path": "f"}), within(400)).await;
    let page = page.unwrap();
    let count = page["line_count"].as_u64().unwrap();
    assert!((2..100).contains(&count), "{page}");
    assert_eq!(shown_texts(&page), vec!["0123456789"; count as usize]);
    assert_eq!(page["truncated"], true);
    assert_eq!(page["total_lines"], 100);
}

/// D3: an output over the budget is a marked truncation.
#[tokio::test]
async fn a_line_that_is_too_long_is_cut_between_characters() {
    let place = Place::new();
    let check = async |text: &str| {
        place.file("f", format!("{}\nnext\n", text.repeat(2000)));
        // Every budget of a range, so that the cut falls on every byte.
        for budget in 300..330 {
            let page = place.read_in(json!({"path": "f"}), within(budget)).await;
            let page = page.unwrap();
            assert_eq!(page["line_count"], 1);
            assert_eq!(page["total_lines"], 2);
            assert_eq!(page["truncated"], true);
            let shown = shown_texts(&page)[0].strip_suffix(CUT).unwrap();
            assert!(!shown.is_empty() && text.repeat(2000).starts_with(shown));
            let unused = budget - page.to_string().len();
            assert!(unused < 70, "{unused} bytes of {budget} are left");
        }
        let args = json!({"path": "f", "offset": 2});
        let page = place.read_in(args, within(300)).await.unwrap();
        assert_eq!(shown_texts(&page), ["next"]);
        assert_eq!(page["truncated"], false);
    };
    check("a").await;
    check("é").await;
    check("😀").await;
    check("\"\\").await;
    check("\0").await;
}

#[tokio::test]
async fn a_cut_last_line_is_truncated_too() {
    let place = Place::new();
    place.file("f", "x".repeat(2000));
    let page = place.read_in(json!({"path": "f"}), within(300)).await;
    let page = page.unwrap();
    assert_eq!(page["total_lines"], 1);
    assert_eq!(page["truncated"], true);
}

#[tokio::test]
async fn a_budget_for_not_one_line_is_a_failure() {
    let place = Place::new();
    place.file("f", "x".repeat(2000));
    place.file("empty", "");
    let (mut failures, mut pages) = (0, 0);
    for budget in 0..300 {
        match place.read_in(json!({"path": "f"}), within(budget)).await {
            Ok(page) => pages += page["line_count"].as_u64().unwrap(),
            error => {
                assert_eq!(code(error), "NO_ROOM");
                assert_eq!(pages, 0, "what fits into less fits into {budget}");
                failures += 1;
            }
        }
    }
    assert!(failures > 0 && pages > 0);
    let empty = place.read_in(json!({"path": "empty"}), within(200)).await;
    assert_eq!(empty.unwrap()["content"], "");
}

/// The lines of `bytes`, found in another way than the tool does.
fn lines_of(bytes: &[u8]) -> Vec<String> {
    let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for line in &mut lines {
        *line = line
            .strip_suffix(b"\r\n")
            .or(line.strip_suffix(b"\n"))
            .unwrap_or(line);
    }
    lines
        .into_iter()
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

/// Checks a page of a file with these lines, and says where the next begins.
fn check_page(page: &Value, lines: &[String], offset: usize, limit: usize) -> Option<usize> {
    assert_eq!(page["total_lines"], lines.len());
    let count = page["line_count"].as_u64().unwrap() as usize;
    assert!(count <= limit && (count > 0 || offset > lines.len()));
    let content = page["content"].as_str().unwrap();
    let shown: Vec<_> = content.split('\n').take(count).collect();
    for (number, shown) in (offset..).zip(shown) {
        let (shown_number, text) = shown.split_once('\t').unwrap();
        assert_eq!(shown_number, format!("{number:>6}"));
        let whole = lines[number - 1].as_str();
        if text != whole {
            assert!(count == 1 && page["truncated"] == true);
            assert!(whole.starts_with(text.strip_suffix(CUT).unwrap()));
        }
    }
    let next = offset + count;
    assert!(page["truncated"] == true || next > lines.len());
    (next <= lines.len()).then_some(next)
}

/// D3: whatever a file holds, and however little of it fits.
#[test]
fn pages_put_together_are_the_file() {
    let place = Place::new();
    let runtime = runtime();
    let piece = prop::sample::select(vec![
        &b"a"[..],
        b"word ",
        b"\n",
        b"\r\n",
        b"\r",
        b"\"",
        b"\\",
        b"\t",
        b"\0",
        b"\x7f",
        "é".as_bytes(),
        "😀".as_bytes(),
        b"\xff",
        b"\xe2\x82",
        b"\xf0\x9f",
    ]);
    let file = prop::collection::vec((piece, 1..20_usize), 0..60).prop_map(|pieces| {
        let repeated = pieces.into_iter().map(|(piece, times)| piece.repeat(times));
        repeated.collect::<Vec<_>>().concat()
    });
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(500)
    };
    TestRunner::new(config)
        .run(
            &(file, 1..40_usize, 200..1500_usize),
            |(file, limit, budget)| {
                place.file("f", &file);
                let lines = lines_of(&file);
                let mut offset = Some(1);
                while let Some(from) = offset {
                    let args = json!({"path": "f", "offset": from, "limit": limit});
                    let page = runtime.block_on(place.read_in(args, within(budget)));
                    offset = check_page(&page.unwrap(), &lines, from, limit);
                }
                Ok(())
            },
        )
        .unwrap();
}
