//! What a token says.

use serde_json::{Value, json};

use super::super::forge::*;
use super::*;

fn replaced(it: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(it.contains(from), "{from} is not in {it}");
    it.replacen(from, to, 1).into_bytes()
}

#[test]
fn u1_claims() {
    check(vec![
        text("exp twice", "twice", |it| {
            replaced(&it, r#""exp":"#, r#""exp":9999999999,"exp":"#)
        }),
        text("aud twice, once escaped", "twice", |it| {
            replaced(&it, r#""aud":"#, r#""\u0061ud":"did:key:z6Mk","aud":"#)
        }),
        text("caps twice", "twice", |it| {
            replaced(&it, r#""caps":"#, r#""caps":["admin"],"caps":"#)
        }),
        text("a member that nobody knows twice", "twice", |it| {
            replaced(&it, r#""exp":"#, r#""x":1,"x":2,"exp":"#)
        }),
        text(
            "a member inside one that nobody knows twice",
            "twice",
            |it| replaced(&it, r#""exp":"#, r#""x":[{"y":1,"y":2}],"exp":"#),
        ),
        text("exp over 64 bits", "payload", |it| {
            replaced(&it, r#""exp":1"#, r#""exp":18446744073709551616000"#)
        }),
        text("exp 1e999", "payload", |it| {
            replaced(&it, r#""exp":1"#, r#""exp":1e999,"x":1"#)
        }),
        claim("exp a string", "payload", "exp", json!("1800001000")),
        claim("exp a float", "payload", "exp", json!(1_800_001_000.0)),
        claim("exp negative", "payload", "exp", json!(-1)),
        claim("exp null", "payload", "exp", Value::Null),
        claim("exp over 53 bits", "too far off", "exp", json!(1_u64 << 53)),
        claim(
            "exp the largest number",
            "too far off",
            "exp",
            json!(u64::MAX),
        ),
        claim("nbf to come", "not valid yet", "nbf", json!(NOW + 1)),
        claim("nbf a string", "payload", "nbf", json!("0")),
        claim("pol", "`pol` asks", "pol", json!([["==", ".x", 1]])),
        claim("crit in the payload", "`crit` asks", "crit", json!(["pol"])),
        claim("cmd of something else", "`cmd` must be", "cmd", json!("/")),
        claim("cmd in capitals", "`cmd` must be", "cmd", json!("ATD-CAP")),
        claim("args an array", "payload", "args", json!([])),
        claim("caps a string", "payload", "args", json!({"caps": "read"})),
        claim(
            "caps with a number",
            "payload",
            "args",
            json!({"caps": ["read", 1]}),
        ),
        claim("caps missing", "payload", "args", json!({})),
        claim(
            "args with more",
            "more than",
            "args",
            json!({"caps": ["read"], "only": "x"}),
        ),
        claim(
            "with a string",
            "payload",
            "args",
            json!({"caps": [], "with": "x"}),
        ),
        claim(
            "prf a string",
            "payload",
            "prf",
            json!(leaf(good()[..2].to_vec())),
        ),
        claim("prf null", "payload", "prf", Value::Null),
        claim("sub another", "`sub` of a chain", "sub", json!(did(BOB))),
        claim("sub empty", "`sub` of a chain", "sub", json!("")),
        without("no iss", "payload", "iss"),
        without("no aud", "payload", "aud"),
        without("no sub", "payload", "sub"),
        without("no cmd", "payload", "cmd"),
        without("no args", "payload", "args"),
        without("no exp", "payload", "exp"),
        without("no nonce", "payload", "nonce"),
    ]);
}
