//! What is there, and is no file to be read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::thread;

use atd_registry::{CallContext, ToolCallError};
use atd_tools::FsRoot;
use serde_json::json;

use crate::support::{Place, code, read, tool_at};

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let place = Place::new();
    place.file("file", "");
    place.link("nowhere", "missing");
    place.link("circle", "circle");
    let long_name = "n".repeat(300);
    let long_path = "d/".repeat(3000);
    for path in [
        "missing",
        "missing/file",
        "file/",
        "file/below",
        "nowhere",
        "circle",
        "circle/x",
        "",
        " file",
        "file ",
        &long_name,
        &long_path,
    ] {
        assert_eq!(place.failure(path).await, "NOT_FOUND", "{path:.40}");
    }
}

#[tokio::test]
async fn a_directory_is_no_file() {
    let place = Place::new();
    place.file("dir/file", "");
    place.link("link", "dir");
    let root = place.root().display().to_string();
    for path in ["dir", "dir/", "link", ".", "./", "dir/..", &root] {
        assert_eq!(place.failure(path).await, "NOT_A_FILE", "{path}");
    }
}

/// T2: a FIFO, which has no writer and would keep its reader waiting.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_fifo_is_refused_at_once() {
    use rustix::fs::{CWD, Mode, mkfifoat};

    let place = Place::new();
    mkfifoat(CWD, place.root().join("fifo"), Mode::RWXU).unwrap();
    place.link("link", "fifo");
    for path in ["fifo", "link"] {
        assert_eq!(place.failure(path).await, "NOT_A_FILE", "{path}");
    }
}

/// The writer of a FIFO waits for a reader, and would then write to nobody.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_fifo_that_is_refused_is_not_opened() {
    use rustix::fs::{CWD, Mode, mkfifoat};

    let place = Place::new();
    let fifo = place.root().join("fifo");
    mkfifoat(CWD, &fifo, Mode::RWXU).unwrap();
    let writer = thread::spawn({
        let fifo = fifo.clone();
        move || fs::File::options().write(true).open(fifo)
    });
    for _ in 0..500 {
        assert_eq!(place.failure("fifo").await, "NOT_A_FILE");
        assert!(!writer.is_finished(), "the writer found a reader");
    }
    drop(fs::File::open(fifo).unwrap());
    writer.join().unwrap().unwrap();
}

#[tokio::test]
async fn a_socket_is_no_file() {
    let place = Place::new();
    let _listener = UnixListener::bind(place.root().join("socket")).unwrap();
    assert_eq!(place.failure("socket").await, "NOT_A_FILE");
}

/// T2: `/dev/zero`, by its name and through a link.
#[tokio::test]
async fn a_device_is_no_file() {
    let place = Place::new();
    place.link("zero", "/dev/zero");
    assert_eq!(place.failure("zero").await, "OUTSIDE_ROOT");
    assert_eq!(place.failure("/dev/zero").await, "OUTSIDE_ROOT");

    let devices = tool_at("/dev");
    for path in ["zero", "null", "/dev/zero"] {
        let result = read(&devices, json!({"path": path}), &CallContext::for_test()).await;
        assert_eq!(code(result), "NOT_A_FILE", "{path}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_the_server_may_not_read_is_denied() {
    // Root reads any file but a kernel setting that is for writing only.
    let (tool, path, _place) = if rustix::process::geteuid().is_root() {
        (tool_at("/proc/sys/vm"), "drop_caches", None)
    } else {
        let place = Place::new();
        let secret = place.file("secret", "");
        fs::set_permissions(secret, fs::Permissions::from_mode(0o000)).unwrap();
        (place.tool.clone(), "secret", Some(place))
    };
    let result = read(&tool, json!({"path": path}), &CallContext::for_test()).await;
    assert_eq!(code(result), "PERMISSION_DENIED");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_failing_read_is_told_and_may_be_tried_again() {
    // Nothing is mapped where a process's memory begins.
    let process = tool_at("/proc/self");
    let result = read(&process, json!({"path": "mem"}), &CallContext::for_test()).await;
    let Err(ToolCallError::ExecutionFailed {
        code,
        message,
        retryable,
    }) = result
    else {
        panic!("memory was read: {result:?}");
    };
    assert_eq!((code.as_str(), retryable), ("IO", true));
    assert!(
        message.starts_with("\"mem\" could not be read: "),
        "{message}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_whose_length_is_not_known_is_read_to_its_end() {
    let process = tool_at("/proc/self");
    let args = json!({"path": "status", "limit": 1});
    let page = read(&process, args, &CallContext::for_test())
        .await
        .unwrap();
    assert!(
        page["content"]
            .as_str()
            .unwrap()
            .starts_with("     1\tName:")
    );
    assert!(page["total_lines"].as_u64() > Some(10));
}

#[test]
fn a_root_that_is_no_directory_does_not_open() {
    let place = Place::new();
    let file = place.file("file", "");
    assert!(FsRoot::open(&file).is_err());
    assert!(FsRoot::open(place.root().join("missing")).is_err());
    assert!(FsRoot::open("").is_err());
}
