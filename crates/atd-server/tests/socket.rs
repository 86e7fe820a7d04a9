//! The socket file: whose it is, who may use it, and what is left alone.

mod support;

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::Path;

use atd_proto::Response;
use atd_server::{BindError, Server, ServerHandle};
use support::peer::Peer;
use support::*;

async fn serve(path: &Path) -> Result<ServerHandle, BindError> {
    Server::builder(registry())
        .build()
        .unwrap()
        .serve_unix(path)
        .await
}

/// S2: a dead server's socket is taken over.
#[tokio::test]
async fn a_dead_servers_socket_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("atd.sock");
    drop(StdListener::bind(&path).unwrap());
    assert!(path.exists());
    let _serving = serve(&path).await.unwrap();
    Peer::connect(&path).await.ping().await;
}

/// S2: a live one's is left alone, whether it is ours or somebody else's.
#[tokio::test]
async fn a_live_servers_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("ours.sock");
    let _serving = serve(&ours).await.unwrap();
    let refused = serve(&ours).await.unwrap_err();
    assert!(
        matches!(refused, BindError::InUse { pid: Some(pid), .. } if pid == std::process::id()),
        "{refused}"
    );
    Peer::connect(&ours).await.ping().await;

    let theirs = folder.path().join("theirs.sock");
    let listener = StdListener::bind(&theirs).unwrap();
    let inode = fs::metadata(&theirs).unwrap().ino();
    let refused = serve(&theirs).await.unwrap_err();
    assert!(
        matches!(refused, BindError::InUse { pid: None, .. }),
        "{refused}"
    );
    assert_eq!(fs::metadata(&theirs).unwrap().ino(), inode);
    drop(listener);
}

/// S2: a file, a directory or a symlink is left alone.
#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let check = async |name: &str, kind: &str| {
        let path = folder.path().join(name);
        let refused = serve(&path).await.unwrap_err();
        assert!(matches!(refused, BindError::NotASocket { .. }), "{refused}");
        assert!(refused.to_string().contains(kind), "{refused}");
        assert!(path.symlink_metadata().is_ok());
    };
    fs::write(folder.path().join("file"), "precious").unwrap();
    check("file", "a file").await;
    assert_eq!(
        fs::read_to_string(folder.path().join("file")).unwrap(),
        "precious"
    );
    fs::create_dir(folder.path().join("directory")).unwrap();
    check("directory", "a directory").await;

    let dead = folder.path().join("dead.sock");
    drop(StdListener::bind(&dead).unwrap());
    symlink(&dead, folder.path().join("link")).unwrap();
    check("link", "a symbolic link").await;
    symlink(
        folder.path().join("nowhere"),
        folder.path().join("dangling"),
    )
    .unwrap();
    check("dangling", "a symbolic link").await;
}

#[tokio::test]
async fn a_lock_that_is_a_symlink_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    symlink(&precious, folder.path().join(".atd.sock.atd-lock")).unwrap();
    let refused = serve(&folder.path().join("atd.sock")).await.unwrap_err();
    assert!(matches!(refused, BindError::Io { .. }), "{refused}");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
}

#[tokio::test]
async fn a_file_that_stands_where_the_lock_would_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join(".atd.sock.atd-lock");
    fs::write(&theirs, "precious").unwrap();
    let refused = serve(&folder.path().join("atd.sock")).await.unwrap_err();
    assert!(matches!(refused, BindError::Io { .. }), "{refused}");
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "precious");
}

#[tokio::test]
async fn a_start_that_is_refused_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes"), "precious").unwrap();
    serve(&folder.path().join("notes")).await.unwrap_err();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// S1: of many starts at once one serves, and the others say why not.
#[tokio::test]
async fn of_many_starts_at_once_one_serves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("atd.sock");
    drop(StdListener::bind(&path).unwrap());
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let path = path.clone();
        starts.spawn(async move { serve(&path).await });
    }
    let (served, refused): (Vec<_>, Vec<_>) =
        starts.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((served.len(), refused.len()), (1, 99));
    assert!(
        refused
            .iter()
            .all(|refused| matches!(refused, Err(BindError::InUse { .. })))
    );
    Peer::connect(&path).await.ping().await;
}

/// S3: the socket is never wider than 0600.
#[tokio::test]
async fn only_the_user_who_serves_may_connect() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder
        .path()
        .join("made")
        .join("on the way")
        .join("atd.sock");
    let _serving = serve(&path).await.unwrap();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&path.with_file_name(".atd.sock.atd-lock")), 0o600);
}

/// S3: another uid is refused unless allowed. Only root can try.
#[tokio::test]
async fn another_user_is_refused_unless_allowed() {
    const STRANGER: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    open(folder.path(), 0o755).unwrap();
    let said = async |server: Server, name: &str| {
        let path = folder.path().join(name);
        let serving = server.serve_unix(&path).await.unwrap();
        open(&path, 0o666).unwrap();
        let heard = tokio::task::spawn_blocking(move || connect_as(STRANGER, &path));
        let heard = heard.await.unwrap();
        drop(serving);
        Response::decode(heard[4..].to_vec().into()).unwrap()
    };
    let closed = Server::builder(registry()).build().unwrap();
    let refused = said(closed, "closed.sock").await;
    assert!(
        matches!(&refused, Response::Error(body) if body.message.contains("65534")),
        "{refused:?}"
    );
    let gate = atd_gate::Gate::builder().allow_uid(STRANGER).build();
    let opened = Server::builder(registry()).gate(gate).build().unwrap();
    assert_eq!(said(opened, "open.sock").await, Response::Pong);
}

/// Pings as another user, and returns what the server said before it closed.
fn connect_as(uid: u32, path: &Path) -> Vec<u8> {
    let path = path.to_owned();
    // A thread has credentials of its own, and takes them with it.
    let other = std::thread::spawn(move || {
        let uid = rustix::process::Uid::from_raw(uid);
        rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
        let mut stream = StdStream::connect(path).unwrap();
        let ping = support::peer::frame(&atd_proto::Request::Ping);
        // A server that refuses may have closed by now.
        let _ = std::io::Write::write_all(&mut stream, &ping);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard);
        heard
    });
    other.join().unwrap()
}

#[tokio::test]
async fn a_socket_that_somebody_has_put_in_our_place_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("atd.sock");
    let serving = serve(&path).await.unwrap();
    fs::remove_file(&path).unwrap();
    let _theirs = StdListener::bind(&path).unwrap();
    serving.shutdown().await;
    assert!(path.exists());
}

#[tokio::test]
async fn a_path_that_cannot_be_a_socket_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let too_long = folder.path().join("x".repeat(200));
    let refused = serve(&too_long).await.unwrap_err();
    assert!(matches!(refused, BindError::Io { .. }), "{refused}");
    fs::write(folder.path().join("file"), "").unwrap();
    let below_a_file = folder.path().join("file").join("atd.sock");
    assert!(matches!(
        serve(&below_a_file).await,
        Err(BindError::Io { .. })
    ));
}
