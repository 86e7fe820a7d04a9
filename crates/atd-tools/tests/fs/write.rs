//! Files that are written.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use atd_registry::{CallContext, CallSetup, ToolCallError};
use serde_json::{Value, json};

use crate::support::{Place, code, read, registry_at, with};

/// What one connection does.
pub(crate) struct Connection<'a> {
    place: &'a Place,
    ctx: CallContext,
}

impl<'a> Connection<'a> {
    pub(crate) fn of(place: &'a Place) -> Self {
        Self::with(place, CallSetup::for_test())
    }

    pub(crate) fn with(place: &'a Place, setup: CallSetup) -> Self {
        let ctx = CallContext::new(setup);
        Self { place, ctx }
    }

    pub(crate) fn dry(place: &'a Place) -> Self {
        let mut setup = CallSetup::for_test();
        setup.dry_run = true;
        Self::with(place, setup)
    }

    pub(crate) fn ctx(&self) -> &CallContext {
        &self.ctx
    }

    pub(crate) async fn read(&self, path: &str) {
        let args = json!({"path": path, "limit": 1});
        self.place.read_as(args, &self.ctx).await.unwrap();
    }

    pub(crate) async fn write(&self, path: &str, content: &str) -> Result<Value, ToolCallError> {
        self.write_with(json!({"path": path, "content": content}))
            .await
    }

    pub(crate) async fn write_with(&self, args: Value) -> Result<Value, ToolCallError> {
        self.place.call("ref:fs.write", args, &self.ctx).await
    }

    pub(crate) async fn edit(&self, args: Value) -> Result<Value, ToolCallError> {
        self.place.call("ref:fs.edit", args, &self.ctx).await
    }
}

fn mode(place: &Place, path: &str) -> u32 {
    let file = fs::metadata(place.root().join(path)).unwrap();
    file.mode() & 0o7777
}

fn content(place: &Place, path: &str) -> String {
    fs::read_to_string(place.root().join(path)).unwrap()
}

#[tokio::test]
async fn a_new_file_is_made_and_nothing_beside_it() {
    let place = Place::new();
    let written = Connection::of(&place).write("new.txt", "öne\n").await;
    assert_eq!(
        written.unwrap(),
        json!({"path": "new.txt", "created": true, "bytes_written": 5})
    );
    assert_eq!(content(&place, "new.txt"), "öne\n");
    assert_eq!(place.names("."), ["new.txt"]);
    fs::write(place.root().join("usual"), "").unwrap();
    assert_eq!(mode(&place, "new.txt"), mode(&place, "usual") & 0o644);
}

#[tokio::test]
async fn a_file_that_was_not_read_is_not_replaced() {
    let place = Place::new();
    place.file("file", "precious");
    let (mine, other) = (Connection::of(&place), Connection::of(&place));
    other.read("file").await;
    assert_eq!(code(mine.write("file", "new").await), "NOT_READ");
    assert_eq!(content(&place, "file"), "precious");
    assert_eq!(place.names("."), ["file"]);
}

/// T3: the mode.
#[tokio::test]
async fn a_file_that_was_read_is_replaced_and_keeps_its_mode() {
    let place = Place::new();
    for kept in [0o600, 0o640, 0o755, 0o777, 0o666] {
        let file = place.file("file", "old");
        fs::set_permissions(&file, fs::Permissions::from_mode(kept)).unwrap();
        let connection = Connection::of(&place);
        connection.read("file").await;
        let written = connection.write("file", "new").await.unwrap();
        assert_eq!(written["created"], false);
        assert_eq!(content(&place, "file"), "new");
        assert_eq!(mode(&place, "file"), kept, "{kept:o}");
    }
    assert_eq!(place.names("."), ["file"]);
}

#[tokio::test]
async fn what_runs_as_somebody_else_does_so_no_more() {
    let place = Place::new();
    let file = place.file("file", "old");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o6755)).unwrap();
    let connection = Connection::of(&place);
    connection.read("file").await;
    connection.write("file", "new").await.unwrap();
    assert_eq!(mode(&place, "file"), 0o755);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_keeps_its_owner_where_the_server_may_give_it() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    let file = place.file("file", "old");
    std::os::unix::fs::chown(&file, Some(1234), Some(5678)).unwrap();
    let connection = Connection::of(&place);
    connection.read("file").await;
    connection.write("file", "new").await.unwrap();
    let found = fs::metadata(&file).unwrap();
    assert_eq!((found.uid(), found.gid()), (1234, 5678));
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_read_is_not_replaced() {
    let place = Place::new();
    let file = place.file("file", "old 1");
    let connection = Connection::of(&place);
    let modified = fs::metadata(&file).unwrap().modified().unwrap();

    connection.read("file").await;
    fs::write(&file, "old 22").unwrap();
    assert_eq!(
        code(connection.write("file", "new").await),
        "CHANGED_SINCE_READ"
    );

    // Another file of the same length and the same time of change.
    connection.read("file").await;
    let made = place.file("made", "old 33");
    fs::File::options()
        .write(true)
        .open(&made)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    connection.read("file").await;
    fs::rename(&made, &file).unwrap();
    assert_eq!(
        code(connection.write("file", "new").await),
        "CHANGED_SINCE_READ"
    );
    assert_eq!(content(&place, "file"), "old 33");

    connection.read("file").await;
    connection.write("file", "new").await.unwrap();
    assert_eq!(content(&place, "file"), "new");
}

#[tokio::test]
async fn what_a_connection_wrote_it_may_replace() {
    let place = Place::new();
    let connection = Connection::of(&place);
    for text in ["one", "two", "three"] {
        connection.write("file", text).await.unwrap();
        assert_eq!(content(&place, "file"), text);
    }
    fs::write(place.root().join("file"), "four").unwrap();
    assert_eq!(
        code(connection.write("file", "5").await),
        "CHANGED_SINCE_READ"
    );
}

#[tokio::test]
async fn directories_are_made_for_who_asks_for_them() {
    let place = Place::new();
    place.file("file", "");
    let connection = Connection::of(&place);
    let write = async |path: &str, create_dirs: bool| {
        let args = json!({"path": path, "content": "x", "create_dirs": create_dirs});
        connection.write_with(args).await
    };
    assert_eq!(code(write("a/b/new", false).await), "NO_DIRECTORY");
    assert_eq!(place.names("."), ["file"]);
    assert_eq!(code(write("file/new", false).await), "NO_DIRECTORY");
    assert_eq!(code(write("file/new", true).await), "NO_DIRECTORY");
    assert_eq!(code(write("file/b/new", true).await), "NO_DIRECTORY");

    write("a/b/new", true).await.unwrap();
    assert_eq!(content(&place, "a/b/new"), "x");
    write("a/b/newer", false).await.unwrap();
    let root = place.root().display().to_string();
    write(&format!("{root}/c/new"), true).await.unwrap();
    assert_eq!(place.names("."), ["a", "c", "file"]);
}

#[tokio::test]
async fn a_link_is_followed_and_stays() {
    let place = Place::new();
    place.file("dir/file", "old");
    place.link("link", "dir/file");
    place.link("nowhere", "dir/missing");
    let connection = Connection::of(&place);
    connection.read("dir/file").await;
    connection.write("link", "new").await.unwrap();
    assert_eq!(content(&place, "dir/file"), "new");
    assert!(
        fs::symlink_metadata(place.root().join("link"))
            .unwrap()
            .is_symlink()
    );

    assert_eq!(code(connection.write("nowhere", "new").await), "NOT_A_FILE");
    assert_eq!(place.names("dir"), ["file"]);
}

/// T2: a FIFO, a device and what else is no file.
#[tokio::test]
async fn what_is_no_file_is_not_replaced() {
    let place = Place::new();
    place.file("dir/file", "old");
    let _listener = UnixListener::bind(place.root().join("socket")).unwrap();
    let root = place.root().display().to_string();
    let connection = Connection::of(&place);
    let mut paths = vec![
        "dir", "dir/", "new/", "dir/.", "dir/..", ".", "..", "socket", &root,
    ];
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, Mode, mkfifoat};
        mkfifoat(CWD, place.root().join("fifo"), Mode::RWXU).unwrap();
        paths.push("fifo");
    }
    for path in paths {
        let refused = code(connection.write(path, "new").await);
        let right = if path == ".." {
            "OUTSIDE_ROOT"
        } else {
            "NOT_A_FILE"
        };
        assert_eq!(refused, right, "{path}");
    }
    let devices = registry_at("/dev").get("ref:fs.write").unwrap();
    for path in ["zero", "null"] {
        let args = json!({"path": path, "content": "new"});
        let refused = read(&devices, args, &CallContext::for_test()).await;
        assert_eq!(code(refused), "NOT_A_FILE", "{path}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_the_server_may_not_write_to_is_denied() {
    // Root writes to any file but a kernel setting that is for reading only.
    let root = rustix::process::geteuid().is_root();
    let place = Place::new();
    let (registry, path) = if root {
        (registry_at("/proc/sys/kernel"), "osrelease")
    } else {
        let file = place.file("file", "");
        fs::set_permissions(file, fs::Permissions::from_mode(0o444)).unwrap();
        (registry_at(place.root()), "file")
    };
    let ctx = CallContext::for_test();
    for (id, args) in [
        ("ref:fs.write", json!({"path": path, "content": "new"})),
        (
            "ref:fs.edit",
            json!({"path": path, "old_string": ".", "new_string": ""}),
        ),
    ] {
        let tool = registry.get(id).unwrap();
        assert_eq!(code(read(&tool, args, &ctx).await), "PERMISSION_DENIED");
    }
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let place = Place::new();
    place.file("file", "old");
    let connection = Connection::dry(&place);
    assert_eq!(code(connection.write("file", "new").await), "NOT_READ");
    connection.read("file").await;
    let written = connection.write("file", "newer").await.unwrap();
    assert_eq!(
        written,
        json!({"path": "file", "created": false, "bytes_written": 5, "dry_run": true})
    );
    let args = json!({"path": "a/new", "content": "", "create_dirs": true});
    assert_eq!(connection.write_with(args).await.unwrap()["created"], true);
    assert_eq!(code(connection.write("a/new", "").await), "NO_DIRECTORY");
    assert_eq!(content(&place, "file"), "old");
    assert_eq!(place.names("."), ["file"]);
}

#[tokio::test]
async fn a_call_that_is_out_of_time_changes_nothing() {
    let place = Place::new();
    place.file("file", "old");
    let late = with(Duration::ZERO);
    let connection = Connection::with(&place, late.clone());
    assert_eq!(code(connection.write("new", "new").await), "OUT_OF_TIME");
    Connection::with(
        &place,
        CallSetup {
            surroundings: late.surroundings.clone(),
            ..CallSetup::for_test()
        },
    )
    .read("file")
    .await;
    let late = Connection::with(&place, late);
    assert_eq!(code(late.write("file", "new").await), "OUT_OF_TIME");
    assert_eq!(content(&place, "file"), "old");
    assert_eq!(place.names("."), ["file"]);
}

#[tokio::test]
async fn a_call_that_has_ended_changes_nothing() {
    let place = Place::new();
    let connection = Connection::of(&place);
    connection.ctx.end();
    assert_eq!(code(connection.write("new", "new").await), "OUT_OF_TIME");
    assert!(place.names(".").is_empty());
}

#[tokio::test]
async fn another_name_of_the_old_file_keeps_the_old_content() {
    let place = Place::new();
    let file = place.file("file", "old");
    fs::hard_link(&file, place.root().join("other")).unwrap();
    symlink("file", place.root().join("link")).unwrap();
    let connection = Connection::of(&place);
    connection.read("file").await;
    connection.write("file", "new").await.unwrap();
    assert_eq!(content(&place, "other"), "old");
    assert_eq!(content(&place, "link"), "new");
}
