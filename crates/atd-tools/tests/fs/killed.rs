//! A server that is killed while it changes files.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use atd_registry::CallContext;
use serde_json::json;

use crate::support::{Place, read, registry_at, runtime};

/// The environment variable that names the root to the process that is killed.
const ROOT: &str = "ATD_TOOLS_TEST_KILLED";

const LINES: usize = 20_000;

fn file_of(number: u64) -> String {
    format!("{number:08} and more of the line\n").repeat(LINES)
}

/// The process that is killed; on its own it does nothing. It counts up in one
/// file by edits, writes another anew each time, and reports each number.
#[test]
fn a_process_to_be_killed() {
    let Ok(root) = env::var(ROOT) else {
        return;
    };
    let registry = registry_at(&root);
    let call = async |id, args, ctx: &CallContext| {
        let tool = registry.get(id).unwrap();
        read(&tool, args, ctx).await.unwrap()
    };
    runtime().block_on(async {
        let ctx = CallContext::for_test();
        call("ref:fs.read", json!({"path": "edited", "limit": 1}), &ctx).await;
        let text = fs::read_to_string(Path::new(&root).join("edited")).unwrap();
        let mut number: u64 = text[..8].parse().unwrap();
        loop {
            let (old, new) = (format!("{number:08}"), format!("{:08}", number + 1));
            number += 1;
            let args = json!({"path": "edited", "old_string": old, "new_string": new, "replace_all": true});
            call("ref:fs.edit", args, &ctx).await;
            let args = json!({"path": format!("new-{number}"), "content": file_of(number)});
            call("ref:fs.write", args, &ctx).await;
            println!("\ndone {number}");
            std::io::stdout().flush().unwrap();
        }
    });
}

/// Kills the process some time after it has reported `reports` times.
fn run(root: &Path, reports: usize, spins: u64) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed::a_process_to_be_killed", "--nocapture"])
        .env(ROOT, root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reported = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some(number) = line.unwrap().strip_prefix("done ") {
            reported.push(number.parse().unwrap());
        }
        if reported.len() == reports {
            for _ in 0..spins {
                std::hint::spin_loop();
            }
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    *reported.last().unwrap()
}

/// T3: killed at any moment, what changes files leaves the old content or the
/// new, and the mode.
#[test]
fn a_kill_leaves_the_old_content_or_the_new() {
    let place = Place::new();
    let file = place.file("edited", file_of(0));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    for round in 1..=60 {
        let reported = run(
            &place.root(),
            1 + round % 3,
            (round as u64 * 7_919_993) % 400_000,
        );

        let edited = fs::read_to_string(&file).unwrap();
        let number: u64 = edited[..8].parse().unwrap();
        assert!(
            edited == file_of(number),
            "neither the old content nor the new"
        );
        assert!(
            (reported..=reported + 1).contains(&number),
            "{number}, {reported}"
        );
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);

        for name in place.names(".") {
            let Some(number) = name.strip_prefix("new-") else {
                let is_left_over = name.starts_with('.') && name.ends_with(".atd-tmp");
                assert!(name == "edited" || is_left_over, "{name}");
                continue;
            };
            let path = place.root().join(&name);
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text == file_of(number.parse().unwrap()),
                "a part of a new file"
            );
            fs::remove_file(path).unwrap();
        }
    }
}
