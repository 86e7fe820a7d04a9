//! Makes tokens by hand, good ones and others, without the crate under test.

use std::time::Duration;

use atd_gate::{FakeClock, Gate, GateBuilder, HelloError, Identity, TokenError};
use atd_proto::Hello;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

/// The time on the tests' wall clock, in Unix seconds.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) const ROOT: u8 = 1;
pub(crate) const ALICE: u8 = 2;
pub(crate) const BOB: u8 = 3;
pub(crate) const AGENT: u8 = 4;
pub(crate) const MALLORY: u8 = 66;

pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

pub(crate) fn did(number: u8) -> String {
    did_of(&[0xed, 0x01], key(number).verifying_key().as_bytes())
}

pub(crate) fn did_of(codec: &[u8], key: &[u8]) -> String {
    let bytes = [codec, key].concat();
    format!("did:key:z{}", bs58::encode(bytes).into_string())
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// One token before it is made.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) header: String,
    pub(crate) payload: Value,
    /// Changes the payload's text before it is signed.
    pub(crate) text: fn(String) -> Vec<u8>,
    pub(crate) signer: u8,
    /// Changes the compact form afterwards.
    pub(crate) compact: fn(String) -> String,
}

impl Link {
    pub(crate) fn new(issuer: u8, audience: u8, caps: &[&str], exp: u64) -> Self {
        Self {
            header: r#"{"alg":"EdDSA","typ":"ucan/1.0+jwt","ucv":"1.0"}"#.into(),
            payload: json!({
                "iss": did(issuer),
                "aud": did(audience),
                "sub": did(ROOT),
                "cmd": "atd-cap",
                "args": {"caps": caps},
                "nonce": "bm9uY2U",
                "exp": exp,
                "prf": [],
            }),
            text: String::into_bytes,
            signer: issuer,
            compact: |compact| compact,
        }
    }

    pub(crate) fn sign(&self) -> String {
        let payload = (self.text)(self.payload.to_string());
        let signed = format!("{}.{}", encoded(&self.header), encoded(payload));
        let signature = key(self.signer).sign(signed.as_bytes()).to_bytes();
        (self.compact)(format!("{signed}.{}", encoded(signature)))
    }
}

/// The root lets Alice, who lets Bob, who lets the agent.
pub(crate) fn good() -> Vec<Link> {
    vec![
        Link::new(ROOT, ALICE, &["admin", "read", "write"], NOW + 3_000),
        Link::new(ALICE, BOB, &["read", "write"], NOW + 2_000),
        Link::new(BOB, AGENT, &["read"], NOW + 1_000),
    ]
}

/// Every token of a chain, root first, each in the next one's `prf`.
pub(crate) fn tokens(mut links: Vec<Link>) -> Vec<String> {
    let mut made: Vec<String> = Vec::new();
    for link in &mut links {
        if let Some(parent) = made.last()
            && link.payload["prf"] == json!([])
        {
            link.payload["prf"] = json!([parent]);
        }
        made.push(link.sign());
    }
    made
}

pub(crate) fn leaf(links: Vec<Link>) -> String {
    tokens(links).pop().unwrap()
}

/// A gate that trusts the root, and its clock, at [`NOW`].
pub(crate) fn builder() -> (GateBuilder, FakeClock) {
    let clock = FakeClock::default();
    clock.set_unix(Duration::from_secs(NOW));
    let gate = Gate::builder()
        .clock(clock.clone())
        .trust_root(did(ROOT).parse().unwrap(), ["admin", "read", "write"]);
    (gate, clock)
}

pub(crate) fn gate() -> Gate {
    builder().0.build()
}

pub(crate) fn hello(client_id: Option<&str>, tokens: Vec<String>) -> Hello {
    Hello {
        client_id: client_id.map(str::to_owned),
        ucan_tokens: tokens,
        ..Hello::default()
    }
}

pub(crate) fn present(gate: &Gate, token: String) -> Result<Identity, HelloError> {
    let hello = hello(Some(&did(AGENT)), vec![token]);
    gate.hello(&Identity::anonymous(), &hello)
}

/// The wire's code for what a hello became, as the protocol assigns it.
pub(crate) fn code(refused: &HelloError) -> u16 {
    match refused {
        HelloError::NoTrustedRoot | HelloError::Token(TokenError::Invalid(_)) => 1010,
        HelloError::Token(TokenError::Expired { .. }) => 1011,
        HelloError::Token(TokenError::TooDeep { .. }) => 1012,
        HelloError::Token(TokenError::AudienceMismatch) => 1013,
        other => panic!("{other:?} is no refusal of a token"),
    }
}
