//! Nothing outside of the root is read.

use std::cell::Cell;
use std::fs;

use atd_registry::{CallContext, ToolCallError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::support::{CANARY, Place, read, runtime, tool_at};

#[tokio::test]
async fn links_that_stay_inside_are_followed() {
    let place = Place::new();
    place.file("dir/deep/file", "here");
    place.link("to_file", "dir/deep/file");
    place.link("to_dir", "dir/deep");
    place.link("dir/up", "../dir/deep/../deep");
    place.link("to_link", "to_dir");
    for path in [
        "dir/deep/file",
        "./dir//deep/./file",
        "dir/../dir/deep/file",
        "to_file",
        "to_dir/file",
        "dir/up/file",
        "to_link/file",
        "to_dir/../deep/file",
    ] {
        let page = place.read(json!({"path": path})).await.unwrap();
        assert_eq!(page["content"], "     1\there", "{path}");
        assert_eq!(page["path"], path);
    }
}

/// T1: no way out of the root.
#[tokio::test]
async fn ways_out_of_the_root_are_refused() {
    let place = Place::new();
    place.file("dir/file", "");
    let outside = place.temp.path().join("outside");
    place.link("absolute", outside.join("canary.txt"));
    place.link("relative", "../outside/canary.txt");
    place.link("dir/relative", "../../outside/canary.txt");
    place.link("absolute_dir", &outside);
    place.link("relative_dir", "../outside");
    place.link("chain", "relative");
    place.link("out_and_in", "../root/dir/file");
    place.link("absolute_inside", place.root().join("dir/file"));
    place.link("slash", "/");
    for path in [
        "../outside/canary.txt",
        "dir/../../outside/canary.txt",
        "./../outside/canary.txt",
        "..",
        "../",
        "../root/dir/file",
        "absolute",
        "relative",
        "dir/relative",
        "absolute_dir/canary.txt",
        "relative_dir/canary.txt",
        "chain",
        "out_and_in",
        "absolute_inside",
        "slash/etc/passwd",
        "slash",
        "/",
        "/etc/passwd",
        "//etc/passwd",
    ] {
        assert_eq!(place.failure(path).await, "OUTSIDE_ROOT", "{path}");
    }
}

#[tokio::test]
async fn an_absolute_path_below_the_root_is_taken_from_there() {
    let place = Place::new();
    place.file("dir/file", "here");
    fs::create_dir(place.temp.path().join("root-2")).unwrap();
    fs::write(place.temp.path().join("root-2/file"), CANARY).unwrap();
    let alias = place.temp.path().join("alias");
    std::os::unix::fs::symlink("root", &alias).unwrap();
    let by_alias = tool_at(&alias);

    let root = place.root().display().to_string();
    let alias = alias.display().to_string();
    let read_from = async |tool, path: String| {
        let result = read(tool, json!({"path": path}), &CallContext::for_test()).await;
        result.is_ok_and(|page| page["content"] == "     1\there")
    };
    assert!(read_from(&place.tool, format!("{root}/dir/file")).await);
    assert!(read_from(&place.tool, format!("{root}//dir/./../dir/file")).await);
    assert!(read_from(&by_alias, format!("{root}/dir/file")).await);
    assert!(read_from(&by_alias, format!("{alias}/dir/file")).await);
    // This root was not opened by that name.
    assert!(!read_from(&place.tool, format!("{alias}/dir/file")).await);
    for path in [
        format!("{root}-2/file"),
        format!("{root}/../outside/canary.txt"),
        format!("{root}/../root/dir/file"),
        format!("{root}/dir/../../outside/canary.txt"),
        format!("{root}/{root}/dir/../../../../outside/canary.txt"),
    ] {
        let refused = place.read(json!({"path": path})).await;
        assert!(refused.is_err(), "{path}");
    }
}

#[tokio::test]
async fn the_root_stays_the_directory_that_was_opened() {
    let place = Place::new();
    place.file("file", "here");
    let moved = place.temp.path().join("moved");
    fs::rename(place.root(), &moved).unwrap();
    fs::rename(place.temp.path().join("outside"), place.root()).unwrap();
    let page = place.read(json!({"path": "file"})).await.unwrap();
    assert_eq!(page["content"], "     1\there");
    assert_eq!(place.failure("canary.txt").await, "NOT_FOUND");
}

/// T1: links that the kernel makes, which lead anywhere by no path at all.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn magic_links_are_not_followed() {
    let process = tool_at("/proc/self");
    let mut paths = vec!["root/etc/passwd".to_owned(), "exe".to_owned()];
    paths.push("cwd/Cargo.toml".to_owned());
    paths.extend((0..16).map(|fd| format!("fd/{fd}")));
    for path in paths {
        let result = read(&process, json!({"path": path}), &CallContext::for_test()).await;
        assert!(result.is_err(), "{path}");
    }
}

#[tokio::test]
async fn a_path_with_a_nul_is_an_invalid_argument() {
    let place = Place::new();
    place.file("file", "");
    for path in ["file\0", "\0", "file\0.txt", "\0/../../outside/canary.txt"] {
        let error = place.read(json!({"path": path})).await.unwrap_err();
        assert_eq!(
            error,
            ToolCallError::invalid_arg("/path", "a path holds no NUL")
        );
    }
}

/// X2: a path in a message adds no line, and not much length.
#[tokio::test]
async fn a_message_shows_a_hostile_path_in_one_short_line() {
    let place = Place::new();
    let long = "é\n".repeat(10_000);
    for path in [
        "a\nb",
        "a\r\nb",
        "\u{2028}\u{2029}\u{85}",
        "\u{1b}[31m",
        &long,
    ] {
        let error = place.read(json!({"path": path})).await.unwrap_err();
        let message = error.to_string();
        assert!(message.len() < 2000, "{}", message.len());
        let breaks = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{1b}'];
        assert!(!message.contains(breaks), "{message:?}");
    }
}

/// A place with links that lead out of its root.
pub(crate) fn hostile_place() -> Place {
    let place = Place::new();
    for file in [
        "file",
        "a/file",
        "a/b/file",
        "a/canary.txt",
        "outside/canary.txt",
    ] {
        place.file(file, "inside");
    }
    let outside = place.temp.path().join("outside");
    place.link("out", &outside);
    place.link("a/rel", "../../outside");
    place.link("a/b/up", "..");
    place.link("loop", "loop");
    place.link("slash", "/");
    place.link("canary", outside.join("canary.txt"));
    place
}

/// Tries 10,000 hostile paths.
pub(crate) fn try_ten_thousand(place: &Place, try_path: impl Fn(&str)) {
    let tried = Cell::new(0);
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(10_000)
    };
    TestRunner::new(config)
        .run(&hostile_paths(place), |path| {
            tried.set(tried.get() + 1);
            try_path(&path);
            Ok(())
        })
        .unwrap();
    assert_eq!(tried.get(), 10_000);
}

/// Paths made of what leads out elsewhere, and of what is there.
fn hostile_paths(place: &Place) -> impl Strategy<Value = String> + use<> {
    let temp = place.temp.path();
    let absolute = [temp, &temp.join("root"), &temp.join("outside")];
    let mut strange: Vec<String> = absolute.map(|path| path.display().to_string()).into();
    strange.push(temp.file_name().unwrap().display().to_string());
    strange.push("x".repeat(300));
    let others = [
        "proc/self/root",
        "proc/self/cwd",
        "dev/fd/0",
        "etc/passwd",
        "..\\",
        "%2e%2e",
        "%2e%2e%2f",
        "..%00",
        "\0",
        "\u{2025}",
        "．．",
        "~",
        "$HOME",
        "*",
        "{..,a}",
        "\n",
        " ",
        "..;",
        "...",
        "C:",
        "\\\\",
        "file:",
        "",
    ];
    strange.extend(others.map(str::to_owned));
    let usual = vec![
        "..", "..", ".", "a", "b", "a/b", "up", "rel", "out", "slash", "loop", "canary", "outside",
        "root",
    ];

    let start = prop::sample::select(vec!["", "", "", "/", "//", "./", "../"]);
    let usual = prop::sample::select(usual).prop_map(str::to_owned);
    let part = prop_oneof![9 => usual, 1 => prop::sample::select(strange)];
    let separator = prop::sample::select(vec!["/", "/", "//", "/./"]);
    let middle = prop::collection::vec((part, separator), 0..10);
    let end = prop::sample::select(vec![
        "file",
        "canary.txt",
        "canary",
        "outside/canary.txt",
        "",
    ]);
    (start, middle, end).prop_map(|(start, middle, end)| {
        let middle = middle.into_iter().map(|(part, by)| part + by);
        format!("{start}{}{end}", middle.collect::<String>())
    })
}

/// T1: 10,000 paths.
#[test]
fn no_path_of_ten_thousand_reads_what_is_outside() {
    let place = hostile_place();
    let runtime = runtime();
    let read = Cell::new(0);
    try_ten_thousand(&place, |path| {
        if let Ok(page) = runtime.block_on(place.read(json!({"path": path}))) {
            read.set(read.get() + 1);
            assert_eq!(page["content"], "     1\tinside", "{path:?}");
        }
    });
    assert!(read.get() > 100, "only {read:?} paths led to a file at all");
}
