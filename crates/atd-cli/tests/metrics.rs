//! The metrics page of `atd serve --metrics`, as HTTP clients find it.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use support::{Serving, atd, stderr};

/// Serves with a page on a free port; the port's address.
fn serving() -> (Serving, String) {
    let serving = Serving::start(&["--metrics", "127.0.0.1:0"]);
    let (_, rest) = serving
        .greeting
        .split_once("metrics are at http://")
        .unwrap();
    let (address, _) = rest.split_once("/metrics\n").unwrap();
    let address = address.to_owned();
    (serving, address)
}

/// All that comes back for these bytes.
fn exchange(mut stream: impl Read + Write, request: &[u8]) -> String {
    // A server that refuses early may have closed before it was all sent.
    let _ = stream.write_all(request);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

const GET: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn the_page_tells_what_was_called() {
    let (serving, address) = serving();
    for _ in 0..3 {
        assert!(serving.ask(&["call", "ref:echo.say"]).status.success());
    }
    assert!(!serving.ask(&["call", "ref:fs.read"]).status.success());
    let answer = exchange(TcpStream::connect(address).unwrap(), GET);
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("\r\nContent-Type: text/plain; version=0.0.4"),
        "{head}"
    );
    assert!(
        head.contains(&format!("\r\nContent-Length: {}", page.len())),
        "{head}"
    );
    for line in [
        r#"atd_calls_total{tool="ref:echo.say",outcome="success"} 3"#,
        r#"atd_calls_total{tool="ref:fs.read",outcome="capability_denied"} 1"#,
        r#"atd_call_duration_seconds_count{tool="ref:echo.say"} 3"#,
        r#"atd_call_duration_seconds_count{tool="ref:fs.read"} 0"#,
        r#"atd_refusals_total{scope="capability"} 1"#,
        "atd_audit_events_lost_total 0",
    ] {
        assert!(
            page.lines().any(|found| found == line),
            "no {line} in {page}"
        );
    }
}

#[test]
fn what_is_no_request_for_the_page_is_told_so() {
    let (_serving, address) = serving();
    let long = format!("GET /metrics HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(9_000));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65));
    for (request, status) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "404 Not Found"),
        (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200 OK"),
        (
            b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
            "405 Method Not Allowed",
        ),
        (b"HEAD /metrics HTTP/1.1\r\n\r\n", "200 OK"),
        (b"\x00\x01\x02\x03\r\n\r\n", "400 Bad Request"),
        (b"GET /metrics HTTP/7\r\n\r\n", "400 Bad Request"),
        (long.as_bytes(), "431 Request Header Fields Too Large"),
        (many.as_bytes(), "431 Request Header Fields Too Large"),
    ] {
        let answer = exchange(TcpStream::connect(&address).unwrap(), request);
        let line = format!("HTTP/1.1 {status}\r\n");
        assert!(answer.starts_with(&line), "{status}: {answer:?}");
        let is_head = request.starts_with(b"HEAD");
        assert_eq!(answer.ends_with("\r\n\r\n"), is_head, "{answer:?}");
    }
}

#[test]
fn readers_that_say_nothing_keep_only_so_many_places() {
    let (_serving, address) = serving();
    let mut silent: Vec<_> = (0..16)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    // Connections are taken in the order in which they were made.
    assert_eq!(exchange(TcpStream::connect(&address).unwrap(), GET), "");
    silent.clear();
    // The places are given back as soon as the server has seen that.
    while exchange(TcpStream::connect(&address).unwrap(), GET).is_empty() {}
}

#[test]
fn a_socket_of_its_own_is_for_this_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.sock");
    let mut serving = Serving::start(&["--metrics", path.to_str().unwrap()]);
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let answer = exchange(UnixStream::connect(&path).unwrap(), GET);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
    let (status, last) = serving.end();
    assert!(status.success(), "{last}");
    assert!(!path.exists());
}

#[test]
fn a_page_for_more_than_this_machine_is_warned_of() {
    let serving = Serving::start(&["--metrics", "0.0.0.0:0"]);
    let greeting = &serving.greeting;
    assert!(
        greeting.contains("everybody who reaches 0.0.0.0:"),
        "{greeting}"
    );
    let (serving, _) = self::serving();
    assert!(!serving.greeting.contains("everybody who reaches"));
}

#[test]
fn an_address_that_cannot_be_had_stops_the_start() {
    let (_serving, address) = serving();
    let folder = tempfile::tempdir().unwrap();
    for (address, code) in [(address.as_str(), 1), ("nowhere", 2), ("9464", 2)] {
        let mut command = atd();
        let socket = folder.path().join("atd.sock");
        let tried = command.args(["serve", "--metrics", address, "--socket"]);
        let output = tried.arg(&socket).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(address), "{}", stderr(&output));
        assert!(!folder.path().join("audit.jsonl").exists());
    }
}
