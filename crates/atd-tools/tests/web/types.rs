//! What is text is shown; what is not is refused.

use serde_json::json;

use crate::support::{Server, answer, fetch, ok, open_to, outcome, page_of, tool};

#[tokio::test]
async fn text_comes_as_it_is() {
    let body = "# not <b>touched</b>\r\n  at all";
    for content_type in [
        "text/plain",
        "text/markdown; charset=UTF-8",
        "TEXT/CSV",
        "application/json",
        "application/ld+json",
        "application/xml",
        "application/rss+xml",
        "image/svg+xml",
        "application/javascript",
        "application/yaml",
    ] {
        let page = page_of(content_type, body, json!({})).await;
        assert_eq!(page["content"], body, "{content_type}");
        assert_eq!(page.get("title"), None);
    }
}

#[tokio::test]
async fn what_is_no_text_is_refused_unread() {
    for content_type in [
        "image/png",
        "application/pdf",
        "application/octet-stream",
        "application/zip",
        "video/mp4",
        "font/woff2",
        "multipart/form-data; boundary=x",
        "application/json-seq",
        "nonsense",
    ] {
        // A body that never comes.
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: 10\r\n\r\n"
        );
        let server = Server::saying(head.into_bytes()).await;
        let outcome = outcome(&tool(open_to(&[&server])), &server.url("/")).await;
        assert_eq!(
            outcome,
            Err("UNSUPPORTED_TYPE".to_owned()),
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn an_encoding_that_was_not_asked_for_is_refused() {
    for encoding in [
        "br",
        "deflate",
        "zstd",
        "gzip, gzip",
        "gzip then br",
        "nonsense",
    ] {
        let encoding = encoding.replace(" then ", "\r\ncontent-encoding: ");
        let headers = format!("content-type: text/plain\r\ncontent-encoding: {encoding}\r\n");
        let server = Server::saying(answer("200 OK", &headers, "x")).await;
        let outcome = outcome(&tool(open_to(&[&server])), &server.url("/")).await;
        assert_eq!(outcome, Err("UNSUPPORTED_TYPE".to_owned()), "{encoding}");
    }
}

#[tokio::test]
async fn content_of_no_named_type_is_looked_at() {
    let server = Server::start(|path| match path {
        "/html" => answer("200 OK", "", "\n <!DOCTYPE HTML><p>a<p>b"),
        "/text" => answer("200 OK", "", "plain <p>"),
        "/empty" => answer("204 No Content", "", ""),
        _ => answer("200 OK", "", b"\x89PNG\r\n\x1a\n\0\0"),
    })
    .await;
    let tool = tool(open_to(&[&server]));
    let check = async |path: &str, expected: Result<&str, &str>| {
        let outcome = outcome(&tool, &server.url(path)).await;
        let outcome = outcome.as_deref().map_err(String::as_str);
        assert_eq!(outcome, expected, "{path}");
    };
    check("/html", Ok("a\n\nb")).await;
    check("/text", Ok("plain <p>")).await;
    check("/empty", Ok("")).await;
    check("/binary", Err("UNSUPPORTED_TYPE")).await;
}

#[tokio::test]
async fn html_comes_in_the_format_that_was_asked_for() {
    let html = "<title> A\n title </title><h1>One</h1><p>Some <b>bold</b> <a href=/x>link</a>";
    let server = Server::saying(ok("text/html", html)).await;
    let tool = tool(open_to(&[&server]));
    let check = async |format: &str, expected: &str| {
        let args = json!({"url": server.url("/"), "format": format});
        let page = fetch(&tool, args).await.unwrap();
        assert_eq!(page["content"], expected);
        page
    };
    let link = server.url("/x");
    let markdown = format!("# One\n\nSome **bold** [link]({link})");
    assert_eq!(check("markdown", &markdown).await["title"], "A title");
    assert_eq!(
        check("text", "One\n\nSome bold link").await["title"],
        "A title"
    );
    check("raw", html).await;
}
