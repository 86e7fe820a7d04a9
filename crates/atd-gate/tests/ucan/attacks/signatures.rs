//! Signatures and keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::super::forge::*;
use super::*;

/// Adds the order of the group to the second half of a signature: an equation
/// that is not checked strictly still holds.
fn malleable(compact: &str) -> String {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (signed, signature) = compact.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    format!("{signed}.{}", encoded(signature))
}

#[test]
fn u1_signatures_and_keys() {
    let foreign_key = |links: &mut Vec<Link>| {
        links[2].header = format!(
            r#"{{"alg":"EdDSA","typ":"ucan/1.0+jwt","ucv":"1.0","kid":"{}"}}"#,
            did(MALLORY)
        );
        links[2].signer = MALLORY;
    };
    // The neutral element as the key: with R neutral and S zero an unstrict
    // equation holds for any message.
    let neutral = {
        let mut point = [0; 32];
        point[0] = 1;
        point
    };
    let small_order = {
        let mut links = good();
        links[1].payload["aud"] = json!(did_of(&[0xed, 0x01], &neutral));
        links[2].payload["iss"] = links[1].payload["aud"].clone();
        let chain = tokens(links.clone());
        links[2].payload["prf"] = json!([chain[1]]);
        let signature = [neutral, [0; 32]].concat();
        sign_with(&links[2], &links[2].header, &signature)
    };
    check(vec![
        with(
            "a foreign key named in the header",
            1010,
            "signature",
            foreign_key,
        ),
        with("a foreign signature on the leaf", 1010, "signature", |l| {
            l[2].signer = MALLORY;
        }),
        with(
            "a foreign signature in the middle",
            1010,
            "signature",
            |l| l[1].signer = MALLORY,
        ),
        with("a foreign signature on the root", 1010, "signature", |l| {
            l[0].signer = MALLORY;
        }),
        raw("a key of small order", 1010, "signature", small_order),
        compact("a malleable signature", "signature", |it| malleable(&it)),
        compact("a signature of zeros", "signature", |it| {
            format!("{}.{}", it.rsplit_once('.').unwrap().0, encoded([0; 64]))
        }),
        compact("a signature cut short", "signature", |it| {
            format!("{}.{}", it.rsplit_once('.').unwrap().0, encoded([1; 63]))
        }),
        compact("a signature too long", "signature", |it| {
            format!("{}.{}", it.rsplit_once('.').unwrap().0, encoded([1; 65]))
        }),
        compact("the signature of another token", "signature", |it| {
            let other = leaf(good()[..1].to_vec());
            let signature = other.rsplit_once('.').unwrap().1;
            format!("{}.{signature}", it.rsplit_once('.').unwrap().0)
        }),
        compact(
            "a header written otherwise after signing",
            "signature",
            |it| {
                let header = r#"{ "alg":"EdDSA","typ":"ucan/1.0+jwt","ucv":"1.0"}"#;
                format!("{}.{}", encoded(header), it.split_once('.').unwrap().1)
            },
        ),
        claim(
            "iss is no key",
            "`iss` must be",
            "iss",
            json!("did:web:example.com"),
        ),
        claim(
            "iss of another curve",
            "`iss` must be",
            "iss",
            json!(did_of(&[0xec, 0x01], &[7; 32])),
        ),
        claim(
            "iss of secp256k1",
            "`iss` must be",
            "iss",
            json!(did_of(&[0xe7, 0x01], &[7; 33])),
        ),
        claim(
            "iss a byte short",
            "`iss` must be",
            "iss",
            json!(did_of(&[0xed, 0x01], &[7; 31])),
        ),
        claim(
            "iss with leading zeros",
            "`iss` must be",
            "iss",
            json!(did(BOB).replace("did:key:z", "did:key:z1")),
        ),
        claim(
            "iss with a fragment",
            "`iss` must be",
            "iss",
            json!(format!("{}#key", did(BOB))),
        ),
        claim(
            "iss endless",
            "`iss` must be",
            "iss",
            json!(format!("did:key:z{}", "6".repeat(20_000))),
        ),
        claim("aud is no key", "`aud` must be", "aud", json!("agent-7")),
    ]);
}
