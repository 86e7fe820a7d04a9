//! U1: attacks on a chain, each with the code that it gets.

mod chains;
mod claims;
mod forms;
mod signatures;

use atd_gate::Identity;
use serde_json::Value;

use super::forge::*;

struct Attack {
    name: &'static str,
    code: u16,
    /// What the refusal must say, so that it is refused for the right reason.
    says: &'static str,
    client_id: Option<String>,
    tokens: Vec<String>,
}

/// The three links with one thing changed.
fn with(
    name: &'static str,
    code: u16,
    says: &'static str,
    change: impl FnOnce(&mut Vec<Link>),
) -> Attack {
    let mut links = good();
    change(&mut links);
    raw(name, code, says, leaf(links))
}

/// The leaf's compact form with one thing changed.
fn raw(name: &'static str, code: u16, says: &'static str, token: String) -> Attack {
    Attack {
        name,
        code,
        says,
        client_id: Some(did(AGENT)),
        tokens: vec![token],
    }
}

fn header(name: &'static str, says: &'static str, header: &str) -> Attack {
    with(name, 1010, says, |links| links[2].header = header.into())
}

fn claim(name: &'static str, says: &'static str, member: &str, value: Value) -> Attack {
    with(name, 1010, says, |links| {
        links[2].payload[member] = value;
    })
}

fn without(name: &'static str, says: &'static str, member: &str) -> Attack {
    with(name, 1010, says, |links| {
        links[2].payload.as_object_mut().unwrap().remove(member);
    })
}

fn text(name: &'static str, says: &'static str, edit: fn(String) -> Vec<u8>) -> Attack {
    with(name, 1010, says, |links| links[2].text = edit)
}

fn compact(name: &'static str, says: &'static str, edit: fn(String) -> String) -> Attack {
    with(name, 1010, says, |links| links[2].compact = edit)
}

fn check(attacks: Vec<Attack>) {
    let gate = gate();
    assert!(
        present(&gate, leaf(good())).is_ok(),
        "the chain itself is good"
    );
    for attack in attacks {
        let hello = hello(attack.client_id.as_deref(), attack.tokens);
        let refused = gate.hello(&Identity::anonymous(), &hello);
        let refused = refused.expect_err(attack.name);
        assert_eq!(code(&refused), attack.code, "{}: {refused}", attack.name);
        let said = refused.to_string();
        assert!(said.contains(attack.says), "{}: {said}", attack.name);
        assert!(said.len() < 400, "{}: {said}", attack.name);
        assert!(
            !said.contains(char::is_control),
            "{}: {said:?}",
            attack.name
        );
    }
}

fn sign_with(link: &Link, header: &str, signature: &[u8]) -> String {
    let payload = encoded(link.payload.to_string());
    format!("{}.{payload}.{}", encoded(header), encoded(signature))
}
