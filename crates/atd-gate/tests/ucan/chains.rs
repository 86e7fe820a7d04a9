//! Chains that grant.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;

use atd_gate::ucan::{Delegation, Did, IssueError, SigningKey, attenuate, inspect};
use atd_gate::{Gate, Ground, HelloError, Identity, Mechanism};
use serde_json::json;

use super::forge::*;

fn granted(identity: &Identity) -> String {
    identity.capabilities().to_string()
}

#[test]
fn a_chain_from_a_trusted_root_grants_what_its_leaf_says() {
    let agent = present(&gate(), leaf(good())).unwrap();
    assert_eq!(granted(&agent), "read");
    assert_eq!(agent.ground(), Ground::Token);
    assert_eq!(agent.verified_id().map(|id| &**id), Some(&*did(AGENT)));
    let by: Vec<_> = agent.granted_by("read").collect();
    let id = inspect(&leaf(good())).unwrap()[0].id;
    let root = did(ROOT).into();
    assert_eq!(by, [&Mechanism::Token { root, id }]);
    assert_eq!(agent.granted_by("write").count(), 0);
}

#[test]
fn nobody_is_trusted_unless_somebody_says_so() {
    let refused = present(&Gate::builder().build(), leaf(good())).unwrap_err();
    assert_eq!(refused, HelloError::NoTrustedRoot);
}

#[test]
fn a_root_grants_no_more_than_it_may() {
    let (builder, _) = builder();
    let gate = builder
        .trust_root(did(ROOT).parse().unwrap(), ["write"])
        .build();
    assert_eq!(granted(&present(&gate, leaf(good())).unwrap()), "none");
}

#[test]
fn several_tokens_grant_what_each_does_and_end_with_the_first() {
    let write = leaf(vec![Link::new(ROOT, AGENT, &["write"], NOW + 5)]);
    let hello = hello(Some(&did(AGENT)), vec![leaf(good()), write]);
    let agent = gate().hello(&Identity::anonymous(), &hello).unwrap();
    assert_eq!(granted(&agent), "read, write");
}

#[test]
fn what_the_configuration_grants_comes_beside_it() {
    let (builder, _) = builder();
    let gate = builder.allow(["read", "list"]).build();
    let mut hello = hello(Some(&did(AGENT)), vec![leaf(good())]);
    hello.requested_capabilities = ["list", "read", "write"].into_iter().collect();
    let agent = gate.hello(&Identity::anonymous(), &hello).unwrap();
    assert_eq!(granted(&agent), "list, read");
    let by: Vec<_> = agent.granted_by("read").map(ToString::to_string).collect();
    assert_eq!(by[0], "everybody");
    assert!(by[1].starts_with("token:"), "{by:?}");
    assert_eq!(by.len(), 2);
}

#[test]
fn with_may_be_narrowed_and_is_compared_as_a_value() {
    let mut links = good();
    links[1].payload["args"] = json!({"caps": ["read"], "with": [{"a": 1, "b": 2}, "x"]});
    links[2].payload["args"] = json!({"caps": ["read"], "with": [{"b": 2, "a": 1}]});
    links[2].text = |text| {
        text.replace(r#"{"a":1,"b":2}"#, r#"{"b": 2, "a": 1}"#)
            .into_bytes()
    };
    assert!(present(&gate(), leaf(links)).is_ok());
}

#[test]
fn as_many_links_are_followed_as_the_operator_says() {
    let (builder, _) = builder();
    let gate = builder.max_links(NonZeroUsize::new(2).unwrap()).build();
    let refused = present(&gate, leaf(good())).unwrap_err();
    assert_eq!(code(&refused), 1012);
    let two = vec![
        Link::new(ROOT, BOB, &["read"], NOW + 9),
        Link::new(BOB, AGENT, &["read"], NOW + 9),
    ];
    assert!(present(&gate, leaf(two)).is_ok());
}

#[test]
fn a_did_is_read_back_as_it_was_written() {
    let named: Did = did(AGENT).parse().unwrap();
    assert_eq!(named.to_string(), did(AGENT));
    // The example of the did:key method.
    let known = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
    assert_eq!(known.parse::<Did>().unwrap().to_string(), known);
}

#[test]
fn what_is_issued_here_is_good_here() {
    let [root, alice, agent] = [ROOT, ALICE, AGENT].map(|it| SigningKey::from_bytes(&[it; 32]));
    let to_alice = Delegation::new(alice.did(), ["read", "write"], NOW + 10)
        .with([json!({"patient": "a"})])
        .not_before(NOW);
    let token = root.issue(&to_alice).unwrap();
    let to_agent = Delegation::new(agent.did(), ["read"], NOW + 5);
    let narrower = attenuate(&alice, &token, &to_agent).unwrap();
    assert_eq!(
        granted(&present(&gate(), narrower.clone()).unwrap()),
        "read"
    );

    let links = inspect(&narrower).unwrap();
    assert_eq!(links.len(), 2);
    assert!(links.iter().all(|link| link.signed));
    assert_eq!(
        links[0].resources,
        [r#"{"patient":"a"}"#],
        "kept from the parent"
    );
    assert_eq!(links[1].not_before, Some(NOW));
    assert_ne!(
        token,
        root.issue(&to_alice).unwrap(),
        "each has its own nonce"
    );
}

#[test]
fn what_a_server_would_refuse_is_not_made() {
    let [root, alice] = [ROOT, ALICE].map(|it| SigningKey::from_bytes(&[it; 32]));
    let agent: Did = did(AGENT).parse().unwrap();
    let token = root
        .issue(&Delegation::new(alice.did(), ["read"], NOW))
        .unwrap();
    let check = |key: &SigningKey, delegation: Delegation, says: &str| {
        let refused = attenuate(key, &token, &delegation).unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    };
    check(&alice, Delegation::new(agent, ["write"], NOW), "widens");
    check(
        &alice,
        Delegation::new(agent, ["read"], NOW + 1),
        "outlives",
    );
    check(
        &alice,
        Delegation::new(agent, ["read"], 1 << 53),
        "too far off",
    );
    let mallory = SigningKey::from_bytes(&[MALLORY; 32]);
    check(
        &mallory,
        Delegation::new(agent, ["read"], NOW),
        "chain is broken",
    );
    let no_token = attenuate(&alice, "x.y.z", &Delegation::new(agent, ["read"], NOW));
    assert!(matches!(no_token, Err(IssueError::Parent(_))));
}

/// X1: a key is never shown.
#[test]
fn a_key_is_not_shown_by_debug() {
    let key = SigningKey::from_bytes(&[0xab; 32]);
    let shown = format!("{key:?}");
    assert!(
        !shown.contains("171") && !shown.to_lowercase().contains("abab"),
        "{shown}"
    );
    assert!(shown.contains("did:key:z6Mk"));
    assert_eq!(key.expose_bytes(), &[0xab; 32]);
}

#[test]
fn a_key_is_kept_in_a_file_that_only_its_owner_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let key = SigningKey::generate().unwrap();
    key.save(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(SigningKey::load(&path).unwrap().did(), key.did());
    let again = SigningKey::generate().unwrap().save(&path).unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(SigningKey::load(&path).unwrap().did(), key.did());

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let open = SigningKey::load(&path).unwrap_err();
    assert!(open.to_string().contains("chmod 600"), "{open}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for bad in [
        "",
        "ab",
        &"zz".repeat(32),
        &"+1".repeat(32),
        &"ab".repeat(33),
    ] {
        fs::write(&path, bad).unwrap();
        let error = SigningKey::load(&path).unwrap_err();
        assert!(error.to_string().contains("holds no key"), "{error}");
    }
}
