//! Getting a connection, or not.

use std::{fs, os::unix::net::UnixDatagram, path::Path, time::Duration};

use atd_client::{Client, ClientError, ConnectOptions, Obstacle};
use tokio::{
    net::{UnixListener, UnixSocket},
    time::{Instant, advance},
};

use crate::support::{Peer, answered, limit, socket_in};

const PONG: &str = r#"{"type":"pong"}"#;

#[expect(
    clippy::disallowed_methods,
    reason = "the tests that ask have paused the runtime's clock"
)]
fn now() -> Instant {
    Instant::now()
}

fn steady() -> ConnectOptions {
    ConnectOptions::new().jitter(false)
}

async fn fails(options: &ConnectOptions, path: &Path) -> (u32, Obstacle, String) {
    let error = options.connect(path).await.unwrap_err();
    let shown = error.to_string();
    assert!(shown.contains(&format!("{path:?}")), "{shown}");
    match error {
        ClientError::Connect {
            path: told,
            attempts,
            obstacle,
            ..
        } => {
            assert_eq!(told, path);
            (attempts, obstacle, shown)
        }
        other => panic!("{other:?} should be about connecting"),
    }
}

#[tokio::test(start_paused = true)]
async fn waits_double_up_to_the_longest() {
    let dir = tempfile::tempdir().unwrap();
    let options = steady()
        .attempts(limit(6))
        .backoff(Duration::from_millis(100), Duration::from_millis(500));
    let start = now();
    let (attempts, obstacle, shown) = fails(&options, &socket_in(&dir)).await;
    assert_eq!((attempts, obstacle), (6, Obstacle::Absent));
    assert_eq!(start.elapsed().as_millis(), 100 + 200 + 400 + 500 + 500);
    assert!(shown.contains("attempts: 6"), "{shown}");
    assert!(shown.contains("No such file"), "{shown}");
    assert!(shown.contains("start the server"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn by_default_a_missing_server_is_waited_for_some_two_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let start = now();
    let (attempts, ..) = fails(&steady(), &socket_in(&dir)).await;
    assert_eq!((attempts, start.elapsed().as_millis()), (8, 2575));
}

#[tokio::test(start_paused = true)]
async fn jitter_shortens_a_wait_by_half_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let pause = Duration::from_secs(10);
    let options = ConnectOptions::new()
        .attempts(limit(2))
        .backoff(pause, pause);
    let mut waits = Vec::new();
    for _ in 0..20 {
        let start = now();
        fails(&options, &socket_in(&dir)).await;
        waits.push(start.elapsed());
    }
    let bounds = pause / 2..=pause + Duration::from_millis(1);
    assert!(waits.iter().all(|wait| bounds.contains(wait)), "{waits:?}");
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 1, "not all the same");
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_bounds_does_not_overflow() {
    let dir = tempfile::tempdir().unwrap();
    let options = ConnectOptions::new()
        .attempts(limit(u32::MAX))
        .backoff(Duration::MAX, Duration::MAX);
    let connecting = options.connect(socket_in(&dir));
    let ages = Duration::from_secs(1_000_000);
    assert!(tokio::time::timeout(ages, connecting).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_up_is_found() {
    // Nothing there at first, or the socket that a dead server left behind.
    for left_behind in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = socket_in(&dir);
        if left_behind {
            drop(UnixListener::bind(&path).unwrap());
            let (.., obstacle, _) = fails(&steady().attempts(limit(1)), &path).await;
            assert_eq!(obstacle, Obstacle::NotListening);
        }
        let (client, mut peer) =
            tokio::join!(async { steady().connect(&path).await.unwrap() }, async {
                advance(Duration::from_millis(300)).await;
                if left_behind {
                    fs::remove_file(&path).unwrap();
                }
                let listener = UnixListener::bind(&path).unwrap();
                Peer::new(listener.accept().await.unwrap().0)
            });
        answered(&mut peer, PONG, client.ping()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_with_its_hands_full_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = socket_in(&dir);
    let socket = UnixSocket::new_stream().unwrap();
    socket.bind(&path).unwrap();
    let listener = socket.listen(1).unwrap();
    // Fill the queue of those who wait to be accepted.
    let once = steady().attempts(limit(1));
    let mut others = Vec::new();
    let error = loop {
        match once.connect(&path).await {
            Ok(client) => others.push(client),
            Err(error) => break error,
        }
        assert!(others.len() < 100, "the queue should be full");
    };
    assert!(matches!(
        error,
        ClientError::Connect {
            obstacle: Obstacle::Busy,
            ..
        }
    ));

    let queued = others.len();
    let (client, mut peer) =
        tokio::join!(async { steady().connect(&path).await.unwrap() }, async {
            advance(Duration::from_millis(300)).await;
            for _ in 0..queued {
                listener.accept().await.unwrap();
            }
            Peer::new(listener.accept().await.unwrap().0)
        });
    answered(&mut peer, PONG, client.ping()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_will_not_pass_is_not_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let other_kind = dir.path().join("datagrams");
    let _socket = UnixDatagram::bind(&other_kind).unwrap();

    let check = async |path: &Path, obstacle: Obstacle, advice: &str| {
        let start = now();
        let (attempts, found, shown) = fails(&ConnectOptions::new(), path).await;
        assert_eq!((attempts, found), (1, obstacle), "{path:?}");
        assert!(!found.may_pass());
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(shown.contains(advice), "{shown}");
    };
    check(&file, Obstacle::NotASocket, "is no socket").await;
    check(dir.path(), Obstacle::NotASocket, "is no socket").await;
    check(&other_kind, Obstacle::Other, "the system").await;
    check(&file.join("below"), Obstacle::BadPath, "check it").await;
    let long = dir.path().join("x".repeat(200));
    check(&long, Obstacle::BadPath, "shorter").await;
    check(Path::new(""), Obstacle::BadPath, "check it").await;
    let nul = dir.path().join("a\0b");
    check(&nul, Obstacle::BadPath, "check it").await;
}

#[tokio::test]
async fn connecting_is_one_line_for_who_has_no_wishes() {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(socket_in(&dir)).unwrap();
    let client = Client::connect(socket_in(&dir)).await.unwrap();
    let mut peer = Peer::new(listener.accept().await.unwrap().0);
    answered(&mut peer, PONG, client.ping()).await.unwrap();
}
