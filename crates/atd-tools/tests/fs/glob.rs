//! Files that are found by their paths.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use atd_registry::CallSetup;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::search::{Pages, glob, tree};
use crate::support::{Place, code, runtime};

#[tokio::test]
async fn a_pattern_is_for_the_path_below_the_directory() {
    let place = tree();
    for (pattern, path, right) in [
        ("*.rs", ".", vec![]),
        ("*.rs", "src", vec!["src/deep.rs", "src/lib.rs"]),
        ("src/*.rs", ".", vec!["src/deep.rs", "src/lib.rs"]),
        ("**/mod.rs", ".", vec!["src/deep/er/mod.rs"]),
        (
            "src/**/*.rs",
            ".",
            vec!["src/deep/er/mod.rs", "src/deep.rs", "src/lib.rs"],
        ),
        (
            "{src,tests}/?{i,t}*.rs",
            ".",
            vec!["src/lib.rs", "tests/it.rs"],
        ),
        ("**/[a-d]*.md", ".", vec!["docs/a.md"]),
        ("src", ".", vec![]),
        ("missing/**", ".", vec![]),
        // What the pattern begins with is not hidden, though it may be ignored.
        (".hidden/*", ".", vec![".hidden/file.rs"]),
        (".env", ".", vec![".env"]),
        ("target/**", ".", vec![]),
        (".git/*", ".", vec![]),
        ("./*.toml", ".", vec![]),
        ("src//*.rs", ".", vec![]),
    ] {
        let found = glob(&place, json!({"pattern": pattern, "path": path}))
            .await
            .unwrap();
        let right: Vec<String> = right.into_iter().map(str::to_owned).collect();
        assert_eq!(found, right, "{pattern}");
    }
}

#[tokio::test]
async fn what_is_no_directory_is_not_searched() {
    let place = tree();
    let failure = async |path: &str| code_of(&place, path).await;
    assert_eq!(failure("Cargo.toml").await, "NOT_A_DIRECTORY");
    assert_eq!(failure("missing").await, "NOT_FOUND");
    assert_eq!(failure("..").await, "OUTSIDE_ROOT");
    assert_eq!(failure("/etc").await, "OUTSIDE_ROOT");
}

async fn code_of(place: &Place, path: &str) -> String {
    let found = glob(place, json!({"pattern": "**", "path": path})).await;
    code(found.map(|found| json!(found)))
}

#[tokio::test]
async fn pages_put_together_are_the_whole() {
    let place = tree();
    let args = |limit| json!({"pattern": "**", "hidden": true, "no_ignore": true, "limit": limit});
    let whole = glob(&place, args(1000)).await.unwrap();
    for limit in 1..=whole.len() {
        let mut pages = Pages::of(&place, "ref:fs.glob", args(limit));
        let first = pages.next_in(CallSetup::for_test()).await.unwrap();
        assert_eq!(first["files"].as_array().unwrap().len(), limit);
        assert_eq!(pages.is_at_end, limit == whole.len());
        assert_eq!(glob(&place, args(limit)).await.unwrap(), whole, "{limit}");
    }
}

#[tokio::test]
async fn what_comes_and_goes_between_pages_moves_nothing_else() {
    let place = Place::new();
    for file in ["a", "b/x", "b/y", "c", "d"] {
        place.file(file, "");
    }
    let mut pages = Pages::of(&place, "ref:fs.glob", json!({"pattern": "**", "limit": 2}));
    let first = pages.next_in(CallSetup::for_test()).await.unwrap();
    assert_eq!(first["files"], json!(["a", "b/x"]));
    fs::remove_dir_all(place.root().join("b")).unwrap();
    place.file("A", "");
    place.file("bb", "");
    assert_eq!(pages.rest("files").await.unwrap(), ["bb", "c", "d"]);
}

#[tokio::test]
async fn a_page_keeps_to_the_budget() {
    let place = Place::new();
    for number in 0..100 {
        place.file(&format!("{number:02}-\"quoted\"-{}", "é".repeat(20)), "");
    }
    let mut pages = Pages::of(&place, "ref:fs.glob", json!({"pattern": "*"}));
    let mut all = Vec::new();
    while !pages.is_at_end {
        let mut setup = CallSetup::for_test();
        setup.output_budget = 500;
        let page = pages.next_in(setup).await.unwrap();
        all.extend(page["files"].as_array().unwrap().clone());
    }
    assert_eq!(all.len(), 100);

    let mut setup = CallSetup::for_test();
    setup.output_budget = 100;
    let mut pages = Pages::of(&place, "ref:fs.glob", json!({"pattern": "*"}));
    assert_eq!(code(pages.next_in(setup).await), "NO_ROOM");
}

/// A directory of more names than are held is walked through all the same.
#[tokio::test]
async fn a_directory_of_many_names_is_walked_to_its_end() {
    const MANY: usize = 40_000;
    let place = Place::new();
    let one = place.file("one", "");
    for number in 0..MANY {
        fs::hard_link(&one, place.root().join(format!("f{number:05}"))).unwrap();
    }
    let found = glob(&place, json!({"pattern": "f*", "limit": 10_000}))
        .await
        .unwrap();
    assert_eq!(found.len(), MANY);
    assert!(found.is_sorted());
}

#[tokio::test]
async fn a_name_that_is_no_utf8_is_shown_as_far_as_it_is() {
    let place = Place::new();
    for name in [&b"a-\xff"[..], b"b-\xc3"] {
        fs::write(place.root().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
    }
    let found = glob(&place, json!({"pattern": "*", "limit": 1}))
        .await
        .unwrap();
    assert_eq!(found, ["a-\u{fffd}", "b-\u{fffd}"]);
}

#[tokio::test]
async fn a_tree_that_is_too_deep_is_left_somewhere() {
    let place = Place::new();
    place.file(&format!("{}file", "d/".repeat(100)), "");
    place.file(&format!("{}file", "e/".repeat(400)), "");
    let mut pages = Pages::of(&place, "ref:fs.glob", json!({"pattern": "**/file"}));
    let page = pages.next_in(CallSetup::for_test()).await.unwrap();
    assert_eq!(page["files"].as_array().unwrap().len(), 1);
    assert_eq!(page["skipped"], 1);
}

/// Whatever the tree and the page, what is found is what is there.
#[test]
fn a_walk_finds_what_is_there_in_order() {
    let runtime = runtime();
    let name = prop::sample::select(vec!["a", "b", "a-b", "a.b", "ab", "é", "Z", "0"]);
    let path = prop::collection::vec(name, 1..5);
    let tree = (prop::collection::vec(path, 0..30), 1_usize..7);
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(100)
    };
    TestRunner::new(config)
        .run(&tree, |(paths, limit)| {
            let place = Place::new();
            let mut files: BTreeSet<Vec<&str>> = BTreeSet::new();
            for path in paths {
                let file = place.root().join(path.join("/"));
                let made = fs::create_dir_all(file.parent().unwrap());
                if made.is_ok() && fs::write(&file, "").is_ok() {
                    files.insert(path);
                }
            }
            let args = json!({"pattern": "**", "limit": limit});
            let found = runtime.block_on(glob(&place, args)).unwrap();
            let right: Vec<String> = files.iter().map(|path| path.join("/")).collect();
            prop_assert_eq!(found, right);
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_schemas_say_what_a_model_needs() {
    let place = Place::new();
    for (id, required) in [
        ("ref:fs.glob", json!(["pattern"])),
        ("ref:fs.grep", json!(["pattern"])),
        ("ref:fs.write", json!(["path", "content"])),
        ("ref:fs.edit", json!(["path", "old_string", "new_string"])),
    ] {
        let tool = place.registry.get(id).unwrap();
        let definition = tool.definition();
        assert_eq!(definition.input_schema["required"], required, "{id}");
        let properties = definition.input_schema["properties"].as_object().unwrap();
        for (name, property) in properties {
            assert!(
                property["description"].is_string(),
                "{id} {name}: {property}"
            );
            let is_required = required.as_array().unwrap().contains(&json!(name));
            let has_default = property.get("default").is_some();
            assert!(is_required || has_default, "{id} {name}: {property}");
        }
        assert_eq!(definition.capability.domain, "fs");
        assert!(!definition.capability.tags.is_empty());
        assert!(!definition.capability.intent_examples.is_empty());
        assert!(definition.description.len() > 100);
        let action = id.trim_start_matches("ref:");
        assert_eq!(definition.required_capabilities.to_string(), action);
        let codes: BTreeSet<&str> = definition.errors.iter().map(|error| &*error.code).collect();
        assert_eq!(codes.len(), definition.errors.len(), "{id}: a code twice");
        let output: &Value = &definition.output_schema;
        assert_eq!(output["type"], "object", "{id}");
    }
}
