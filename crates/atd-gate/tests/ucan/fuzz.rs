//! U1, beyond the table: chains with something changed anywhere.

use atd_gate::HelloError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::forge::*;

/// Values that a claim may be set to.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(|it| json!(it)),
        any::<f64>().prop_map(|it| json!(it)),
        ".{0,20}".prop_map(|it| json!(it)),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        prop::sample::select(vec![ROOT, ALICE, BOB, AGENT, MALLORY]).prop_map(|it| json!(did(it))),
        prop::collection::vec("read|write|admin|root", 0..4).prop_map(|caps| json!({"caps": caps})),
        (NOW - 10..NOW + 4_000).prop_map(|it| json!(it)),
    ]
}

/// What the protocol says of a chain whose signatures are good: the plain
/// model beside the code under test.
fn is_good(links: &[Link]) -> bool {
    let caps = |link: &Link| -> Option<Vec<String>> {
        let args = link.payload["args"].as_object()?;
        args.keys().all(|key| key == "caps").then_some(())?;
        let caps = args.get("caps")?.as_array()?.iter();
        caps.map(|it| it.as_str().map(str::to_owned)).collect()
    };
    let text = |link: &Link, member: &str| link.payload[member].as_str().map(str::to_owned);
    let names: Vec<String> = [ROOT, ALICE, BOB, AGENT, MALLORY].map(did).to_vec();
    let each = links.iter().all(|link| {
        let signer = text(link, "iss") == Some(did(link.signer));
        let audience = text(link, "aud").is_some_and(|it| names.contains(&it));
        let exp = link.payload["exp"].as_u64();
        signer
            && audience
            && text(link, "sub") == Some(did(ROOT))
            && text(link, "cmd").as_deref() == Some("atd-cap")
            && text(link, "nonce").is_some()
            && exp.is_some_and(|it| it > NOW && it < 1 << 53)
            && caps(link).is_some()
    });
    let ends = text(&links[0], "iss") == Some(did(ROOT))
        && text(&links[links.len() - 1], "aud") == Some(did(AGENT));
    each && ends
        && links.windows(2).all(|pair| {
            let (parent, child) = (&pair[0], &pair[1]);
            let held = caps(parent).unwrap_or_default();
            text(parent, "aud") == text(child, "iss")
                && caps(child).is_some_and(|it| it.iter().all(|one| held.contains(one)))
                && parent.payload["exp"].as_u64() >= child.payload["exp"].as_u64()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// U1: a chain is accepted exactly when the model finds it good, whatever
    /// its claims are set to, with every signature good.
    #[test]
    fn u1_a_signed_chain_is_accepted_exactly_when_it_is_good(
        changes in prop::collection::vec(
            (
                0_usize..3,
                prop::sample::select(vec!["iss", "aud", "sub", "cmd", "args", "nonce", "exp"]),
                value(),
            ),
            0..3,
        ),
    ) {
        let mut links = good();
        for (link, member, value) in changes {
            links[link].payload[member] = value;
        }
        let expected = is_good(&links);
        let found = present(&gate(), leaf(links));
        prop_assert_eq!(found.is_ok(), expected, "{:?}", found);
    }

    /// U1: no byte of a token can be another.
    #[test]
    fn u1_a_changed_byte_is_refused(at in any::<prop::sample::Index>(), to in 0_u8..128) {
        let token = leaf(good());
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        let changed = String::from_utf8(bytes).unwrap();
        let refused = present(&gate(), changed);
        prop_assert!(matches!(refused, Err(HelloError::Token(_))), "{:?}", refused);
    }

    /// U1: nor can a byte of what its parts hold, in any layer.
    #[test]
    fn u1_a_changed_byte_inside_is_refused(
        part in 0_usize..3,
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let token = leaf(good());
        let mut parts: Vec<Vec<u8>> = token
            .split('.')
            .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
            .collect();
        let at = at.index(parts[part].len());
        parts[part][at] ^= 1 << bit;
        let parts: Vec<String> = parts.iter().map(encoded).collect();
        let refused = present(&gate(), parts.join("."));
        prop_assert!(matches!(refused, Err(HelloError::Token(_))), "{:?}", refused);
    }

    /// U1: what is no token is refused, and nothing panics over it.
    #[test]
    fn u1_anything_else_is_refused(
        header in r#"(\{"alg":"EdDSA","typ":"ucan/1\.0\+jwt","ucv":"1\.0"\}|.{0,40})"#,
        payload in r#"(\{("(iss|aud|exp|prf|args)":("[a-z:]{0,9}"|[0-9.e-]{1,9}|\[\]|\{\}),?){0,9}\}|.{0,80})"#,
        signature in prop::collection::vec(any::<u8>(), 0..70),
    ) {
        let token = format!("{}.{}.{}", encoded(header), encoded(payload), encoded(signature));
        let refused = present(&gate(), token);
        prop_assert!(matches!(refused, Err(HelloError::Token(_))), "{:?}", refused);
    }
}
