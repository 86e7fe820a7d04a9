//! `ref:web.fetch` as a file sets it up. The only server that is asked is one
//! on loopback.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::json;
use support::configured::serving;
use support::{atd, stderr, stdout};

/// Answers one request on loopback, and returns where.
fn page() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<h1>Inside</h1>";
        stream.write_all(answer.as_bytes()).unwrap();
    });
    port
}

#[test]
fn the_file_says_where_the_tool_may_go() {
    let port = page();
    let config = format!(
        "[tools]\nbuiltin = [\"ref:web.fetch\"]\n\
         web = {{ allow_networks = [\"127.0.0.1\"], allow_ports = [{port}] }}\n\
         [grants]\neverybody = [\"web.fetch\"]\n"
    );
    let serving = serving(&[("atd.toml", &config)]);
    let fetched = |url: String| {
        let args = json!({"url": url}).to_string();
        let tool = ["call", "ref:web.fetch", "--request", "web.fetch"];
        let output = serving.ask(&[&tool[..], &["--args", &args]].concat());
        stdout(&output) + &stderr(&output)
    };
    let closed = fetched(format!("http://127.0.0.2:{port}/"));
    assert!(closed.contains("ADDRESS_NOT_ALLOWED"), "{closed}");
    let open = fetched(format!("http://127.0.0.1:{port}/"));
    assert!(open.contains("# Inside"), "{open}");
}

#[test]
fn a_place_that_is_none_is_a_mistake_of_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[tools.web]\n\
        allow_networks = [\"10.0.0.0/8\", \"10.0.0.0/33\"]\n\
        only_hosts = [\"a b\"]\n";
    std::fs::write(folder.path().join("atd.toml"), config).unwrap();
    let mut command = atd();
    command.current_dir(folder.path());
    let started = command
        .args(["serve", "--config", "atd.toml"])
        .output()
        .unwrap();
    let said = stderr(&started);
    assert_eq!(started.status.code(), Some(2), "{said}");
    assert!(
        said.contains("atd.toml:2:33: ")
            && said.contains("10.0.0.0/33")
            && said.contains("atd.toml:3:15: "),
        "{said}"
    );
}
