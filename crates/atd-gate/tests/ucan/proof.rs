//! Proofs that who presents tokens holds the key that they are for, and
//! attacks on them.

use std::time::Duration;

use atd_gate::ucan::{Challenge, SigningKey};
use atd_gate::{Channel, FakeClock, Gate, HelloError, Identity, ProofError};
use atd_proto::Hello;
use ed25519_dalek::Signer;
use sha2::{Digest, Sha256};

use super::forge::*;

const CHANNEL: &str = "unix:1000";

/// A gate that demands proofs.
fn demanding() -> (Gate, FakeClock) {
    let (builder, clock) = builder();
    (builder.demand_proof().build(), clock)
}

fn channel() -> Channel {
    Channel::new(CHANNEL)
}

fn signing(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn presenting() -> Hello {
    hello(Some(&did(AGENT)), vec![leaf(good())])
}

fn say(gate: &Gate, over: &Channel, hello: &Hello) -> Result<Identity, HelloError> {
    gate.hello_over(over, &Identity::anonymous(), hello)
}

fn refused(ended: Result<Identity, HelloError>) -> (ProofError, Option<Challenge>) {
    match ended {
        Err(HelloError::Proof { problem, challenge }) => {
            let challenge = challenge.map(|text| text.parse().unwrap());
            (problem, challenge)
        }
        other => panic!("{other:?} is no refusal of a proof"),
    }
}

/// The challenge that a hello without a proof is answered with.
fn asked(gate: &Gate, over: &Channel, hello: &Hello) -> Challenge {
    let (problem, challenge) = refused(say(gate, over, hello));
    assert_eq!(problem, ProofError::Missing);
    challenge.unwrap()
}

fn with(hello: &Hello, proof: String) -> Hello {
    Hello {
        proof: Some(proof),
        ..hello.clone()
    }
}

#[test]
fn who_holds_the_key_is_let_in_and_holds_what_the_token_grants() {
    let ((gate, _), over, hello) = (demanding(), channel(), presenting());
    let challenge = asked(&gate, &over, &hello);
    let proof = signing(AGENT).prove(&challenge, CHANNEL, &hello.ucan_tokens);
    let agent = say(&gate, &over, &with(&hello, proof)).unwrap();
    assert_eq!(agent.capabilities().to_string(), "read");
    assert_eq!(agent.verified_id().map(|id| &**id), Some(&*did(AGENT)));
}

/// The bytes that are signed, by somebody who has only the protocol's document.
#[test]
fn the_signed_message_is_as_the_protocol_has_it() {
    let ((gate, _), over, hello) = (demanding(), channel(), presenting());
    let challenge = asked(&gate, &over, &hello).to_string();
    let mut message = b"atd proof of possession 1\0".to_vec();
    let decoded = base64::Engine::decode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        &challenge,
    );
    message.extend(decoded.unwrap());
    message.extend(Sha256::digest(CHANNEL));
    message.extend(Sha256::digest(Sha256::digest(&hello.ucan_tokens[0])));
    let proof = encoded(key(AGENT).sign(&message).to_bytes());
    assert!(say(&gate, &over, &with(&hello, proof)).is_ok());
}

#[test]
fn where_no_proof_is_demanded_nobody_hears_of_them() {
    let (gate, over, hello) = (gate(), channel(), presenting());
    assert!(say(&gate, &over, &hello).is_ok());
    assert!(gate.hello(&Identity::anonymous(), &hello).is_ok());
}

#[test]
fn a_transport_can_demand_what_the_gate_does_not() {
    let (gate, over) = (gate(), channel().demanding_proof());
    asked(&gate, &over, &presenting());
}

#[test]
fn without_tokens_nothing_is_to_be_proved() {
    let ((gate, _), over) = (demanding(), channel());
    let plain = hello(Some("somebody"), Vec::new());
    assert!(say(&gate, &over, &plain).is_ok());
    assert!(say(&gate, &over, &with(&plain, "whatever".into())).is_ok());
}

#[test]
fn a_transport_that_carries_no_proofs_takes_no_tokens() {
    let (gate, _) = demanding();
    let ended = gate.hello(&Identity::anonymous(), &presenting());
    assert_eq!(refused(ended), (ProofError::NoChannel, None));
}

#[test]
fn who_is_not_named_by_a_key_is_told_so() {
    let ((gate, _), over) = (demanding(), channel());
    for name in [
        None,
        Some("agent-7"),
        Some("did:key:z6Mk"),
        Some("did:web:example.org"),
    ] {
        let ended = say(&gate, &over, &hello(name, vec![leaf(good())]));
        assert_eq!(refused(ended), (ProofError::NoKey, None));
    }
}

/// A failed proof leaves the identity whole that was there before (U4), and a
/// good one makes up for it.
#[test]
fn a_failed_proof_changes_nothing_and_can_be_made_good() {
    let ((gate, _), over, hello) = (demanding(), channel(), presenting());
    let before = gate.hello_over(
        &over,
        &Identity::anonymous(),
        &self::hello(Some("a"), vec![]),
    );
    let before = before.unwrap();
    let copy = before.clone();
    let challenge = asked(&gate, &over, &hello);
    let wrong = signing(MALLORY).prove(&challenge, CHANNEL, &hello.ucan_tokens);
    let (problem, next) = refused(gate.hello_over(&over, &before, &with(&hello, wrong)));
    assert_eq!((problem, &before), (ProofError::Wrong, &copy));
    let proof = signing(AGENT).prove(&next.unwrap(), CHANNEL, &hello.ucan_tokens);
    assert!(
        gate.hello_over(&over, &before, &with(&hello, proof))
            .is_ok()
    );
}

#[test]
fn a_challenge_is_good_for_one_hello_and_for_a_minute() {
    let ((gate, clock), over, hello) = (demanding(), channel(), presenting());
    let challenge = asked(&gate, &over, &hello);
    let proof = signing(AGENT).prove(&challenge, CHANNEL, &hello.ucan_tokens);
    let proven = with(&hello, proof);
    assert!(say(&gate, &over, &proven).is_ok());
    assert_eq!(
        refused(say(&gate, &over, &proven)).0,
        ProofError::NoChallenge
    );

    for (seconds, good) in [(59, true), (60, false)] {
        let challenge = asked(&gate, &over, &hello);
        let proof = signing(AGENT).prove(&challenge, CHANNEL, &hello.ucan_tokens);
        clock.advance(Duration::from_secs(seconds));
        let ended = say(&gate, &over, &with(&hello, proof));
        assert_eq!(ended.is_ok(), good, "after {seconds} s");
        if !good {
            assert_eq!(refused(ended).0, ProofError::Expired);
        }
    }
}

/// Also one that needs no proof, or that is refused before it is looked at.
#[test]
fn whatever_comes_of_the_next_hello_it_uses_the_challenge_up() {
    let ((gate, _), over, presenting) = (demanding(), channel(), presenting());
    let plain = hello(Some("somebody"), Vec::new());
    let nameless = hello(None, presenting.ucan_tokens.clone());
    let too_long = hello(Some(&"a".repeat(1 << 20)), Vec::new());
    for next in [plain, nameless, too_long] {
        let challenge = asked(&gate, &over, &presenting);
        let proof = signing(AGENT).prove(&challenge, CHANNEL, &presenting.ucan_tokens);
        drop(say(&gate, &over, &next));
        let late = refused(say(&gate, &over, &with(&presenting, proof)));
        assert_eq!(late.0, ProofError::NoChallenge);
    }
}

#[test]
fn asking_again_leaves_the_last_challenge_alone_good() {
    let ((gate, _), over, hello) = (demanding(), channel(), presenting());
    let first = asked(&gate, &over, &hello);
    let second = asked(&gate, &over, &hello);
    assert_ne!(first, second);
    let proof = signing(AGENT).prove(&first, CHANNEL, &hello.ucan_tokens);
    assert_eq!(
        refused(say(&gate, &over, &with(&hello, proof))).0,
        ProofError::Wrong
    );
}

/// U1, on proofs: each of these is a way to use a token without its key, or a
/// proof where it was not made for.
#[test]
fn no_attack_on_a_proof_is_accepted() {
    type Forge = fn(&Challenge, &[String]) -> String;
    let attacks: [(&str, ProofError, Forge); 17] = [
        ("of another key", ProofError::Wrong, |challenge, tokens| {
            signing(MALLORY).prove(challenge, CHANNEL, tokens)
        }),
        ("of the issuer", ProofError::Wrong, |challenge, tokens| {
            signing(BOB).prove(challenge, CHANNEL, tokens)
        }),
        ("of the root", ProofError::Wrong, |challenge, tokens| {
            signing(ROOT).prove(challenge, CHANNEL, tokens)
        }),
        (
            "relayed by another user's server",
            ProofError::Wrong,
            |challenge, tokens| signing(AGENT).prove(challenge, "unix:1001", tokens),
        ),
        (
            "without a channel",
            ProofError::Wrong,
            |challenge, tokens| signing(AGENT).prove(challenge, "", tokens),
        ),
        ("for other tokens", ProofError::Wrong, |challenge, _| {
            signing(AGENT).prove(challenge, CHANNEL, &["a.b.c".to_owned()])
        }),
        ("for no tokens", ProofError::Wrong, |challenge, _| {
            signing(AGENT).prove(challenge, CHANNEL, &[])
        }),
        (
            "for the token twice",
            ProofError::Wrong,
            |challenge, tokens| {
                signing(AGENT).prove(challenge, CHANNEL, &[tokens, tokens].concat())
            },
        ),
        ("of another challenge", ProofError::Wrong, |_, tokens| {
            let other = encoded([7; 32]).parse().unwrap();
            signing(AGENT).prove(&other, CHANNEL, tokens)
        }),
        (
            "of the challenge alone",
            ProofError::Wrong,
            |challenge, _| encoded(key(AGENT).sign(challenge.to_string().as_bytes()).to_bytes()),
        ),
        (
            "the token's own signature",
            ProofError::Wrong,
            |_, tokens| tokens[0].rsplit_once('.').unwrap().1.to_owned(),
        ),
        (
            "zeros, as of a small-order key",
            ProofError::Wrong,
            |_, _| encoded([0; 64]),
        ),
        ("malleable", ProofError::Wrong, |challenge, tokens| {
            let proof = signing(AGENT).prove(challenge, CHANNEL, tokens);
            encoded(plus_group_order(&decoded(&proof)))
        }),
        ("padded", ProofError::Malformed, |challenge, tokens| {
            signing(AGENT).prove(challenge, CHANNEL, tokens) + "=="
        }),
        (
            "with other bits behind it",
            ProofError::Malformed,
            |challenge, tokens| {
                let mut proof = signing(AGENT).prove(challenge, CHANNEL, tokens);
                let last = proof.pop().unwrap();
                // The last digit of 64 bytes has four bits that say nothing.
                proof.push(char::from(last as u8 + 1));
                proof
            },
        ),
        ("empty", ProofError::Malformed, |_, _| String::new()),
        ("long", ProofError::Malformed, |_, _| "A".repeat(1 << 20)),
    ];
    for (name, expected, forge) in attacks {
        let ((gate, _), over, hello) = (demanding(), channel(), presenting());
        let challenge = asked(&gate, &over, &hello);
        let forged = forge(&challenge, &hello.ucan_tokens);
        let (problem, next) = refused(say(&gate, &over, &with(&hello, forged)));
        assert_eq!(problem, expected, "{name}");
        assert_ne!(next, Some(challenge), "{name}");
    }
}

/// A good proof does not make a bad token good, nor one's own key another's.
#[test]
fn a_proof_stands_in_for_nothing_else() {
    let ((gate, _), over) = (demanding(), channel());
    let prove = |number: u8, hello: Hello| {
        let challenge = asked(&gate, &over, &hello);
        let proof = signing(number).prove(&challenge, CHANNEL, &hello.ucan_tokens);
        say(&gate, &over, &with(&hello, proof)).unwrap_err()
    };
    let stolen = hello(Some(&did(MALLORY)), vec![leaf(good())]);
    assert_eq!(code(&prove(MALLORY, stolen)), 1013);
    let own = Link::new(MALLORY, MALLORY, &["admin"], NOW + 1_000);
    let untrusted = hello(Some(&did(MALLORY)), vec![own.sign()]);
    assert_eq!(code(&prove(MALLORY, untrusted)), 1010);
}

/// A proof that was overheard on one connection is worth nothing on another,
/// also where that one is about to be proved over.
#[test]
fn a_proof_is_good_on_its_own_connection_alone() {
    let ((gate, _), hello) = (demanding(), presenting());
    let (one, other) = (channel(), channel());
    let challenge = asked(&gate, &one, &hello);
    let proven = with(
        &hello,
        signing(AGENT).prove(&challenge, CHANNEL, &hello.ucan_tokens),
    );
    assert_eq!(
        refused(say(&gate, &other, &proven)).0,
        ProofError::NoChallenge
    );
    assert_eq!(refused(say(&gate, &other, &proven)).0, ProofError::Wrong);
    assert!(say(&gate, &one, &proven).is_ok());
}

#[test]
fn a_proof_that_nobody_asked_for_is_refused_with_a_challenge() {
    let (gate, over, hello) = (gate(), channel(), presenting());
    let (problem, challenge) = refused(say(&gate, &over, &with(&hello, encoded([1; 64]))));
    assert_eq!(problem, ProofError::NoChallenge);
    let proof = signing(AGENT).prove(&challenge.unwrap(), CHANNEL, &hello.ucan_tokens);
    assert!(say(&gate, &over, &with(&hello, proof)).is_ok());
}

fn decoded(text: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text).unwrap()
}

/// The signature with the order of the group added to its scalar: as good by
/// the equation, and not the one that was made.
fn plus_group_order(signature: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (point, scalar) = signature.split_at(32);
    let mut carry = 0;
    let sum = scalar.iter().zip(ORDER).map(|(a, b)| {
        let sum = u16::from(*a) + u16::from(b) + carry;
        carry = sum >> 8;
        (sum & 0xff) as u8
    });
    let sum: Vec<u8> = sum.collect();
    [point, &sum].concat()
}
