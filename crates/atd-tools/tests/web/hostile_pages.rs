//! Pages that are made to hurt who reads them: deep, wide, or never ending.
//! Where the work or the text grew faster than the page, these would not end.

use std::sync::{Arc, Mutex};

use atd_registry::CallSetup;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Server, fetch, fetch_in, ok, open_to, page_of, tool};

/// How long each page is, in bytes.
const LENGTH: usize = 1 << 18;

async fn page(html: &str) -> Value {
    page_of("text/html", html, json!({})).await
}

/// As many of it as make a page.
fn many(piece: &str) -> String {
    piece.repeat(LENGTH / piece.len())
}

/// Text that is deep inside of something is text all the same.
#[tokio::test]
async fn nothing_is_too_deep() {
    for piece in [
        "<div>",
        "<b>",
        "<b><i>",
        "<ul><li>",
        "<ol><li>",
        "<blockquote>",
        "<table><tr><td>",
        "<table>",
        "<h1>",
        "<a href=x>",
        "<pre>",
        "<code>",
        "<font>",
        "<x-y>",
        "<p>",
        "<b><p>",
        "<blockquote><ul><li><table><td><b><a href=x><h1>",
        "</div>",
        "</b></td></table>",
    ] {
        let page = page(&(many(piece) + "words")).await;
        let content = page["content"].as_str().unwrap();
        assert!(content.contains("words"), "{piece}");
        assert!(content.len() < 1000, "{piece}: {}", content.len());
    }
    // What hides goes on hiding, and no further than its own end.
    let hidden = format!("{}x{}y", "<svg>".repeat(100_000), "</svg>".repeat(100_000));
    assert_eq!(page(&hidden).await["content"], "y");
}

#[tokio::test]
async fn what_never_ends_comes_to_an_end() {
    for piece in [
        "<!-- ",
        "<",
        "<a ",
        "<a b=\"",
        "&",
        "&#",
        "<![CDATA[",
        "</",
        "<!",
        "<?",
        "]]>",
    ] {
        page(&many(piece)).await;
    }
    for start in [
        "<script>",
        "<style>",
        "<title>",
        "<textarea>",
        "<!--",
        "<a href='",
        "<plaintext>",
    ] {
        page(&(start.to_owned() + &many("x "))).await;
    }
}

#[tokio::test]
async fn many_attributes_cost_no_more_than_others() {
    let numbered: String = (0..100_000).map(|number| format!("a{number}=b ")).collect();
    let page = page(&format!("<a {numbered} href=http://a.example/>x</a>")).await;
    assert_eq!(page["content"], "[x](http://a.example/)");
}

/// Each of these comes to far more text than the page has.
#[tokio::test]
async fn the_text_grows_no_longer_than_its_limit() {
    let base = format!("<base href=http://a.example/{}/>", "b".repeat(2000));
    let nested = "<blockquote><ul><li>".repeat(20);
    let wide = format!("<table><tr>{}", "<td>".repeat(10_000));
    for html in [
        base + &many("<a href=x>y</a>"),
        nested.clone() + &many("x<br>"),
        nested + &many("<p>x"),
        wide + &many("<tr><td>x"),
        "<b><i><s>".to_owned() + &many("<p>x"),
        many("<hr>"),
        many("<td>"),
        many("*"),
        "<pre>".to_owned() + &many("`"),
        many("<code>`</code>"),
    ] {
        let server = Server::saying(ok("text/html", &html)).await;
        let tool = tool(open_to(&[&server]).max_bytes(LENGTH * 2));
        let args = json!({"url": server.url("/"), "max_chars": u64::MAX});
        let mut setup = CallSetup::for_test();
        setup.output_budget = usize::MAX;
        let page = fetch_in(&tool, args, setup).await.unwrap();
        let length = page["content"].as_str().unwrap().len();
        // Twice the limit, and what one token may come to.
        assert!(length <= LENGTH * 6, "{length} of {:?}", &html[..20]);
        if page["total_is_minimum"] == true {
            assert_eq!(page["truncated"], true);
            assert!(length > LENGTH * 4);
        }
    }
}

/// Short pieces of pages.
const PIECES: &[&str] = &[
    "<p>", "</p>", "<div>", "</div>", "<b>", "</b>", "<i>", "</i>", "</a>", "<ul>", "</ul>",
    "<ol>", "</ol>", "<li>", "</li>", "<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>",
    "<th>", "<h1>", "</h1>", "<h6>", "</h6>", "<pre>", "</pre>", "<code>", "</code>", "<br>",
    "<hr>", "<svg>", "</svg>", "</span>", "w", "é", " ", "\n", "|", "`", "*", "#", "1.", "w ",
];

/// Longer ones.
const LONG_PIECES: &[&str] = &[
    "<a href=/x>",
    "<blockquote>",
    "</blockquote>",
    "<img src=y alt=z>",
    "<span hidden>",
    "<ol start=3>",
    "<base href=/q/>",
];

/// Fetches pages of this kind, and shows `check` each with its text.
fn check_pages(
    pages: impl Strategy<Value = String>,
    check: impl Fn(&str, &str) -> Result<(), TestCaseError>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(500)
    };
    let page_now = Arc::new(Mutex::new(Vec::new()));
    let served = Arc::clone(&page_now);
    let server = runtime.block_on(Server::start(move |_| served.lock().unwrap().clone()));
    let tool = tool(open_to(&[&server]));
    TestRunner::new(config)
        .run(&pages, |html| {
            *page_now.lock().unwrap() = ok("text/html; charset=utf-8", &html);
            for format in ["markdown", "text"] {
                let args = json!({"url": server.url("/"), "format": format});
                let page = runtime.block_on(fetch(&tool, args)).unwrap();
                let content = page["content"].as_str().unwrap();
                prop_assert_eq!(content, content.trim_end());
                check(&html, content)?;
            }
            Ok(())
        })
        .unwrap();
}

/// Whatever tags there are, in whatever order: the text holds the words of the
/// page, each as often.
#[test]
fn any_soup_of_tags_is_a_text() {
    let pieces = [PIECES, LONG_PIECES].concat();
    let soup = prop::collection::vec(prop::sample::select(pieces), 0..60);
    let soup = soup.prop_map(|pieces| pieces.concat());
    check_pages(soup, |html, content| {
        let is_close = !content.contains("\n\n\n");
        prop_assert!(is_close || html.contains("<pre>"), "{}", content);
        let words = |text: &str| text.matches('w').count();
        if html.contains("<svg>") || html.contains("hidden") {
            prop_assert!(words(content) <= words(html));
        } else {
            prop_assert_eq!(words(content), words(html), "{}", content);
        }
        Ok(())
    });
}

/// Whatever characters there are, markup or not: no word comes from nowhere.
#[test]
fn any_soup_of_characters_is_a_text() {
    let markup: Vec<char> = "<>/!?-=\"'&;#[]:|`*_ \n\0\u{fffd}abhiprstuw10é😀"
        .chars()
        .collect();
    let soup = prop::collection::vec(prop::sample::select(markup), 0..200);
    let soup = soup.prop_map(String::from_iter);
    check_pages(soup, |html, content| {
        let words = |text: &str| text.matches('w').count();
        prop_assert!(words(content) <= words(html), "{}", content);
        Ok(())
    });
}
