//! No address is reached that the operator has not opened, however it is
//! written.

use std::collections::BTreeSet;
use std::sync::Arc;

use atd_registry::RegisteredTool;

use crate::support::{Names, Server, closed, ok, open_to, outcome, redirect, tool};

/// Ways to write 127.0.0.1.
const LOOPBACK: &[&str] = &[
    "http://127.0.0.1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://2130706433:PORT/",
    "http://017700000001:PORT/",
    "http://0x7f000001:PORT/",
    "http://0X7F000001:PORT/",
    "http://0x7f.1:PORT/",
    "http://0x7f.0.0.0x1:PORT/",
    "http://0177.0.0.01:PORT/",
    "http://00000177.0.0.1:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://127.0x0.1:PORT/",
    "http:127.0.0.1:PORT/",
    "http:/127.0.0.1:PORT/",
    "http:\\\\127.0.0.1:PORT\\",
    "http:///127.0.0.1:PORT/",
    "HTTP://127.0.0.1:PORT/",
    " http://127.0.0.1:PORT/ ",
    "ht\ttp://127.0.\n0.1:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
    "http://127%2e0%2e0%2e1:PORT/",
    "http://１２７.０.０.１:PORT/",
    "http://①②⑦.⓪.⓪.①:PORT/",
    "http://127。0。0。1:PORT/",
    "http://127．0．0．1:PORT/",
    "http://@127.0.0.1:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:PORT/",
    "http://localhost:PORT/",
    "http://LOCALHOST:PORT/",
    "http://localhost.:PORT/",
    "http://ｌｏｃａｌｈｏｓｔ:PORT/",
    "http://ⓛocalhost:PORT/",
    "http://local\u{ad}host:PORT/",
    "http://loc%61lhost:PORT/",
    "http://any.localhost:PORT/",
    "http://127.0.0.1:PORT/#http://example.com/",
    "http://127.0.0.1:PORT/?@example.com/",
];

/// Other places that no stranger should be sent to, as URLs say them.
const ELSEWHERE: &[&str] = &[
    "http://0/",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://10.0.0.1/",
    "http://100.64.0.1/",
    "http://100.127.255.254/",
    "http://127.0.0.0x/",
    "http://127.255.255.254/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://169.16689662/",
    "http://172.16.0.1/",
    "http://172.31.255.254/",
    "http://192.0.0.1/",
    "http://192.0.0.170/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://192.168.0.1/",
    "http://192.168.257/",
    "http://198.18.0.1/",
    "http://198.19.255.254/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::1]/",
    "http://[100::1]/",
    "http://[2001::1]/",
    "http://[2001:0:7f00:1::]/",
    "http://[2001:2::1]/",
    "http://[2001:10::1]/",
    "http://[2001:20::1]/",
    "http://[2001:db8::1]/",
    "http://[2002:7f00:1::1]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[3fff::1]/",
    "http://[4000::1]/",
    "http://[5f00::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
];

/// What is no `http` URL of a host, and what hides one host behind another.
const NO_WEB: &[&str] = &[
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stats",
    "ldap://127.0.0.1/",
    "unix:///run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock/info",
    "ws://127.0.0.1/",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "jar:http://127.0.0.1!/",
    "view-source:http://127.0.0.1/",
    "about:blank",
    "127.0.0.1",
    "//127.0.0.1/",
    "/etc/passwd",
    "http://",
    "http://:80/",
    "http://example.com@127.0.0.1/",
    "http://user:password@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://example.com%00@127.0.0.1/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::1/",
    "http://[127.0.0.1]/",
    "http://127.0.0.1:99999/",
    "http://256.256.256.256/",
    "http://1.2.3.4.5/",
    "http://127.0.0.1%00.example.com/",
    "http://127.0.0.1 .example.com/",
    "http://xn--/",
];

fn urls(server: &Server) -> impl Iterator<Item = String> {
    let port = server.port().to_string();
    LOOPBACK.iter().map(move |url| url.replace("PORT", &port))
}

async fn check_refused(tool: &Arc<RegisteredTool>, url: &str) {
    let outcome = outcome(tool, url).await.expect_err(url);
    let refusals = [
        "ADDRESS_NOT_ALLOWED",
        "URL_NOT_ALLOWED",
        "invalid arguments",
    ];
    assert!(refusals.contains(&outcome.as_str()), "{url}: {outcome}");
}

/// T4: the ways to write a private address are as many as they are known.
#[test]
fn there_are_far_more_than_sixty_attacks() {
    let all = [LOOPBACK, ELSEWHERE, NO_WEB].concat();
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert!(all.len() > 120 && NAMED.len() > 25);
}

/// T4, and that the attacks are some: opened by the operator, each of them
/// reaches the server.
#[tokio::test]
async fn loopback_is_closed_however_it_is_written_and_opened_by_the_operator_alone() {
    let server = Server::saying(ok("text/plain", "secret")).await;
    let closed = tool(closed(&[server.port()]));
    for url in urls(&server) {
        let outcome = outcome(&closed, &url).await;
        assert_eq!(outcome, Err("ADDRESS_NOT_ALLOWED".to_owned()), "{url}");
    }
    assert_eq!(server.connections().await, 0);

    let opened = tool(open_to(&[&server]));
    for url in urls(&server) {
        let outcome = outcome(&opened, &url).await;
        assert_eq!(outcome, Ok("secret".to_owned()), "{url}");
    }
    assert_eq!(server.connections().await, LOOPBACK.len());
}

/// T4
#[tokio::test]
async fn no_special_address_is_reached() {
    let tool = tool(closed(&[]));
    for url in ELSEWHERE {
        let outcome = outcome(&tool, url).await;
        assert_eq!(outcome, Err("ADDRESS_NOT_ALLOWED".to_owned()), "{url}");
        let secure = url.replace("http:", "https:");
        check_refused(&tool, &secure).await;
    }
}

/// T4
#[tokio::test]
async fn what_is_no_web_or_hides_its_host_is_refused() {
    // Even where the operator has opened what it hides.
    let tool = tool(closed(&[]).allow_network("127.0.0.0/8"));
    for url in NO_WEB {
        check_refused(&tool, url).await;
    }
}

/// Addresses that a name may resolve to; each list is one answer.
const NAMED: &[&str] = &[
    "127.0.0.1",
    "127.0.0.53",
    "0.0.0.0",
    "10.1.2.3",
    "100.100.100.200",
    "169.254.169.254",
    "172.20.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1,198.19.0.1",
    "224.0.0.251",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1,10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2001::7f00:1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fd12:3456:789a::1",
    "fe80::1",
    "fec0::1",
    "ff05::1:3",
    "10.0.0.1,fd00::1,127.0.0.1,::1",
];

/// T4
#[tokio::test]
async fn a_name_for_a_private_address_is_refused() {
    let names: Vec<(String, &str)> = (0..)
        .zip(NAMED)
        .map(|(number, address)| (format!("n{number}.example"), *address))
        .collect();
    let answers: Vec<[&str; 1]> = names.iter().map(|(_, address)| [*address]).collect();
    let known = names.iter().zip(&answers);
    let known = Names::new(known.map(|((name, _), answers)| (name.as_str(), &answers[..])));
    let canary = Server::saying(ok("text/plain", "secret")).await;
    let tool = tool(closed(&[canary.port()]).resolver(known));
    for (name, address) in &names {
        for url in [
            format!("http://{name}:{}/", canary.port()),
            format!("https://{name}/"),
        ] {
            let outcome = outcome(&tool, &url).await;
            assert_eq!(outcome, Err("ADDRESS_NOT_ALLOWED".to_owned()), "{address}");
        }
    }
    assert_eq!(canary.connections().await, 0);
}

/// T4: among the answers for a name, only the open ones are tried.
#[tokio::test]
async fn of_a_mixed_answer_only_what_is_open_is_connected_to() {
    let server = Server::saying(ok("text/plain", "open")).await;
    let closed = Server::beside(&server, "127.0.0.2").await;
    let names: [(&str, &[&str]); 1] = [("mixed.example", &["127.0.0.2,::1,127.0.0.1"])];
    let tool = tool(open_to(&[&server]).resolver(Names::new(names)));
    let url = format!("http://mixed.example:{}/", server.port());
    assert_eq!(outcome(&tool, &url).await, Ok("open".to_owned()));
    assert_eq!(closed.connections().await, 0);
}

/// T4: what a redirect leads to is checked like the URL of the call.
#[tokio::test]
async fn no_redirect_leads_to_what_the_call_could_not_ask_for() {
    let canary = Server::saying(ok("text/plain", "secret")).await;
    let port = canary.port().to_string();
    let all = [LOOPBACK, ELSEWHERE, NO_WEB].concat();
    // A header holds no line end.
    let places: Vec<String> = all
        .iter()
        .map(|url| url.replace("PORT", &port).replace(['\n', '\t'], ""))
        .collect();
    let answers = places.clone();
    let server = Server::on("127.0.0.2", move |path| {
        // What has no scheme of its own leads here, and on to the first.
        let number: usize = path[1..].parse().unwrap_or(0);
        redirect(&answers[number])
    })
    .await;
    let tool = tool(open_to(&[&server]).allow_port(canary.port()));
    for (number, place) in places.iter().enumerate() {
        let result = outcome(&tool, &server.url(&format!("/{number}"))).await;
        let refused = result.expect_err(place);
        let refusals = ["ADDRESS_NOT_ALLOWED", "URL_NOT_ALLOWED", "BAD_REDIRECT"];
        assert!(refusals.contains(&refused.as_str()), "{place}: {refused}");
    }
    assert_eq!(canary.connections().await, 0);
}

/// T4: who calls learns nothing of what a name resolves to.
#[tokio::test]
async fn a_refusal_does_not_say_the_address() {
    let names: [(&str, &[&str]); 1] = [("inner.example", &["10.9.8.7"])];
    let tool = tool(closed(&[]).resolver(Names::new(names)));
    let args = serde_json::json!({"url": "http://inner.example/"});
    let error = crate::support::fetch(&tool, args).await.unwrap_err();
    assert!(!error.to_string().contains("10.9.8.7"), "{error}");
    assert!(error.to_string().contains("no public address"), "{error}");
}
