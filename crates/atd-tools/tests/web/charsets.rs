//! Bytes become the characters that they were meant to be.

use serde_json::json;

use crate::support::page_of;

async fn check(content_type: &str, body: &[u8], expected: &str) {
    let page = page_of(content_type, body, json!({})).await;
    assert_eq!(page["content"], expected, "{content_type} {body:?}");
}

#[tokio::test]
async fn the_header_says_the_encoding() {
    check("text/plain; charset=iso-8859-1", b"caf\xe9", "café").await;
    check(
        "text/plain; Charset=\"Shift_JIS\"",
        b"\x93\xfa\x96\x7b",
        "日本",
    )
    .await;
    check("text/plain;charset=utf-16le", b"h\0i\0", "hi").await;
    check("text/html; charset=koi8-r", b"<p>\xcd\xc9\xd2", "мир").await;
    check("text/plain; charset=gb18030", b"\xd6\xd0\xce\xc4", "中文").await;
}

#[tokio::test]
async fn a_page_may_say_its_own() {
    let check = async |meta: &[u8]| check("text/html", &[meta, b"<p>\xe9"].concat(), "é").await;
    check(b"<meta charset=latin1>").await;
    check(b"<META CHARSET='iso-8859-1'/>").await;
    check(b"<meta http-equiv=content-type content=\"text/html; charset=windows-1252\">").await;
}

#[tokio::test]
async fn a_byte_order_mark_comes_before_what_is_said() {
    check("text/plain; charset=latin1", b"\xef\xbb\xbf\xc3\xa9", "é").await;
    check("text/plain; charset=utf-8", b"\xff\xfeh\0i\0", "hi").await;
}

#[tokio::test]
async fn without_a_word_it_is_utf_8_or_else_windows_1252() {
    check("text/plain", "größer".as_bytes(), "größer").await;
    check("text/plain", b"gr\xf6\xdfer", "größer").await;
    check("text/html", b"<p>\x80", "€").await;
}

#[tokio::test]
async fn what_is_broken_is_marked_and_never_fails() {
    check(
        "text/plain; charset=utf-8",
        b"a\xffb\xe2\x82",
        "a\u{fffd}b\u{fffd}",
    )
    .await;
    check("text/plain; charset=unheard-of", b"ok", "ok").await;
    check(
        "application/json; charset=latin1",
        "\"é\"".as_bytes(),
        "\"é\"",
    )
    .await;
    check("text/html; charset=", b"<meta charset=><p>ok", "ok").await;
    check("text/html", b"<meta charset=utf-16>ok", "ok").await;
    check("text/plain; charset=iso-2022-kr", b"ok", "\u{fffd}").await;
}
