//! Nothing outside of the root is written.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::outside::{hostile_place, try_ten_thousand};
use crate::races::{Done, put};
use crate::support::{CANARY, Place, code, names_in, runtime};
use crate::write::Connection;

fn assert_nothing_changed_outside(place: &Place) {
    let outside = place.temp.path().join("outside");
    assert_eq!(names_in(&outside), ["canary.txt"]);
    assert_eq!(
        fs::read_to_string(outside.join("canary.txt")).unwrap(),
        CANARY
    );
    assert_eq!(names_in(place.temp.path()), ["outside", "root"]);
}

#[tokio::test]
async fn ways_out_of_the_root_are_refused_to_who_writes() {
    let place = hostile_place();
    let connection = Connection::of(&place);
    for path in [
        "../outside/canary.txt",
        "../outside/new",
        "../new/new",
        "a/../../new",
        "out/canary.txt",
        "out/new",
        "out/new/new",
        "a/rel/new",
        "canary",
        "slash/tmp/new",
        "/etc/passwd",
        "/tmp/new",
        "/new",
    ] {
        for create_dirs in [false, true] {
            let args = json!({"path": path, "content": "x", "create_dirs": create_dirs});
            let refused = code(connection.write_with(args).await);
            assert_eq!(refused, "OUTSIDE_ROOT", "{path}");
        }
        let args = json!({"path": path, "old_string": "canary", "new_string": "x"});
        assert_eq!(code(connection.edit(args).await), "OUTSIDE_ROOT", "{path}");
    }
    assert_nothing_changed_outside(&place);
}

/// T1: 10,000 paths.
#[test]
fn no_path_of_ten_thousand_writes_what_is_outside() {
    let place = hostile_place();
    let runtime = runtime();
    let (wrote, tried) = (Cell::new(0), Cell::new(0));
    try_ten_thousand(&place, |path| {
        tried.set(tried.get() + 1);
        // A dry run takes every step but the last, which 100 others take.
        let dry = tried.get() % 100 != 0;
        let connection = if dry {
            Connection::dry(&place)
        } else {
            Connection::of(&place)
        };
        let args = json!({"path": path, "content": "inside", "create_dirs": !dry});
        let written = runtime.block_on(connection.write_with(args));
        wrote.set(wrote.get() + u32::from(written.is_ok()));
    });
    assert!(wrote.get() > 0, "no path led to a place");
    assert_nothing_changed_outside(&place);
}

/// T1: a directory on the way, and the file itself, that somebody swaps with
/// links to the outside; in short.
#[test]
fn a_link_swapped_in_lets_nothing_be_written_outside() {
    let place = Place::new();
    let root = place.root();
    let aside = root.join("aside");
    place.file("dir/canary.txt", "inside");
    let runtime = runtime();
    let done = AtomicBool::new(false);

    let swap = || {
        while !done.load(Ordering::Relaxed) {
            put(&root.join("dir"), &aside);
            symlink("../outside", root.join("dir")).unwrap();
            fs::remove_file(root.join("dir")).unwrap();
            put(&aside, &root.join("dir"));

            symlink("../outside/canary.txt", root.join("made")).unwrap();
            put(&root.join("made"), &root.join("file"));
            fs::remove_file(root.join("file")).unwrap();
        }
    };
    thread::scope(|scope| {
        scope.spawn(swap);
        let _done = Done(&done);
        let (mut wrote, mut refused) = (0, 0);
        for _ in 0..600 {
            let connection = Connection::of(&place);
            for path in ["dir/canary.txt", "dir/new", "file"] {
                // Whoever has read it may replace it.
                let read = json!({"path": path, "limit": 1});
                let _ = runtime.block_on(place.read_as(read, connection.ctx()));
                match runtime.block_on(connection.write(path, "inside")) {
                    Ok(_) => wrote += 1,
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(
            wrote > 0 && refused > 0,
            "{wrote} written, {refused} refused: no race"
        );
    });
    assert_nothing_changed_outside(&place);
}
