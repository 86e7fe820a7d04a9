//! No document is longer, and no call takes longer, than it may.

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atd_registry::{CallSetup, RegisteredTool};
use atd_tools::Resolver;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot::{Receiver, channel};

use crate::support::{Server, answer, closed, fetch_in, ok, open_to, outcome, tool};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(body: impl AsRef<[u8]>) -> Vec<u8> {
    let headers = "content-type: text/plain\r\ncontent-encoding: gzip\r\n";
    answer("200 OK", headers, body)
}

#[tokio::test]
async fn a_document_may_be_as_long_as_the_limit_and_no_longer() {
    let server = Server::start(|path| {
        let length: usize = path[2..].parse().unwrap();
        let body = "x".repeat(length);
        match &path[1..2] {
            "l" => ok("text/plain", body),
            "c" => format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n\
                 {length:x}\r\n{body}\r\n0\r\n\r\n"
            )
            .into_bytes(),
            "u" => {
                format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n{body}").into_bytes()
            }
            _ => gzipped(gzip(body.as_bytes())),
        }
    })
    .await;
    let tool = tool(open_to(&[&server]).max_bytes(1000));
    for kind in ["l", "c", "u", "g"] {
        let just = outcome(&tool, &server.url(&format!("/{kind}1000"))).await;
        assert_eq!(just, Ok("x".repeat(1000)), "{kind}");
        let over = outcome(&tool, &server.url(&format!("/{kind}1001"))).await;
        assert_eq!(over, Err("TOO_LARGE".to_owned()), "{kind}");
    }
}

/// T4 names no bomb, and it is one all the same: 64 MiB in 64 KiB.
#[tokio::test]
async fn a_gzip_bomb_is_not_inflated() {
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 1 << 17);
    let server = Server::saying(gzipped(bomb)).await;
    let tool = tool(open_to(&[&server]));
    let outcome = outcome(&tool, &server.url("/")).await;
    assert_eq!(outcome, Err("TOO_LARGE".to_owned()));
}

#[tokio::test]
async fn members_that_come_to_nothing_do_not_go_on_for_ever() {
    let server = Server::saying(gzipped(gzip(b"").repeat(1000))).await;
    let tool = tool(open_to(&[&server]).max_bytes(1000));
    let outcome = outcome(&tool, &server.url("/")).await;
    assert_eq!(outcome, Err("TOO_LARGE".to_owned()));
}

#[tokio::test]
async fn what_is_announced_too_long_is_not_read() {
    let head =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 99999999999\r\n\r\n";
    let server = Server::saying(head.to_vec()).await;
    let tool = tool(open_to(&[&server]));
    let outcome = outcome(&tool, &server.url("/")).await;
    assert_eq!(outcome, Err("TOO_LARGE".to_owned()));
}

#[tokio::test]
async fn gzip_that_is_cut_or_none_is_a_failure() {
    let whole = gzip(b"hello hello hello");
    let server = Server::start({
        let whole = whole.clone();
        move |path| match path {
            "/two" => gzipped([whole.clone(), whole.clone()].concat()),
            "/none" => gzipped("hello"),
            "/empty" => gzipped(""),
            path => gzipped(&whole[..path[1..].parse().unwrap()]),
        }
    })
    .await;
    let tool = tool(open_to(&[&server]));
    for cut in 1..whole.len() {
        let outcome = outcome(&tool, &server.url(&format!("/{cut}"))).await;
        assert_eq!(outcome, Err("HTTP_FAILED".to_owned()), "{cut}");
    }
    assert_eq!(
        outcome(&tool, &server.url("/none")).await,
        Err("HTTP_FAILED".to_owned())
    );
    let two = outcome(&tool, &server.url("/two")).await;
    assert_eq!(two, Ok("hello hello hello".repeat(2)));
    assert_eq!(
        outcome(&tool, &server.url("/empty")).await,
        Ok(String::new())
    );
}

/// A server that takes one connection, says something, and then nothing.
struct Silent {
    port: u16,
    is_asked: Receiver<()>,
    is_left: Receiver<()>,
}

impl Silent {
    async fn after(before: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, is_asked) = channel();
        let (left, is_left) = channel();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream.write_all(before).await.unwrap();
            // Not every test waits for each of these.
            let _ = asked.send(());
            // Ends when the client closes.
            let _ = stream.read_to_end(&mut Vec::new()).await;
            let _ = left.send(());
        });
        Self {
            port,
            is_asked,
            is_left,
        }
    }

    fn tool(&self, timeout: Duration) -> Arc<RegisteredTool> {
        tool(
            closed(&[self.port])
                .allow_network("127.0.0.1")
                .timeout(timeout),
        )
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/", self.port)
    }
}

/// Where a server may stop: at each, time passes on its own, for nothing else
/// moves.
#[tokio::test(start_paused = true)]
async fn a_server_that_stops_is_left_when_the_time_is_up() {
    const STOPS: &[&[u8]] = &[
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ];
    for stop in STOPS {
        for scheme in ["http", "https"] {
            let server = Silent::after(stop).await;
            let tool = server.tool(Duration::from_secs(30));
            let outcome = outcome(&tool, &server.url(scheme)).await;
            let is_broken = scheme == "https" && !stop.is_empty();
            let code = if is_broken { "TLS_FAILED" } else { "TIMEOUT" };
            assert_eq!(outcome, Err(code.to_owned()), "{scheme}");
            server.is_left.await.unwrap();
        }
    }
}

/// D1: an answer comes before the call's deadline, whatever the operator says.
#[tokio::test(start_paused = true)]
async fn a_call_is_answered_before_its_deadline() {
    let server = Silent::after(b"").await;
    let tool = server.tool(Duration::from_secs(3600));
    let setup = CallSetup::for_test();
    let deadline = setup.deadline;
    let result = fetch_in(&tool, json!({"url": server.url("http")}), setup).await;
    assert!(result.unwrap_err().to_string().starts_with("TIMEOUT"));
    assert!(deadline > now());
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock that the test has paused"
)]
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection() {
    let server = Silent::after(b"HTTP/1.1 200 OK\r\n").await;
    let tool = server.tool(Duration::from_secs(30));
    let url = server.url("http");
    tokio::select! {
        outcome = outcome(&tool, &url) => panic!("{outcome:?}"),
        // What is not polled any more is dropped.
        asked = server.is_asked => asked.unwrap(),
    }
    server.is_left.await.unwrap();
}

/// A resolver that never answers takes no longer than a call may.
#[tokio::test(start_paused = true)]
async fn a_resolver_that_hangs_is_left_when_the_time_is_up() {
    struct Hanging;
    #[async_trait]
    impl Resolver for Hanging {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            std::future::pending().await
        }
    }
    let tool = tool(closed(&[]).resolver(Hanging));
    let outcome = outcome(&tool, "http://site.example/").await;
    assert_eq!(outcome, Err("TIMEOUT".to_owned()));
}
