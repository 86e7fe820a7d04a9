//! What counts as a line, and which of them come.

use serde_json::{Value, json};

use crate::support::Place;

#[tokio::test]
async fn lines_are_numbered_and_shown_without_their_ends() {
    let place = Place::new();
    let check = async |bytes: &[u8], content: &str, lines: u64| {
        place.file("f", bytes);
        let expected = json!({
            "path": "f",
            "content": content,
            "line_count": lines,
            "total_lines": lines,
            "truncated": false,
        });
        assert_eq!(place.read(json!({"path": "f"})).await, Ok(expected));
    };
    check(b"", "", 0).await;
    check(b"\n", "     1\t", 1).await;
    check(b"one", "     1\tone", 1).await;
    check(b"one\n", "     1\tone", 1).await;
    check(b"one\n\n", "     1\tone\n     2\t", 2).await;
    check(b"one\ntwo", "     1\tone\n     2\ttwo", 2).await;
    check(b"one\r\ntwo\r\n", "     1\tone\n     2\ttwo", 2).await;
    check(b"one\r\n\ntwo\n", "     1\tone\n     2\t\n     3\ttwo", 3).await;
    // A carriage return that ends no line is a part of it.
    check(b"a\rb\r\r\nc\r", "     1\ta\rb\r\n     2\tc\r", 2).await;
    check(b"\ttab\n", "     1\t\ttab", 1).await;
    check("é 😀\u{2028}\n".as_bytes(), "     1\té 😀\u{2028}", 1).await;
    check(b"\0\x1b\n", "     1\t\0\x1b", 1).await;
    // No UTF-8: a stray byte, a surrogate, a character cut short.
    check(b"a\xffb\n", "     1\ta\u{fffd}b", 1).await;
    check(b"\xed\xa0\x80", "     1\t\u{fffd}\u{fffd}\u{fffd}", 1).await;
    check(
        b"\xe2\x82\n\xe2\x82",
        "     1\t\u{fffd}\n     2\t\u{fffd}",
        2,
    )
    .await;
}

#[tokio::test]
async fn offset_and_limit_choose_the_lines() {
    let place = Place::new();
    place.file("five", "1\n2\n3\n4\n5\n");
    place.file("open", "1\n2\n3\n4\n5");
    let check = async |offset: u64, limit: u64, texts: &[&str], truncated: bool| {
        for path in ["five", "open"] {
            let args = json!({"path": path, "offset": offset, "limit": limit});
            let page = place.read(args).await.unwrap();
            assert_eq!(shown_texts(&page), texts, "{offset} {limit}");
            assert_eq!(page["line_count"], texts.len(), "{offset} {limit}");
            assert_eq!(page["truncated"], truncated, "{offset} {limit}");
            assert_eq!(page["total_lines"], 5, "{offset} {limit}");
        }
    };
    check(1, 5, &["1", "2", "3", "4", "5"], false).await;
    check(1, 4, &["1", "2", "3", "4"], true).await;
    check(2, 2, &["2", "3"], true).await;
    check(5, 1, &["5"], false).await;
    check(4, u64::MAX, &["4", "5"], false).await;
    check(6, 1, &[], false).await;
    check(7, 1, &[], false).await;
    check(u64::MAX, u64::MAX, &[], false).await;
}

#[tokio::test]
async fn two_thousand_lines_come_unless_told_otherwise() {
    let place = Place::new();
    for (lines, truncated) in [(2000, false), (2001, true)] {
        place.file("f", "x\n".repeat(lines));
        let page = place.read(json!({"path": "f"})).await.unwrap();
        assert_eq!(page["line_count"], 2000);
        assert_eq!(page["truncated"], truncated);
    }
}

#[tokio::test]
async fn a_number_of_seven_digits_takes_the_room_it_needs() {
    let place = Place::new();
    place.file("f", "\n".repeat(1_000_001));
    let args = json!({"path": "f", "offset": 999_999, "limit": 2});
    let page = place.read(args).await.unwrap();
    assert_eq!(page["content"], "999999\t\n1000000\t");
    assert_eq!(page["total_lines"], 1_000_001);
}

#[tokio::test]
async fn lines_end_well_around_the_length_that_is_read_at_a_time() {
    let place = Place::new();
    for length in (65_533..65_540).chain(131_070..131_075) {
        for end in ["\n", "\r\n"] {
            let long = "x".repeat(length);
            place.file("f", format!("{long}{end}two{end}{long}{end}four"));
            let args = json!({"path": "f", "offset": 2, "limit": 1});
            let page = place.read(args).await.unwrap();
            assert_eq!(shown_texts(&page), ["two"]);
            let page = place.read(json!({"path": "f"})).await.unwrap();
            assert_eq!(shown_texts(&page), [&long, "two", &long, "four"]);
        }
    }
}

/// The lines of a page without their numbers, which count up from the offset.
pub(crate) fn shown_texts(page: &Value) -> Vec<&str> {
    let content = page["content"].as_str().unwrap();
    let lines = content.split('\n').filter(|line| !line.is_empty());
    lines.map(|line| line.split_once('\t').unwrap().1).collect()
}
