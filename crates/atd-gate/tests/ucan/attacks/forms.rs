//! Headers and encodings.

use serde_json::json;

use super::super::forge::*;
use super::*;

#[test]
fn u1_headers() {
    const GOOD: &str = r#""typ":"ucan/1.0+jwt","ucv":"1.0""#;
    let stripped = |alg: &str| {
        let chain = tokens(good());
        let mut link = good().pop().unwrap();
        link.payload["prf"] = json!([chain[1]]);
        sign_with(&link, &format!(r#"{{"alg":"{alg}",{GOOD}}}"#), b"")
    };
    let named = |alg: &str| format!(r#"{{"alg":"{alg}",{GOOD}}}"#);
    check(vec![
        raw("alg none, unsigned", 1010, "signature", stripped("none")),
        raw("no signature", 1010, "signature", stripped("EdDSA")),
        header("alg none, signed", "`alg` must be", &named("none")),
        header("alg HS256", "`alg` must be", &named("HS256")),
        header("alg RS256", "`alg` must be", &named("RS256")),
        header("alg in lower case", "`alg` must be", &named("eddsa")),
        header("alg with a NUL", "`alg` must be", &named("EdDSA\\u0000")),
        header("no alg", "`alg` must be", &format!("{{{GOOD}}}")),
        header(
            "alg an array",
            "header",
            &format!(r#"{{"alg":["EdDSA"],{GOOD}}}"#),
        ),
        header(
            "alg twice",
            "twice",
            &format!(r#"{{"alg":"none","alg":"EdDSA",{GOOD}}}"#),
        ),
        header(
            "alg twice, once escaped",
            "twice",
            &format!(r#"{{"\u0061lg":"none","alg":"EdDSA",{GOOD}}}"#),
        ),
        header(
            "typ JWT",
            "`typ` must be",
            r#"{"alg":"EdDSA","typ":"JWT","ucv":"1.0"}"#,
        ),
        header("no typ", "`typ` must be", r#"{"alg":"EdDSA","ucv":"1.0"}"#),
        header(
            "ucv 0.10",
            "`ucv` must be",
            r#"{"alg":"EdDSA","typ":"ucan/1.0+jwt","ucv":"0.10"}"#,
        ),
        header(
            "ucv a number",
            "header",
            r#"{"alg":"EdDSA","typ":"ucan/1.0+jwt","ucv":1.0}"#,
        ),
        header(
            "unknown crit",
            "`crit` asks",
            &format!(r#"{{"alg":"EdDSA",{GOOD},"crit":["exp"]}}"#),
        ),
        header(
            "empty crit",
            "`crit` asks",
            &format!(r#"{{"alg":"EdDSA",{GOOD},"crit":[]}}"#),
        ),
        header("an array", "header", "[]"),
        header("not JSON", "header", "EdDSA"),
        header("empty", "header", ""),
    ]);
}

#[test]
fn u1_encodings() {
    check(vec![
        compact("bits left over in the last digit", "base64url", |it| {
            // 64 bytes end in a digit of which four bits are unused.
            let last = it.chars().last().unwrap();
            let next = char::from(last as u8 + 1);
            format!("{}{next}", &it[..it.len() - 1])
        }),
        compact("padding", "base64url", |it| format!("{it}==")),
        compact("the other alphabet", "base64url", |it| {
            let (signed, _) = it.rsplit_once('.').unwrap();
            format!("{signed}.{}", "+/".repeat(43))
        }),
        compact("a space before", "base64url", |it| format!(" {it}")),
        compact("a line end behind", "base64url", |it| format!("{it}\n")),
        compact("a fourth part", "three parts", |it| format!("{it}.")),
        compact("two parts", "three parts", |it| {
            it.rsplit_once('.').unwrap().0.into()
        }),
        compact("nothing", "three parts", |_| String::new()),
        compact("only dots", "signature", |_| "..".into()),
        text("something behind the payload", "payload", |it| {
            format!("{it}{{}}").into_bytes()
        }),
        text("a byte order mark", "payload", |it| {
            format!("\u{feff}{it}").into_bytes()
        }),
        text("bytes that are no UTF-8", "payload", |it| {
            let mut bytes = it.replace("bm9uY2U", "n").into_bytes();
            let at = bytes.windows(3).position(|it| it == b"\"n\"").unwrap();
            bytes[at + 1] = 0xff;
            bytes
        }),
        text("half a surrogate pair", "payload", |it| {
            it.replace("bm9uY2U", "\\ud800").into_bytes()
        }),
        text(
            "200 brackets in a member that nobody knows",
            "payload",
            |it| {
                let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
                format!(r#"{{"x":{deep},{}"#, &it[1..]).into_bytes()
            },
        ),
        text("an array", "payload", |it| format!("[{it}]").into_bytes()),
    ]);
}
