//! What the operator opens, closes and gets wrong.

use std::time::Duration;

use crate::support::{Names, Server, closed, ok, open_to, outcome, tool};

#[tokio::test]
async fn a_network_is_open_to_its_last_address_and_no_further() {
    let first = Server::on("127.0.0.2", |_| ok("text/plain", "in")).await;
    let second = Server::beside(&first, "127.0.0.3").await;
    let out = Server::beside(&first, "127.0.0.4").await;
    let tool = tool(closed(&[first.port()]).allow_network("127.0.0.2/31"));
    assert_eq!(outcome(&tool, &first.url("/")).await, Ok("in".to_owned()));
    assert_eq!(
        outcome(&tool, &second.url("/")).await,
        Ok("beside".to_owned())
    );
    let refused = outcome(&tool, &out.url("/")).await;
    assert_eq!(refused, Err("ADDRESS_NOT_ALLOWED".to_owned()));
    assert_eq!(out.connections().await, 0);
}

#[tokio::test]
async fn a_host_that_is_open_is_so_by_its_name_alone() {
    let server = Server::saying(ok("text/plain", "in")).await;
    let here: &[&str] = &["127.0.0.1"];
    let names = Names::new([
        ("wiki.example", here),
        ("wiki.example.", here),
        ("a.wiki.example", here),
        ("wiki.example.com", here),
        ("notwiki.example", here),
    ]);
    let tool = tool(
        closed(&[server.port()])
            .allow_host("Wiki.Example")
            .resolver(names),
    );
    let port = server.port();
    for host in ["wiki.example", "WIKI.EXAMPLE", "wiki.example."] {
        let outcome = outcome(&tool, &format!("http://{host}:{port}/")).await;
        assert_eq!(outcome, Ok("in".to_owned()), "{host}");
    }
    for host in [
        "a.wiki.example",
        "wiki.example.com",
        "notwiki.example",
        "127.0.0.1",
    ] {
        let outcome = outcome(&tool, &format!("http://{host}:{port}/")).await;
        assert_eq!(outcome, Err("ADDRESS_NOT_ALLOWED".to_owned()), "{host}");
    }
}

#[tokio::test]
async fn where_some_hosts_are_named_no_other_is_asked_for() {
    let server = Server::saying(ok("text/plain", "in")).await;
    let here: &[&str] = &["127.0.0.1"];
    let names = Names::new([
        ("docs.example", here),
        ("a.site.example", here),
        ("b.a.site.example", here),
    ]);
    let builder = open_to(&[&server]).resolver(names.clone());
    let tool = tool(
        builder
            .only_host("docs.example")
            .only_host("*.site.example"),
    );
    let port = server.port();
    for host in ["docs.example", "a.site.example", "b.a.site.example"] {
        let outcome = outcome(&tool, &format!("http://{host}:{port}/")).await;
        assert_eq!(outcome, Ok("in".to_owned()), "{host}");
    }
    for host in [
        "site.example",
        "x.docs.example",
        "asite.example",
        ".site.example",
        "docs.example.org",
        "127.0.0.1",
        "localhost",
    ] {
        let outcome = outcome(&tool, &format!("http://{host}:{port}/")).await;
        assert_eq!(outcome, Err("URL_NOT_ALLOWED".to_owned()), "{host}");
    }
    // Not even a question left for them: a name may say a secret.
    assert_eq!(names.asked.lock().unwrap().len(), 3);
}

/// To name a host opens none that is private.
#[tokio::test]
async fn a_named_host_still_needs_an_open_address() {
    let server = Server::saying(ok("text/plain", "in")).await;
    let names = Names::new([("docs.example", &["127.0.0.1"][..])]);
    let tool = tool(
        closed(&[server.port()])
            .only_host("docs.example")
            .resolver(names),
    );
    let url = format!("http://docs.example:{}/", server.port());
    let refused = outcome(&tool, &url).await;
    assert_eq!(refused, Err("ADDRESS_NOT_ALLOWED".to_owned()));
    assert_eq!(server.connections().await, 0);
}

/// T4: of ports, only those of the web are open.
#[tokio::test]
async fn other_ports_are_closed() {
    let tool = tool(closed(&[8443]).allow_network("127.0.0.1"));
    for port in [
        1, 21, 22, 25, 79, 81, 444, 2375, 3306, 6379, 8080, 9200, 65535,
    ] {
        for scheme in ["http", "https"] {
            let outcome = outcome(&tool, &format!("{scheme}://127.0.0.1:{port}/")).await;
            assert_eq!(outcome, Err("URL_NOT_ALLOWED".to_owned()), "{port}");
        }
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let error = closed(&[0])
        .allow_network("10.0.0.0/33")
        .allow_network("everything")
        .allow_host("a b")
        .only_host("*.")
        .only_host("http://docs.example/")
        .timeout(Duration::ZERO)
        .connect_timeout(Duration::from_secs(7200))
        .max_bytes(0)
        .max_redirects(21)
        .user_agent("two\r\nlines")
        .trust_certificates("no certificate")
        .build()
        .unwrap_err();
    let says = error.to_string();
    for word in [
        "10.0.0.0/33",
        "everything",
        "a b",
        "*.",
        "http://docs.example/",
        "timeout is 0ns",
        "connect timeout is 7200s",
        "0 bytes",
        "21 redirects",
        "two\\r\\nlines",
        "port 0",
        "no certificate",
    ] {
        let found = error
            .problems
            .iter()
            .filter(|problem| problem.contains(word));
        assert!(found.count() >= 1, "{word}: {says}");
    }
    assert_eq!(error.problems.len(), 12, "{says}");
}

#[test]
fn a_tool_that_trusts_nobody_is_not_built() {
    let builder = atd_tools::WebFetch::builder().trust_system(false);
    let error = builder.build().unwrap_err();
    assert!(error.to_string().contains("ca-certificates"), "{error}");
}
