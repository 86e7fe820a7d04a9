//! How links hang together.

use atd_gate::{RevocationSet, TokenId};
use serde_json::{Value, json};

use super::super::forge::*;
use super::*;

fn own(mut attack: Attack, client_id: Option<String>) -> Attack {
    attack.client_id = client_id;
    attack
}

#[test]
fn u1_chains() {
    let on = |caps: &[&str], with: Value| json!({"caps": caps, "with": with});
    let patient = |name: &str| json!([{"patient": name}]);
    let many = |count| {
        let mut links = vec![Link::new(ROOT, 100, &["read"], NOW + 1_000)];
        links.extend((1..count).map(|n| Link::new(99 + n, 100 + n, &["read"], NOW + 1_000)));
        let last = links.last_mut().unwrap();
        last.payload["aud"] = json!(did(AGENT));
        leaf(links)
    };
    let two_parents = {
        let chain = tokens(good());
        json!([chain[1], chain[1]])
    };
    let reordered = {
        let links = good();
        leaf(vec![links[1].clone(), links[0].clone(), links[2].clone()])
    };
    check(vec![
        with(
            "a root that nobody trusts",
            1010,
            "does not trust",
            |links| {
                links[0] = Link::new(MALLORY, ALICE, &["read", "write"], NOW + 3_000);
                links
                    .iter_mut()
                    .for_each(|it| it.payload["sub"] = json!(did(MALLORY)));
            },
        ),
        raw("signed by oneself", 1010, "does not trust", {
            let mut link = Link::new(AGENT, AGENT, &["admin"], NOW + 10);
            link.payload["sub"] = json!(did(AGENT));
            link.sign()
        }),
        raw(
            "signed by oneself in the name of the root",
            1010,
            "does not trust",
            Link::new(AGENT, AGENT, &["admin"], NOW + 10).sign(),
        ),
        raw(
            "the root's name under one's own signature",
            1010,
            "signature",
            {
                let mut link = Link::new(ROOT, AGENT, &["admin"], NOW + 10);
                link.signer = AGENT;
                link.sign()
            },
        ),
        with("the root itself dropped", 1010, "does not trust", |links| {
            links.remove(0);
        }),
        with(
            "the sub of the middle another",
            1010,
            "`sub` of a chain",
            |links| {
                links[1].payload["sub"] = json!(did(ALICE));
            },
        ),
        with(
            "every sub another than the root",
            1010,
            "`sub` of a chain",
            |links| {
                links
                    .iter_mut()
                    .for_each(|it| it.payload["sub"] = json!(did(ALICE)));
            },
        ),
        with("the leaf outlives its parent", 1010, "outlives", |links| {
            links[2].payload["exp"] = json!(NOW + 2_001);
        }),
        with(
            "the middle outlives its parent",
            1010,
            "outlives",
            |links| {
                links[1].payload["exp"] = json!(NOW + 3_001);
            },
        ),
        with("the leaf is wider", 1010, "widens", |links| {
            links[2].payload["args"] = json!({"caps": ["admin", "read"]});
        }),
        with("the middle is wider", 1010, "widens", |links| {
            links[1].payload["args"] = json!({"caps": ["read", "root"]});
        }),
        with(
            "a capability that only begins alike",
            1010,
            "widens",
            |links| {
                links[2].payload["args"] = json!({"caps": ["read.all"]});
            },
        ),
        with("with names more", 1010, "`with` must name only", |links| {
            links[1].payload["args"] = on(&["read"], patient("a"));
            links[2].payload["args"] = on(&["read"], json!([{"patient": "a"}, {"patient": "b"}]));
        }),
        with(
            "with names another",
            1010,
            "`with` must name only",
            |links| {
                links[1].payload["args"] = on(&["read"], patient("a"));
                links[2].payload["args"] = on(&["read"], patient("b"));
            },
        ),
        with("with dropped", 1010, "`with` must name only", |links| {
            links[1].payload["args"] = on(&["read"], patient("a"));
        }),
        with("with emptied", 1010, "`with` must name only", |links| {
            links[1].payload["args"] = on(&["read"], patient("a"));
            links[2].payload["args"] = on(&["read"], json!([]));
        }),
        with(
            "a link of somebody who was given nothing",
            1010,
            "chain is broken",
            |links| {
                links[2] = Link::new(MALLORY, AGENT, &["read"], NOW + 1_000);
            },
        ),
        with("the middle left out", 1010, "chain is broken", |links| {
            links.remove(1);
        }),
        raw("another order", 1010, "does not trust", reordered),
        raw("a circle", 1010, "circle", {
            let mut links = good();
            links[1] = Link::new(ALICE, ROOT, &["read"], NOW + 2_000);
            links[2] = Link::new(ROOT, AGENT, &["read"], NOW + 1_000);
            leaf(links)
        }),
        claim("two parents", "2 parents", "prf", two_parents),
        claim(
            "a parent that is no token",
            "three parts",
            "prf",
            json!(["x"]),
        ),
        raw("six links", 1012, "more than 5 links", many(6)),
        raw("twelve links", 1012, "more than 5 links", many(12)),
        own(
            raw(
                "another client's token",
                1013,
                "not issued to this client",
                leaf(good()),
            ),
            Some(did(MALLORY)),
        ),
        own(
            raw(
                "nobody's name",
                1013,
                "not issued to this client",
                leaf(good()),
            ),
            None,
        ),
        own(
            raw(
                "the name in capitals",
                1013,
                "not issued to this client",
                leaf(good()),
            ),
            Some(did(AGENT).to_uppercase()),
        ),
        own(
            raw("the middle's token", 1013, "not issued to this client", {
                tokens(good()).remove(1)
            }),
            Some(did(AGENT)),
        ),
        with("an expired leaf", 1011, "expired", |links| {
            links[2].payload["exp"] = json!(NOW - 1);
        }),
        with("a leaf that ends now", 1011, "expired 0 s ago", |links| {
            links[2].payload["exp"] = json!(NOW);
        }),
        with("an expired chain", 1011, "expired", |links| {
            links
                .iter_mut()
                .for_each(|it| it.payload["exp"] = json!(NOW - 100));
        }),
        with("exp zero", 1011, "expired", |links| {
            links[2].payload["exp"] = json!(0);
        }),
    ]);
}

#[test]
fn u1_revoked_links() {
    let (builder, _) = builder();
    let revoked = RevocationSet::default();
    let gate = builder.revocations(revoked.clone()).build();
    for link in 0..3 {
        let mut links = good();
        links[link].payload["nonce"] = json!(format!("of {link}"));
        let chain = tokens(links);
        assert!(present(&gate, chain[2].clone()).is_ok());
        let id = id_of(&chain[link]);
        revoked.revoke(id);
        let refused = present(&gate, chain[2].clone()).unwrap_err();
        assert_eq!(code(&refused), 1010);
        assert!(refused.to_string().contains(&format!("{id} was revoked")));
    }
    assert!(present(&gate, leaf(good())).is_ok(), "others still hold");
}

fn id_of(token: &str) -> TokenId {
    atd_gate::ucan::inspect(token).unwrap()[0].id
}

/// U2: more than 8 tokens, or 64 KiB of them, is refused unread.
#[test]
fn u2_too_many_and_too_long_tokens_are_refused_unread() {
    // If any of it were read, it would be found to be no token.
    let nothing = || "x".to_owned();
    let long = |bytes: usize| vec!["x".repeat(bytes / 2), "x".repeat(bytes - bytes / 2)];
    let of = |name, says, tokens| Attack {
        name,
        code: 1010,
        says,
        client_id: Some(did(AGENT)),
        tokens,
    };
    check(vec![
        of("9 tokens", "9 tokens were", vec![nothing(); 9]),
        of("8 tokens", "three parts", vec![nothing(); 8]),
        of("100,000 tokens", "100000 tokens", vec![nothing(); 100_000]),
        of("64 KiB and 1", "65537 bytes", long(65_537)),
        of("64 KiB", "three parts", long(65_536)),
        of(
            "a good one and a bad one",
            "three parts",
            vec![leaf(good()), nothing()],
        ),
    ]);
}
