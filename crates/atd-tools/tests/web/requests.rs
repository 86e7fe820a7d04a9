//! What is sent, and to whom it is said.

use serde_json::json;

use crate::support::{Names, Server, closed, fetch, ok, open_to, outcome, redirect, tool};

#[tokio::test]
async fn a_request_names_its_host_and_says_nothing_of_the_caller() {
    let server = Server::saying(ok("text/plain", "hello")).await;
    let names = Names::new([("site.example", &["127.0.0.1"][..])]);
    let tool = tool(open_to(&[&server]).resolver(names).user_agent("probe/1"));
    let port = server.port();
    let url = format!("http://Site.Example:{port}/a%20b/../c?q=1&r=%0d%0aX:y#part");
    assert_eq!(outcome(&tool, &url).await, Ok("hello".to_owned()));
    let requests = server.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    let mut lines: Vec<&str> = request.trim_end().split("\r\n").collect();
    assert_eq!(lines.remove(0), "GET /c?q=1&r=%0d%0aX:y HTTP/1.1");
    lines.sort_unstable();
    let mut expected = vec![
        format!("host: site.example:{port}"),
        "user-agent: probe/1".to_owned(),
        "accept-encoding: gzip".to_owned(),
        "connection: close".to_owned(),
    ];
    expected.sort_unstable();
    lines.retain(|line| !line.starts_with("accept: "));
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn cookies_and_referers_do_not_travel_along_redirects() {
    let server = Server::start(|path| match path {
        "/" => crate::support::answer("302 Found", "location: /next\r\nset-cookie: a=b\r\n", ""),
        _ => ok("text/plain", "there"),
    })
    .await;
    let tool = tool(open_to(&[&server]));
    assert_eq!(
        outcome(&tool, &server.url("/")).await,
        Ok("there".to_owned())
    );
    for request in server.requests() {
        let head = request.to_ascii_lowercase();
        for header in ["cookie:", "referer:", "authorization:"] {
            assert!(!head.contains(header), "{head}");
        }
    }
}

#[tokio::test]
async fn the_result_says_where_it_came_from() {
    let server = Server::start(|path| match path {
        "/old" => redirect("/new?x=1"),
        _ => ok("text/plain; charset=utf-8", "found"),
    })
    .await;
    let tool = tool(open_to(&[&server]));
    let page = fetch(&tool, json!({"url": server.url("/old#top")})).await;
    assert_eq!(
        page.unwrap(),
        json!({
            "url": server.url("/new?x=1"),
            "status": 200,
            "content_type": "text/plain",
            "content": "found",
            "total_chars": 5,
            "truncated": false,
        })
    );
}

#[tokio::test]
async fn a_failure_names_the_place_where_it_happened() {
    let server = Server::start(|path| match path {
        "/a" => redirect("/b"),
        _ => crate::support::answer("404 Not Found", "", "nothing"),
    })
    .await;
    let tool = tool(open_to(&[&server]));
    let error = fetch(&tool, json!({"url": server.url("/a")}))
        .await
        .unwrap_err();
    let says = error.to_string();
    assert!(
        says.contains(&server.url("/b")) && says.contains("404"),
        "{says}"
    );
}

#[tokio::test]
async fn each_status_has_its_failure() {
    let server =
        Server::start(|path| crate::support::answer(&path[1..].replace('-', " "), "", "")).await;
    let tool = tool(open_to(&[&server]));
    let check = async |status: &str, code: &str| {
        let outcome = outcome(&tool, &server.url(&format!("/{status}"))).await;
        assert_eq!(outcome, Err(code.to_owned()), "{status}");
    };
    check("400-Bad", "CLIENT_ERROR").await;
    check("401-Who", "CLIENT_ERROR").await;
    check("404-Not", "CLIENT_ERROR").await;
    check("408-Late", "SERVER_ERROR").await;
    check("429-Often", "SERVER_ERROR").await;
    check("500-Broken", "SERVER_ERROR").await;
    check("503-Down", "SERVER_ERROR").await;
    check("304-Same", "HTTP_FAILED").await;
    check("300-Many", "HTTP_FAILED").await;
}

#[tokio::test]
async fn what_is_no_http_is_a_failure() {
    let server = Server::start(|path| match path {
        "/nothing" => Vec::new(),
        "/other" => b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        "/short" => b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort".to_vec(),
        "/two" => b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_vec(),
        "/chunk" => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(),
        _ => [&b"HTTP/1.1 200 OK\r\n"[..], &b"x: y\r\n".repeat(1 << 16)].concat(),
    })
    .await;
    let tool = tool(open_to(&[&server]));
    for path in ["/nothing", "/other", "/short", "/two", "/chunk", "/many"] {
        let outcome = outcome(&tool, &server.url(path)).await;
        assert_eq!(outcome, Err("HTTP_FAILED".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn chunks_without_a_length_are_read_to_their_end() {
    let body = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n\
        3\r\none\r\n4\r\n two\r\n0\r\n\r\n";
    let server = Server::saying(body.to_vec()).await;
    let unframed = b"HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nto the end";
    let other = Server::saying(unframed.to_vec()).await;
    let tool = tool(open_to(&[&server, &other]));
    assert_eq!(
        outcome(&tool, &server.url("/")).await,
        Ok("one two".to_owned())
    );
    assert_eq!(
        outcome(&tool, &other.url("/")).await,
        Ok("to the end".to_owned())
    );
}

#[tokio::test]
async fn a_host_that_is_not_there_is_a_failure_that_may_pass() {
    // A port that was free a moment ago.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = taken.local_addr().unwrap().port();
    drop(taken);
    let tool = tool(closed(&[free]).allow_network("127.0.0.1"));
    let outcome = outcome(&tool, &format!("http://127.0.0.1:{free}/")).await;
    assert_eq!(outcome, Err("NOT_CONNECTED".to_owned()));
}

#[tokio::test]
async fn a_name_without_an_address_is_a_failure() {
    let names: [(&str, &[&str]); 1] = [("empty.example", &[""])];
    let tool = tool(closed(&[]).resolver(Names::new(names)));
    for host in ["empty.example", "unknown.example"] {
        let outcome = outcome(&tool, &format!("http://{host}/")).await;
        assert_eq!(outcome, Err("NAME_NOT_RESOLVED".to_owned()));
    }
}
