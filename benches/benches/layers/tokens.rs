//! A hello with capability tokens.
//!
//! - `tokens/chain_of_3`: a hello with a token that stands on two others.
//! - `tokens/3_signatures`: what that is to be held against: the three checks
//!   of signatures alone, of the same texts, from the keys' bytes.
//! - `tokens/8_chains_of_5`: the most that a hello can ask for.
//! - `tokens/refused_by_size`: a hello with more than is read.
//! - `tokens/admit`: a call by a caller who came with a token.

use atd_runtime::gate::ucan::{Delegation, SigningKey, attenuate, inspect};
use atd_runtime::gate::{Requirement, RevocationSet};
use atd_runtime::proto::{Hello, ToolDefinition};
use atd_runtime::{Gate, Identity};
use criterion::{Criterion, criterion_group};
use ed25519_dalek::{Signature, Signer, VerifyingKey};

const EXPIRES: u64 = 4_000_000_000;

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// A chain of so many links, from the key 1 on.
fn chain(links: u8) -> String {
    let to = |number: u8| Delegation::new(key(number).did(), ["read", "write"], EXPIRES);
    let root = key(1).issue(&to(2)).expect("a root token");
    (2..=links).fold(root, |parent, link| {
        attenuate(&key(link), &parent, &to(link + 1)).expect("a link")
    })
}

fn hello(tokens: Vec<String>, client: u8) -> Hello {
    Hello {
        client_id: Some(key(client).did().to_string()),
        ucan_tokens: tokens,
        ..Hello::default()
    }
}

/// Three signatures of texts as long as those of the chain.
fn signatures() -> Vec<(Vec<u8>, [u8; 32], Signature)> {
    let signed = (1..=3).map(|links| {
        let token = chain(links);
        let text = token.rsplit_once('.').expect("a signature").0.as_bytes();
        let key = ed25519_dalek::SigningKey::from_bytes(key(links).expose_bytes());
        (
            text.to_vec(),
            key.verifying_key().to_bytes(),
            key.sign(text),
        )
    });
    signed.collect()
}

fn tokens(c: &mut Criterion) {
    let gate = Gate::builder()
        .trust_root(key(1).did(), ["read", "write"])
        .revocations(RevocationSet::default())
        .build();
    let nobody = Identity::anonymous();
    let mut group = c.benchmark_group("tokens");

    let three = hello(vec![chain(3)], 4);
    assert_eq!(inspect(&three.ucan_tokens[0]).map(|it| it.len()), Ok(3));
    let agent = gate.hello(&nobody, &three).expect("a good chain");
    group.bench_function("chain_of_3", |b| b.iter(|| gate.hello(&nobody, &three)));

    let signed = signatures();
    group.bench_function("3_signatures", |b| {
        b.iter(|| {
            signed.iter().all(|(text, key, signature)| {
                let key = VerifyingKey::from_bytes(key);
                key.and_then(|key| key.verify_strict(text, signature))
                    .is_ok()
            })
        });
    });

    let most = hello(vec![chain(5); 8], 6);
    assert!(gate.hello(&nobody, &most).is_ok());
    group.bench_function("8_chains_of_5", |b| b.iter(|| gate.hello(&nobody, &most)));

    let large = hello(vec!["x".repeat(10 * 1024 * 1024)], 4);
    assert!(gate.hello(&nobody, &large).is_err());
    group.bench_function("refused_by_size", |b| {
        b.iter(|| gate.hello(&nobody, &large));
    });

    let tool = ToolDefinition::builder("bench:gate.read", "Does nothing.")
        .requires(["read"])
        .build();
    group.bench_function("admit", |b| {
        b.iter(|| gate.admit(&agent, &Requirement::of(&tool)));
    });
}

criterion_group!(benches, tokens);
