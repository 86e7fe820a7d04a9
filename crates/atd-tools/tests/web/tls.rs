//! `https`, with certificates that the operator trusts.

use rcgen::{CertificateParams, date_time_ymd};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Authority, Names, Server, authority, closed, fetch, ok, outcome, tool};

fn hello() -> Vec<u8> {
    ok("text/plain", "hello")
}

fn names() -> Names {
    let here: &[&str] = &["127.0.0.1"];
    Names::new([
        ("site.example", here),
        ("other.example", here),
        ("site.example.", here),
    ])
}

/// What fetching from `host` of that server ends in.
async fn outcome_at(server: &Server, host: &str) -> Result<String, String> {
    let builder = closed(&[server.port()]).allow_network("127.0.0.1/32");
    let url = format!("https://{host}:{}/", server.port());
    outcome(&tool(builder.resolver(names())), &url).await
}

#[tokio::test]
async fn a_certificate_of_a_root_that_the_operator_trusts_is_good() {
    let config = authority().server_config(&["site.example", "127.0.0.1"]);
    let server = Server::secure(config, hello()).await;
    for host in [
        "site.example",
        "SITE.example",
        "site.example.",
        "127.0.0.1",
        "127.1",
    ] {
        assert_eq!(
            outcome_at(&server, host).await,
            Ok("hello".to_owned()),
            "{host}"
        );
    }
    let head = &server.requests()[0];
    assert!(
        head.contains(&format!("host: site.example:{}", server.port())),
        "{head}"
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let config = authority().server_config(&["site.example"]);
    let server = Server::secure(config, hello()).await;
    for host in ["other.example", "127.0.0.1"] {
        assert_eq!(
            outcome_at(&server, host).await,
            Err("TLS_FAILED".to_owned()),
            "{host}"
        );
    }
    assert!(server.requests().is_empty());
}

/// The library's message repeats every name in the certificate.
#[tokio::test]
async fn a_certificate_with_very_many_names_makes_no_long_message() {
    let names: Vec<String> = (0..1000).map(|n| format!("n{n}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let server = Server::secure(authority().server_config(&names), hello()).await;
    let tool = tool(closed(&[server.port()]).allow_network("127.0.0.1"));
    let args = json!({"url": format!("https://127.0.0.1:{}/", server.port())});
    let says = fetch(&tool, args).await.unwrap_err().to_string();
    assert!(
        says.contains("TLS_FAILED") && says.contains("n0.example"),
        "{says}"
    );
    assert!(says.chars().count() < 1100, "{}", says.len());
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_refused() {
    let config = Authority::new().server_config(&["site.example"]);
    let server = Server::secure(config, hello()).await;
    assert_eq!(
        outcome_at(&server, "site.example").await,
        Err("TLS_FAILED".to_owned())
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_certificate_that_is_past_is_refused() {
    let mut params = CertificateParams::new(vec!["site.example".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
    let server = Server::secure(authority().config_for(&params), hello()).await;
    assert_eq!(
        outcome_at(&server, "site.example").await,
        Err("TLS_FAILED".to_owned())
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&hello()).await.unwrap();
        // Open until the client closes.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let tool = tool(closed(&[port]).allow_network("127.0.0.1"));
    let outcome = outcome(&tool, &format!("https://127.0.0.1:{port}/")).await;
    assert_eq!(outcome, Err("TLS_FAILED".to_owned()));
}
