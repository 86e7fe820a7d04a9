//! Redirects are followed so far, and not everywhere.

use crate::support::{Server, answer, authority, closed, ok, open_to, outcome, redirect, tool};

#[tokio::test]
async fn redirects_are_followed_as_often_as_the_operator_says() {
    let server = Server::start(|path| match path[1..].parse::<u32>().unwrap() {
        0 => ok("text/plain", "there"),
        left => redirect(&format!("/{}", left - 1)),
    })
    .await;
    for limit in [0, 1, 5, 20] {
        let tool = tool(open_to(&[&server]).max_redirects(limit));
        let there = outcome(&tool, &server.url(&format!("/{limit}"))).await;
        assert_eq!(there, Ok("there".to_owned()));
        let beyond = outcome(&tool, &server.url(&format!("/{}", limit + 1))).await;
        assert_eq!(beyond, Err("TOO_MANY_REDIRECTS".to_owned()));
    }
}

#[tokio::test]
async fn a_circle_ends() {
    let server = Server::saying(redirect("/")).await;
    let tool = tool(open_to(&[&server]));
    let circle = outcome(&tool, &server.url("/")).await;
    assert_eq!(circle, Err("TOO_MANY_REDIRECTS".to_owned()));
    assert_eq!(server.connections().await, 6);
}

#[tokio::test]
async fn every_status_that_redirects_does_and_with_a_get() {
    let server = Server::start(|path| match path {
        "/there" => ok("text/plain", "there"),
        status => answer(&status[1..], "location: there\r\n", "moved"),
    })
    .await;
    let tool = tool(open_to(&[&server]));
    for status in ["301", "302", "303", "307", "308"] {
        let outcome = outcome(&tool, &server.url(&format!("/{status}"))).await;
        assert_eq!(outcome, Ok("there".to_owned()), "{status}");
    }
    assert!(
        server
            .requests()
            .iter()
            .all(|head| head.starts_with("GET "))
    );
}

/// T4: a redirect does not open a port.
#[tokio::test]
async fn a_redirect_to_another_port_is_refused() {
    let other = Server::saying(ok("text/plain", "other")).await;
    let server = Server::saying(redirect(&other.url("/"))).await;
    let tool = tool(open_to(&[&server]));
    let refused = outcome(&tool, &server.url("/")).await;
    assert_eq!(refused, Err("URL_NOT_ALLOWED".to_owned()));
    assert_eq!(other.connections().await, 0);
}

#[tokio::test]
async fn a_redirect_without_a_place_or_to_nonsense_is_a_failure() {
    let server = Server::start(|path| match path {
        "/none" => answer("302 Found", "", "nowhere"),
        "/nonsense" => redirect("http://[/"),
        _ => [
            &b"HTTP/1.1 302 Found\r\nlocation: /\xff\r\n"[..],
            b"content-length: 0\r\n\r\n",
        ]
        .concat(),
    })
    .await;
    let tool = tool(open_to(&[&server]));
    for (path, code) in [
        ("/none", "HTTP_FAILED"),
        ("/nonsense", "BAD_REDIRECT"),
        ("/bytes", "BAD_REDIRECT"),
    ] {
        let outcome = outcome(&tool, &server.url(path)).await;
        assert_eq!(outcome, Err(code.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_refused() {
    let plain = Server::saying(ok("text/plain", "plain")).await;
    let config = authority().server_config(&["127.0.0.1"]);
    let secure = Server::secure(config, redirect(&plain.url("/"))).await;
    let tool = tool(closed(&[plain.port(), secure.port()]).allow_network("127.0.0.1/32"));
    let refused = outcome(&tool, &format!("https://{}/", secure.address)).await;
    assert_eq!(refused, Err("BAD_REDIRECT".to_owned()));
    assert_eq!(plain.connections().await, 0);
}
