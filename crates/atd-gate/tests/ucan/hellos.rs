//! U4: any sequence of hellos against a plain model of what they leave.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use atd_gate::{Grantee, Ground, Identity, PeerCredentials};
use proptest::prelude::*;

use super::forge::*;

const CAPABILITIES: [&str; 4] = ["admin", "list", "read", "write"];

/// A token that a client may have: for whom, what it grants, whether it is
/// good, and its compact form.
struct Ready {
    audience: u8,
    grants: &'static [&'static str],
    good: bool,
    token: String,
}

static TOKENS: LazyLock<Vec<Ready>> = LazyLock::new(|| {
    let ready = |audience, grants, good, links| Ready {
        audience,
        grants,
        good,
        token: leaf(links),
    };
    let mut forged = Link::new(ROOT, AGENT, &["admin"], NOW + 9);
    forged.signer = AGENT;
    vec![
        ready(AGENT, &["read"], true, good()),
        ready(
            AGENT,
            &["write"],
            true,
            vec![Link::new(ROOT, AGENT, &["write"], NOW + 9)],
        ),
        ready(
            ALICE,
            &["admin"],
            true,
            vec![Link::new(ROOT, ALICE, &["admin"], NOW + 9)],
        ),
        ready(
            BOB,
            &["read"],
            true,
            vec![Link::new(ROOT, BOB, &["read"], NOW + 9)],
        ),
        ready(
            AGENT,
            &[],
            false,
            vec![Link::new(ROOT, AGENT, &["read"], NOW - 9)],
        ),
        ready(AGENT, &[], false, vec![forged]),
    ]
});

/// One hello: who the client says it is, what it asks for, and which tokens it
/// presents.
#[derive(Clone, Debug)]
struct Step {
    name: Option<u8>,
    asks: BTreeSet<&'static str>,
    tokens: Vec<usize>,
}

fn step() -> impl Strategy<Value = Step> {
    let name = prop::option::of(prop::sample::select(vec![AGENT, ALICE, BOB]));
    let asks = prop::collection::btree_set(prop::sample::select(CAPABILITIES.to_vec()), 0..4);
    let tokens = prop::collection::vec(0..TOKENS.len(), 0..3);
    (name, asks, tokens).prop_map(|(name, asks, tokens)| Step { name, asks, tokens })
}

/// What a connection should be after its hellos.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    uid: Option<u32>,
    name: Option<String>,
    with_tokens: bool,
    /// By how many each capability was granted.
    held: BTreeMap<&'static str, usize>,
}

impl Model {
    fn hello(&mut self, step: &Step) -> bool {
        let tokens: Vec<&Ready> = step.tokens.iter().map(|it| &TOKENS[*it]).collect();
        if tokens
            .iter()
            .any(|it| !it.good || Some(it.audience) != step.name)
        {
            return false;
        }
        self.name = step.name.map(did);
        self.with_tokens = !tokens.is_empty();
        let mut held = BTreeMap::new();
        let mut grant = |capability| *held.entry(capability).or_insert(0) += 1;
        for asked in &step.asks {
            let by_configuration = match *asked {
                "list" => true,
                "read" => self.uid == Some(0),
                "write" => self.with_tokens && step.name == Some(BOB),
                _ => false,
            };
            if by_configuration {
                grant(*asked);
            }
        }
        tokens
            .iter()
            .flat_map(|it| it.grants)
            .for_each(|it| grant(it));
        self.held = held;
        true
    }

    fn check(&self, found: &Identity) -> Result<(), TestCaseError> {
        let caps: Vec<&str> = self.held.keys().copied().collect();
        prop_assert_eq!(found.capabilities().iter().collect::<Vec<_>>(), caps);
        for capability in CAPABILITIES {
            let by = self.held.get(capability).copied().unwrap_or_default();
            prop_assert_eq!(found.granted_by(capability).count(), by, "{}", capability);
        }
        let name = found.caller_id().map(ToString::to_string);
        prop_assert_eq!(&name, &self.name);
        let verified = match (self.with_tokens, self.uid) {
            (true, _) => self.name.clone(),
            (false, uid) => uid.map(|uid| format!("uid:{uid}")),
        };
        prop_assert_eq!(found.verified_id().map(ToString::to_string), verified);
        let ground = match (self.with_tokens, self.uid, &self.name) {
            (true, ..) => Ground::Token,
            (false, Some(_), _) => Ground::Peer,
            (false, None, Some(_)) => Ground::Asserted,
            (false, None, None) => Ground::Anonymous,
        };
        prop_assert_eq!(found.ground(), ground);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// U4: never one client's name with another's rights; a hello that fails
    /// leaves nothing of itself.
    #[test]
    fn u4_a_hello_replaces_the_identity_whole_or_leaves_it_whole(
        uid in prop::option::of(prop::sample::select(vec![0, 1_000])),
        steps in prop::collection::vec(step(), 1..6),
    ) {
        let (builder, _) = builder();
        let gate = builder
            .allow(["list"])
            .allow_uid(0)
            .allow_uid(1_000)
            .grant(Grantee::Uid(0), ["read"])
            .grant(Grantee::Verified(did(BOB).into()), ["write"])
            .build();
        let peer = uid.map(|uid| PeerCredentials { uid, gid: 0, pid: None });
        let mut identity = gate.connect(peer).unwrap();
        let mut model = Model { uid, ..Model::default() };
        model.check(&identity)?;
        for step in steps {
            let tokens = step.tokens.iter().map(|it| TOKENS[*it].token.clone());
            let mut hello = hello(step.name.map(did).as_deref(), tokens.collect());
            hello.requested_capabilities = step.asks.iter().copied().collect();
            let before = identity.clone();
            match gate.hello(&identity, &hello) {
                Ok(next) => {
                    prop_assert!(model.hello(&step), "{:?} was let in", step);
                    identity = next;
                }
                Err(error) => {
                    prop_assert!(!model.hello(&step), "{:?}: {}", step, error);
                    prop_assert_eq!(&identity, &before);
                }
            }
            model.check(&identity)?;
        }
    }
}
