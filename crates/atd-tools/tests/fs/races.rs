//! Files and links that change places while they are looked at.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::support::{Place, runtime};

/// Set when it is dropped, so that a failing test ends its threads too.
pub(crate) struct Done<'a>(pub(crate) &'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Puts what is at `made` in the place of `at`.
pub(crate) fn put(made: &Path, at: &Path) {
    fs::rename(made, at).unwrap();
}

/// A root with a file and a directory that are swapped with links to the
/// outside.
pub(crate) fn place_of_swaps() -> Place {
    let place = Place::new();
    place.file("file", "inside");
    place.file("dir/canary.txt", "inside");
    place.file("dir/sub/file", "inside");
    place
}

/// Swaps them until `done`.
pub(crate) fn swap(place: &Place, done: &AtomicBool) {
    let root = place.root();
    let made = place.temp.path().join("made");
    while !done.load(Ordering::Relaxed) {
        symlink("../outside/canary.txt", &made).unwrap();
        put(&made, &root.join("file"));
        fs::write(&made, "inside").unwrap();
        put(&made, &root.join("file"));

        put(&root.join("dir"), &root.join("aside"));
        symlink("../outside", root.join("dir")).unwrap();
        fs::remove_file(root.join("dir")).unwrap();
        put(&root.join("aside"), &root.join("dir"));
    }
}

/// T1: a file, and a directory on the way to one, that somebody swaps with
/// links to the outside; in short.
#[test]
fn a_link_swapped_in_leads_nowhere() {
    let place = place_of_swaps();
    let runtime = runtime();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| swap(&place, &done));
        let _done = Done(&done);
        let (mut read, mut refused) = (0, 0);
        for _ in 0..3_000 {
            for path in ["file", "dir/canary.txt", "dir/sub/../canary.txt"] {
                match runtime.block_on(place.read(json!({"path": path}))) {
                    Ok(page) => {
                        assert_eq!(page["content"], "     1\tinside");
                        read += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(
            read > 0 && refused > 0,
            "{read} read, {refused} refused: no race"
        );
    });
}

/// T2: a FIFO that takes a file's place after the look at it.
#[cfg(target_os = "linux")]
#[test]
fn a_fifo_swapped_in_keeps_nobody_waiting() {
    use rustix::fs::{CWD, Mode, mkfifoat};

    let place = Place::new();
    let file = place.file("file", "inside");
    let made = place.temp.path().join("made");
    let runtime = runtime();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                mkfifoat(CWD, &made, Mode::RWXU).unwrap();
                put(&made, &file);
                fs::write(&made, "inside").unwrap();
                put(&made, &file);
            }
        });
        let _done = Done(&done);
        for _ in 0..3_000 {
            if let Ok(page) = runtime.block_on(place.read(json!({"path": "file"}))) {
                assert_eq!(page["content"], "     1\tinside");
            }
        }
    });
}
