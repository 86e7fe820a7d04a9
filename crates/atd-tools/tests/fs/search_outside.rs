//! Nothing outside of the root is found.

use std::cell::Cell;
use std::fs;
use std::sync::atomic::AtomicBool;
use std::thread;

use serde_json::json;

use crate::outside::{hostile_place, try_ten_thousand};
use crate::races::{Done, place_of_swaps, swap};
use crate::search::{glob, grep};
use crate::support::{CANARY, runtime};

/// T1: 10,000 paths.
#[test]
fn no_path_of_ten_thousand_finds_what_is_outside() {
    let place = hostile_place();
    let runtime = runtime();
    let root = fs::canonicalize(place.root()).unwrap();
    let found = Cell::new(0);
    try_ten_thousand(&place, |path| {
        let args = json!({"pattern": "", "path": path, "no_ignore": true, "hidden": true});
        let lines = runtime.block_on(grep(&place, args)).unwrap_or_default();
        let args = json!({"pattern": "**", "path": path, "no_ignore": true, "hidden": true});
        let files = runtime.block_on(glob(&place, args)).unwrap_or_default();
        for line in &lines {
            assert!(line.ends_with(":1:inside"), "{path:?}: {line}");
        }
        for file in &files {
            let real = fs::canonicalize(root.join(file)).unwrap();
            assert_eq!(real, root.join(file), "{path:?}");
        }
        found.set(found.get() + lines.len() + files.len());
    });
    assert!(found.get() > 100, "only {found:?} were found at all");
}

/// T1: a directory and a file that somebody swaps with links to the outside
/// while they are walked through; in short.
#[test]
fn a_link_swapped_in_leads_a_search_nowhere() {
    let place = place_of_swaps();
    let runtime = runtime();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| swap(&place, &done));
        let _done = Done(&done);
        let mut found = 0;
        for _ in 0..500 {
            for args in [
                json!({"pattern": "."}),
                json!({"pattern": ".", "path": "dir"}),
                json!({"pattern": ".", "path": "file"}),
            ] {
                let lines = runtime.block_on(grep(&place, args)).unwrap_or_default();
                for line in lines {
                    assert!(
                        line.ends_with(":1:inside") && !line.contains(CANARY),
                        "{line}"
                    );
                    found += 1;
                }
            }
            let args = json!({"pattern": "**", "path": "dir"});
            for file in runtime.block_on(glob(&place, args)).unwrap_or_default() {
                // It may be renamed after the path was followed to it.
                let is_inside = ["dir/canary.txt", "dir/sub/file"]
                    .map(|file| [file.to_owned(), file.replace("dir/", "aside/")]);
                assert!(is_inside.concat().contains(&file), "{file}");
            }
        }
        assert!(found > 0, "nothing was found: no race");
    });
}

/// T1: what leads out of the root is no pattern, and patterns are for what was
/// walked through.
#[test]
fn no_pattern_leads_out() {
    let place = hostile_place();
    let runtime = runtime();
    for pattern in [
        "out/*",
        "canary",
        "a/rel/*",
        "slash/etc/*",
        "**/passwd",
        "{..,a}/*",
        "loop/**",
    ] {
        for file in runtime
            .block_on(glob(&place, json!({"pattern": pattern})))
            .unwrap_or_default()
        {
            let real = fs::canonicalize(place.root().join(&file)).unwrap();
            assert!(
                real.starts_with(fs::canonicalize(place.root()).unwrap()),
                "{file}"
            );
        }
    }
}
