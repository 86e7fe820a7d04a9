//! What many connections and many calls cost, and that it comes back. The short
//! form runs with the tests, the long one with `cargo xtask soak`.

#![cfg(target_os = "linux")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use atd_audit::JsonLinesAuditSink;
use atd_client::Client;
use atd_proto::{ErrorCode, Hello, MAX_FRAME_BODY, Request, ToolFilter};
use serde_json::json;
use support::peer::{frame, tagged};
use support::process::{allow_descriptors, alone, descriptors, long, memory, size, threads};
use support::serving::{Serving, run_tool, serve_with};
use support::*;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn open(serving: &Serving) -> u64 {
    serving.handle.server().metrics_snapshot().connections_open
}

async fn connections(serving: &Serving, count: u64) {
    while open(serving) != count {
        tokio::task::yield_now().await;
    }
}

/// N1: open connections take at most 8 KiB of resident memory each while idle.
/// Client and server are both in this process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::await_holding_lock, reason = "no other test may run meanwhile")]
#[expect(clippy::disallowed_methods, reason = "the long form measures a time")]
async fn an_idle_connection_takes_little_memory() {
    let _alone = alone();
    let count = size(1_000, 9_000);
    allow_descriptors(count as u64 * 2 + 200);
    let serving = serve_with(|builder| builder.max_connections(20_000)).await;
    let mut peers = Vec::with_capacity(count);
    // What the first ones make the process have, whatever their number.
    for _ in 0..50 {
        let mut peer = serving.connect().await;
        peer.ping().await;
        peers.push(peer);
    }
    let before = memory();
    for _ in 50..count {
        let mut peer = serving.connect().await;
        peer.ping().await;
        peer.ask(1, run_tool("test:ok.echo", json!([1, 2, 3])))
            .await;
        result(peer.answer_to(1).await);
        peers.push(peer);
    }
    let each = memory().saturating_sub(before) / (count - 50);
    assert!(each <= 8 * KIB, "{each} bytes each");
    if long() {
        let mut took = Vec::new();
        for peer in &mut peers {
            let start = std::time::Instant::now();
            peer.ping().await;
            took.push(start.elapsed());
        }
        took.sort_unstable();
        let p99 = took[took.len() * 99 / 100];
        println!("N1: {each} bytes each, ping p99 {p99:?}");
        assert!(p99 <= Duration::from_millis(20), "{p99:?}");
    }
    drop(peers);
    connections(&serving, 0).await;
}

/// F3: bodies of 10 MiB that are announced and not sent: resident memory grows
/// by at most 64 MiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::await_holding_lock, reason = "no other test may run meanwhile")]
async fn an_announced_body_costs_nothing() {
    let _alone = alone();
    let count = size(1_000, 1_000);
    allow_descriptors(count as u64 * 2 + 200);
    let serving = serve_with(|builder| builder.max_connections(2_000)).await;
    let announced = u32::try_from(MAX_FRAME_BODY).unwrap().to_be_bytes();
    let before = memory();
    let mut peers = Vec::new();
    for _ in 0..count {
        let mut peer = serving.connect().await;
        peer.bytes(&announced).await;
        peer.bytes(b"{").await;
        peers.push(peer);
    }
    connections(&serving, count as u64).await;
    serving.connect().await.ping().await;
    let grown = memory().saturating_sub(before);
    assert!(grown <= 64 * MIB, "{grown} bytes");
}

/// N3: clients that send a byte now and then before their first frame is whole
/// are told so and closed at the deadline; an idle one is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::await_holding_lock, reason = "no other test may run meanwhile")]
async fn clients_that_drip_are_closed_at_the_deadline() {
    let _alone = alone();
    let count = size(100, 1_000);
    allow_descriptors(count as u64 * 2 + 200);
    let (timeout, drip) = if long() {
        (Duration::from_secs(5), Duration::from_secs(1))
    } else {
        (Duration::from_millis(300), Duration::from_millis(50))
    };
    let serving = serve_with(|builder| builder.frame_timeout(timeout).max_connections(2_000)).await;
    let mut idle = serving.connect().await;
    let mut dripping = JoinSet::new();
    for _ in 0..count {
        let mut peer = serving.connect().await;
        dripping.spawn(async move {
            let whole = frame(&run_tool("test:ok.echo", json!("x".repeat(1_000))));
            let mut bytes = whole.iter();
            let mut ticks = tokio::time::interval(drip);
            loop {
                ticks.tick().await;
                if peer
                    .stream
                    .write_all(&[*bytes.next().unwrap()])
                    .await
                    .is_err()
                {
                    break;
                }
            }
            let (code, _) = error(peer.answer().await.unwrap());
            assert_eq!(code, ErrorCode::BAD_REQUEST);
            peer.closed().await;
        });
    }
    while let Some(told) = dripping.join_next().await {
        told.unwrap();
    }
    idle.ping().await;
}

/// N4: clients that send half a frame, or read nothing, are let go, and what
/// they took comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::await_holding_lock, reason = "no other test may run meanwhile")]
async fn what_bad_clients_took_comes_back() {
    let _alone = alone();
    let count = size(100, 1_000);
    allow_descriptors(count as u64 * 2 + 200);
    let timeout = Duration::from_millis(if long() { 2_000 } else { 200 });
    let serving = serve_with(|builder| {
        builder
            .frame_timeout(timeout)
            .write_timeout(timeout)
            .max_connections(2_000)
    })
    .await;
    let round = async || {
        let mut peers = Vec::new();
        for n in 0..count {
            let mut peer = serving.connect().await;
            if n % 2 == 0 {
                peer.bytes(&[0, 0, 1, 0, b'{']).await;
            } else {
                let list = Request::ToolList(ToolFilter::default());
                let mut flood = frame(&list).repeat(500);
                flood.extend(tagged(1, run_tool("test:bad.waits", json!({}))));
                // The server stops reading when it cannot write.
                let _ = peer.stream.try_write(&flood);
            }
            peers.push(peer);
        }
        connections(&serving, 0).await;
    };
    // What the process keeps once it has had it is not counted; its allocator
    // takes some rounds to have had it all.
    for _ in 0..3 {
        round().await;
    }
    let (had, open) = (memory(), descriptors());
    round().await;
    let calls = || serving.handle.server().metrics_snapshot().calls_in_flight;
    assert_eq!((descriptors(), calls()), (open, 0));
    let grown = memory().saturating_sub(had);
    assert!(grown <= 4 * MIB, "{grown} bytes");
}

/// N6: after many calls of every kind the memory is as it was, and no
/// descriptor and no thread is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::await_holding_lock, reason = "no other test may run meanwhile")]
async fn after_many_calls_all_is_as_it_was() {
    let _alone = alone();
    let calls = size(20_000, 1_000_000);
    let sink = JsonLinesAuditSink::builder().capacity(64 * KIB);
    let sink = Arc::new(sink.writer(Box::new(std::io::sink())).unwrap());
    let serving = serve_with(|builder| builder.audit(sink)).await;
    let path = serving.handle.path().to_owned();
    let round = async |calls: usize| {
        let mut clients = JoinSet::new();
        for client in 0..8 {
            let path = path.clone();
            clients.spawn(async move {
                let mut connected = connect(&path, client).await;
                for n in 0..calls / 8 {
                    // Connections come and go as well.
                    if n % 500 == 499 {
                        connected = connect(&path, client).await;
                    }
                    some_call(&connected, n).await;
                }
            });
        }
        while let Some(done) = clients.join_next().await {
            done.unwrap();
        }
        connections(&serving, 0).await;
    };
    // As many, until the allocator has what it takes.
    round(calls).await;
    let (had, open, running) = (memory(), descriptors(), threads());
    round(calls).await;
    assert_eq!(descriptors(), open);
    assert!(threads() <= running, "{} threads of {running}", threads());
    // One in a hundred; the short form has too little to divide by what an
    // allocator is off by.
    let allowed = if long() { had / 100 } else { 512 * KIB };
    let now = memory();
    println!("N6: {had} bytes before {calls} calls, {now} after");
    assert!(now <= had + allowed, "{had} bytes before, {now} after");
}

async fn connect(path: &std::path::Path, n: usize) -> Client {
    let client = Client::connect(path).await.unwrap();
    if n.is_multiple_of(2) {
        client.hello(Hello::default()).await.unwrap();
    }
    client
}

/// One of the ways in which a call may go.
async fn some_call(client: &Client, n: usize) {
    let empty = json!({});
    let none = |args| async move { client.call("test:ok.echo", &args).await.map(drop) };
    let ended = match n % 64 {
        0 => client.call("test:bad.fails", &empty).await.map(drop),
        1 => client.call("test:no.such", &empty).await.map(drop),
        2 => client.call("test:ok.denied", &empty).await.map(drop),
        3 => client
            .call("test:ok.typed", &json!({"count": 0}))
            .await
            .map(drop),
        4 => {
            // Given up on: a cancel where the server was greeted, and a client
            // that leaves later where it was not.
            let mut given_up = Box::pin(client.call("test:bad.hangs", &empty));
            tokio::select! {
                biased;
                _ = &mut given_up => {}
                () = tokio::task::yield_now() => {}
            }
            return;
        }
        5 => client.list().await.map(drop),
        _ => none(json!({"n": n, "text": "x".repeat(n % 300)})).await,
    };
    // Some of them are meant to fail.
    drop(ended);
}
