//! A server that is killed while it changes files.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use atd_registry::CallContext;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use crate::support::{Place, read, registry_at, runtime, with};

/// The environment variable that tells the process that is killed its root.
const ROOT: &str = "ATD_TOOLS_TEST_KILLED";

/// The one that has it begin with writing or with editing, and says how many
/// bytes of a file it may write before the system kills it.
const LIMIT: &str = "ATD_TOOLS_TEST_KILLED_BY_LIMIT";

const LINES: usize = 2_000;

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
    let limit = env::var(LIMIT).ok();
    let limit = limit.as_deref().and_then(|limit| limit.split_once(' '));
    if let Some((_, bytes)) = limit {
        lower(Resource::Core, 0);
        lower(Resource::Fsize, bytes.parse().unwrap());
    }
    let registry = registry_at(&root);
    let ctx = CallContext::new(with(Duration::from_secs(3600)));
    let call = async |id, args| {
        let tool = registry.get(id).unwrap();
        read(&tool, args, &ctx).await.unwrap()
    };
    runtime().block_on(async {
        call("ref:fs.read", json!({"path": "edited", "limit": 1})).await;
        let text = fs::read_to_string(Path::new(&root).join("edited")).unwrap();
        let mut number: u64 = text[..8].parse().unwrap();
        loop {
            let (old, new) = (format!("{number:08}"), format!("{:08}", number + 1));
            number += 1;
            if limit.is_none_or(|(first, _)| first == "write") {
                let args = json!({"path": "new", "content": file_of(number)});
                call("ref:fs.write", args).await;
            }
            let args = json!({
                "path": "edited", "old_string": old, "new_string": new, "replace_all": true
            });
            call("ref:fs.edit", args).await;
            println!("\ndone {number}");
            std::io::stdout().flush().unwrap();
        }
    });
}

fn lower(what: Resource, most: u64) {
    let limit = Rlimit {
        current: Some(most),
        ..getrlimit(what)
    };
    setrlimit(what, limit).unwrap();
}

fn process(root: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "killed::a_process_to_be_killed", "--nocapture"])
        .env(ROOT, root)
        .stdout(Stdio::piped());
    command
}

/// Kills the process some time after it has reported `reports` times.
fn kill(root: &Path, reports: usize, spins: u64) -> (u64, ExitStatus) {
    let mut child = process(root).spawn().unwrap();
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
    (*reported.last().unwrap(), child.wait().unwrap())
}

fn edited_place() -> Place {
    let place = Place::new();
    let file = place.file("edited", file_of(0));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    place
}

/// Looks at what was left, and gives the number in the edited file.
fn assert_all_is_whole(place: &Place) -> u64 {
    let file = place.root().join("edited");
    let edited = fs::read_to_string(&file).unwrap();
    let number: u64 = edited[..8].parse().unwrap();
    assert!(
        edited == file_of(number),
        "neither the old content nor the new"
    );
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);
    for name in place.names(".") {
        let is_left_over = name.starts_with('.') && name.ends_with(".atd-tmp");
        assert!(name == "edited" || name == "new" || is_left_over, "{name}");
    }
    let new = place.root().join("new");
    if let Ok(text) = fs::read_to_string(&new) {
        assert!(
            text == file_of(text[..8].parse().unwrap()),
            "a part of a file"
        );
        fs::remove_file(new).unwrap();
    }
    number
}

/// T3: killed at any moment, what changes files leaves the old content or the
/// new, and the mode.
#[test]
fn a_kill_leaves_the_old_content_or_the_new() {
    let place = edited_place();
    for round in 1..=50 {
        let (reports, spins) = (1 + round % 3, (round as u64 * 7_919_993) % 400_000);
        let (reported, ended) = kill(&place.root(), reports, spins);
        assert_eq!(ended.signal(), Some(9), "it ended by itself: {ended}");
        let number = assert_all_is_whole(&place);
        assert!(
            (reported..=reported + 1).contains(&number),
            "{number}, {reported}"
        );
    }
}

/// T3: killed at any byte, as a file that must not grow kills who writes to it,
/// it leaves the old content and nothing in the place of a new file.
#[cfg(target_os = "linux")]
#[test]
fn a_kill_amid_the_writing_leaves_the_old_content() {
    let place = edited_place();
    let length = file_of(0).len();
    for first in ["edit", "write"] {
        for bytes in [0, 1, 4_096, length / 2, length - 1] {
            let mut process = process(&place.root());
            process.env(LIMIT, format!("{first} {bytes}"));
            let ended = process.status().unwrap();
            // SIGXFSZ.
            assert_eq!(ended.signal(), Some(25), "{first}: {ended}");
            assert_eq!(assert_all_is_whole(&place), 0);
            assert_eq!(place.names("."), ["edited"], "{first} {bytes}");
        }
    }
}
