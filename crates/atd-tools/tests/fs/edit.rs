//! Files that are edited.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use atd_registry::ToolCallError;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Place, code, runtime};
use crate::write::Connection;

fn edit(old: &str, new: &str) -> Value {
    json!({"path": "file", "old_string": old, "new_string": new})
}

fn edit_all(old: &str, new: &str) -> Value {
    json!({"path": "file", "old_string": old, "new_string": new, "replace_all": true})
}

/// A file of this content, and a connection that has read it.
async fn read_file<'a>(place: &'a Place, content: impl AsRef<[u8]>) -> Connection<'a> {
    place.file("file", content);
    let connection = Connection::of(place);
    connection.read("file").await;
    connection
}

fn content(place: &Place) -> Vec<u8> {
    fs::read(place.root().join("file")).unwrap()
}

/// What the caller is told of a failure.
fn message(result: Result<Value, ToolCallError>) -> String {
    result.unwrap_err().to_string()
}

/// T3: the mode.
#[tokio::test]
async fn the_only_place_is_replaced_and_all_else_stays() {
    let place = Place::new();
    let connection = read_file(&place, b"one\r\n\xff two \xc3\nthree").await;
    let file = place.root().join("file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o750)).unwrap();
    connection.read("file").await;
    let edited = connection.edit(edit("two", "2\n2")).await.unwrap();
    assert_eq!(
        edited,
        json!({"path": "file", "replacements": 1, "first_line": 2})
    );
    assert_eq!(content(&place), b"one\r\n\xff 2\n2 \xc3\nthree");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o750);
    assert_eq!(place.names("."), ["file"]);
}

#[tokio::test]
async fn a_text_that_is_not_there_is_told_with_the_likely_reason() {
    let place = Place::new();
    let connection = read_file(&place, "one\r\ntwo\r\n").await;
    let missing = connection.edit(edit("three", "3")).await;
    assert!(
        message(missing.clone()).contains("to the letter"),
        "{missing:?}"
    );
    assert_eq!(code(missing), "NO_MATCH");
    let line_ends = connection.edit(edit("one\ntwo", "3")).await;
    assert!(
        message(line_ends.clone()).contains("\\r\\n"),
        "{line_ends:?}"
    );
    assert_eq!(code(line_ends), "NO_MATCH");
    connection.edit(edit("one\r\ntwo", "3")).await.unwrap();
    assert_eq!(content(&place), b"3\r\n");
}

#[tokio::test]
async fn a_text_that_is_there_more_than_once_is_not_replaced() {
    let place = Place::new();
    let connection = read_file(&place, "a\nb\na b\na\n").await;
    let many = connection.edit(edit("a", "c")).await;
    assert!(message(many.clone()).contains("lines 1, 3, 4)"), "{many:?}");
    assert_eq!(code(many), "MANY_MATCHES");

    // Two places that overlap are two.
    let connection = read_file(&place, "aaa").await;
    assert_eq!(code(connection.edit(edit("aa", "b")).await), "MANY_MATCHES");
    assert_eq!(content(&place), b"aaa");

    let connection = read_file(&place, "x\n".repeat(1000)).await;
    let many = message(connection.edit(edit("x", "y")).await);
    assert!(many.contains("lines 1, 2, 3, 4, 5, …)"), "{many}");
}

#[tokio::test]
async fn all_places_are_replaced_for_who_asks_for_it() {
    let place = Place::new();
    let connection = read_file(&place, "b\naaa aa\na").await;
    let edited = connection.edit(edit_all("aa", "b")).await.unwrap();
    assert_eq!(
        edited,
        json!({"path": "file", "replacements": 2, "first_line": 2})
    );
    assert_eq!(content(&place), b"b\nba b\na");
    let edited = connection.edit(edit_all("b", "")).await.unwrap();
    assert_eq!(edited["replacements"], 3);
    assert_eq!(content(&place), b"\na \na");
}

#[tokio::test]
async fn a_file_is_edited_by_who_knows_it_as_it_is() {
    let place = Place::new();
    let file = place.file("file", "one");
    let connection = Connection::of(&place);
    assert_eq!(code(connection.edit(edit("one", "two")).await), "NOT_READ");
    connection.read("file").await;
    connection.edit(edit("one", "two")).await.unwrap();
    // Its own edits do not count as changes.
    connection.edit(edit("two", "three")).await.unwrap();
    fs::write(&file, "three").unwrap();
    let stale = connection.edit(edit("three", "four")).await;
    assert_eq!(code(stale), "CHANGED_SINCE_READ");
    let other = Connection::of(&place);
    assert_eq!(code(other.edit(edit("three", "4")).await), "NOT_READ");
    assert_eq!(content(&place), b"three");
}

/// D6: arguments that break the schema, or fit it and make no sense.
#[tokio::test]
async fn arguments_that_make_no_sense_are_refused() {
    let place = Place::new();
    let connection = read_file(&place, "one").await;
    for (args, path) in [
        (edit("", "x"), "/old_string"),
        (edit("one", "one"), "/new_string"),
        (json!({"path": "file", "old_string": "one"}), ""),
        (
            json!({"path": "file\0", "old_string": "a", "new_string": "b"}),
            "/path",
        ),
    ] {
        let Err(ToolCallError::InvalidArgs(errors)) = connection.edit(args).await else {
            panic!("{path}");
        };
        assert_eq!(errors[0].path, path);
    }
    let missing = json!({"path": "missing", "old_string": "a", "new_string": "b"});
    assert_eq!(code(connection.edit(missing).await), "NOT_FOUND");
}

/// T2: a sparse file of 10 GB.
#[tokio::test]
async fn a_file_that_is_or_would_be_too_long_is_not_edited() {
    let place = Place::new();
    place.sparse("file", 10_000_000_000);
    let connection = Connection::of(&place);
    connection.read("file").await;
    assert_eq!(code(connection.edit(edit("a", "b")).await), "TOO_LARGE");

    let connection = read_file(&place, "a".repeat(1 << 20)).await;
    let long = edit_all("a", &"b".repeat(17));
    assert_eq!(code(connection.edit(long).await), "TOO_LARGE");
    let edited = connection.edit(edit_all("a", &"b".repeat(16))).await;
    assert_eq!(edited.unwrap()["replacements"], 1 << 20);
    assert_eq!(content(&place).len(), 16 << 20);
}

#[tokio::test]
async fn a_dry_run_finds_the_place_and_leaves_it() {
    let place = Place::new();
    place.file("file", "one");
    let connection = Connection::dry(&place);
    connection.read("file").await;
    assert_eq!(code(connection.edit(edit("two", "2")).await), "NO_MATCH");
    let edited = connection.edit(edit("one", "two")).await.unwrap();
    assert_eq!(edited["dry_run"], true);
    assert_eq!(content(&place), b"one");
}

/// Of edits at the same time none is lost.
#[tokio::test]
async fn edits_of_one_file_take_turns() {
    let place = Place::new();
    let numbers: String = (10..42).map(|n| format!("<{n}>\n")).collect();
    let connection = read_file(&place, &numbers).await;
    let edits = (10..42).map(|n| connection.edit(edit(&format!("<{n}>"), &format!("[{n}]"))));
    let mut edits: Vec<_> = edits.map(Box::pin).collect();
    // All are begun before the first is waited for.
    let all = std::future::poll_fn(|cx| {
        edits.retain_mut(|edit| match edit.as_mut().poll(cx) {
            std::task::Poll::Ready(edited) => {
                edited.unwrap();
                false
            }
            std::task::Poll::Pending => true,
        });
        if edits.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    });
    all.await;
    let done = numbers.replace('<', "[").replace('>', "]");
    assert_eq!(content(&place), done.as_bytes());
}

#[test]
fn replacing_all_is_what_the_standard_library_does() {
    let place = Place::new();
    let runtime = runtime();
    let texts = ("[ab\n]{0,40}", "[ab\n]{1,3}", "[abc\n]{0,4}");
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(300)
    };
    TestRunner::new(config)
        .run(&texts, |(text, old, new)| {
            prop_assume!(old != new);
            let connection = runtime.block_on(read_file(&place, &text));
            let edited = runtime.block_on(connection.edit(edit_all(&old, &new)));
            match text.find(&old) {
                None => prop_assert_eq!(code(edited), "NO_MATCH"),
                Some(first) => {
                    let edited = edited.unwrap();
                    let count = text.matches(&old).count();
                    let line = 1 + text[..first].matches('\n').count();
                    prop_assert_eq!(&edited["replacements"], count);
                    prop_assert_eq!(&edited["first_line"], line);
                    let right = text.replace(&old, &new);
                    prop_assert_eq!(content(&place), right.as_bytes());
                }
            }
            Ok(())
        })
        .unwrap();
}
