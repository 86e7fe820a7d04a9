//! The hash chain of a log, as bytes: what the writer seals a line with and
//! the reader holds it against.
//!
//! A sealed line ends in `,"seq":N,"chain":"<64 hex>"}`, with
//! `,"sig":"<128 hex>"` before the brace if it is signed, hex in lower case.
//! Each `chain` is the SHA-256 of the line up to its own `,"chain":`, followed
//! by the `chain` before it. In this order all that a line says can be hashed
//! before it is known which line it follows.

use std::fmt;

#[cfg(feature = "read")]
use sha2::Digest as _;
use sha2::{
    Sha256,
    digest::{
        Output,
        block_api::{Block, Buffer, EagerHash, FixedOutputCore, UpdateCore},
    },
};

use crate::hex::{hex, unhex};

const SEQ: &[u8] = b",\"seq\":";
const CHAIN: &[u8] = b",\"chain\":\"";
const SIG: &[u8] = b",\"sig\":\"";
/// What a signature is over begins with these bytes, so that it is good for
/// nothing but a log's chain.
#[cfg(feature = "sign")]
const SIGNING_CONTEXT: &[u8; 19] = b"atd-audit chain v1\0";

/// The `chain` of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChainHash([u8; 32]);

impl ChainHash {
    /// What stands for the `chain` before the first line.
    pub(crate) const START: Self = Self([0; 32]);

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The `chain` of the line that follows; `prefix` is that line from its
    /// `{` up to but not including `,"chain":`.
    #[cfg(feature = "read")]
    pub(crate) fn next(&self, prefix: &[u8]) -> Self {
        let mut hash = Sha256::new_with_prefix(prefix);
        hash.update(self.0);
        Self(hash.finalize().into())
    }

    /// What a signature of the line `seq` is over.
    #[cfg(feature = "sign")]
    pub(crate) fn signing_message(&self, seq: u64) -> [u8; 59] {
        let mut message = [0; 59];
        message[..19].copy_from_slice(SIGNING_CONTEXT);
        message[19..27].copy_from_slice(&seq.to_be_bytes());
        message[27..].copy_from_slice(&self.0);
        message
    }
}

/// What SHA-256 has come to behind the whole blocks that a line begins with.
///
/// It is a third of the size of a `Sha256`, which keeps the bytes that fill no
/// block: one goes with each line from the thread that reports it to the one
/// that writes.
#[derive(Clone)]
pub(crate) struct BlocksHash(Core);

type Core = <Sha256 as EagerHash>::Core;

impl BlocksHash {
    /// Of a line that begins with `fields`.
    pub(crate) fn of(fields: &[u8]) -> Self {
        let mut core = Core::default();
        core.update_blocks(Block::<Core>::slice_as_chunks(fields).0);
        Self(core)
    }

    /// How many bytes of a line with these `fields` it is of.
    pub(crate) fn covers(fields: &[u8]) -> usize {
        let (_, rest) = Block::<Core>::slice_as_chunks(fields);
        fields.len() - rest.len()
    }

    /// The `chain` of the line whose `rest` it does not cover, up to but not
    /// including `,"chain":`, and which stands behind the one whose `chain` is
    /// `before`.
    pub(crate) fn seal(mut self, rest: &[u8], before: &ChainHash) -> ChainHash {
        let mut buffer = Buffer::<Core>::default();
        for bytes in [rest, &before.0] {
            buffer.digest_blocks(bytes, |blocks| self.0.update_blocks(blocks));
        }
        let mut hash = Output::<Core>::default();
        self.0.finalize_fixed_core(&mut buffer, &mut hash);
        ChainHash(hash.into())
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// What a sealed line ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) seq: u64,
    pub(crate) chain: ChainHash,
    pub(crate) sig: Option<[u8; 64]>,
}

impl Link {
    /// The link at the end of `line`, which has no newline, and what the hash
    /// covers of the line. `None` unless every byte is where the format has it.
    pub(crate) fn parse(line: &[u8]) -> Option<(Self, &[u8])> {
        let body = line.strip_suffix(b"\"}")?;
        if !body.starts_with(b"{") {
            return None;
        }
        let (body, sig) = match field::<64>(body, SIG) {
            Some((before, sig)) => (before.strip_suffix(b"\"")?, Some(sig)),
            None => (body, None),
        };
        let (prefix, chain) = field::<32>(body, CHAIN)?;
        let digits = prefix.iter().rev().take_while(|b| b.is_ascii_digit());
        let (before, seq) = prefix.split_at(prefix.len() - digits.count());
        if !before.ends_with(SEQ) || (seq.len() > 1 && seq[0] == b'0') {
            return None;
        }
        let link = Self {
            seq: std::str::from_utf8(seq).ok()?.parse().ok()?,
            chain: ChainHash(chain),
            sig,
        };
        Some((link, prefix))
    }
}

/// What stands before `name`, and the `N` bytes of hex that stand behind it
/// and end `body`.
fn field<'a, const N: usize>(body: &'a [u8], name: &[u8]) -> Option<(&'a [u8], [u8; N])> {
    let (before, digits) = body.split_at_checked(body.len().checked_sub(2 * N)?)?;
    Some((before.strip_suffix(name)?, unhex(digits)?))
}

#[cfg(test)]
mod tests {
    use sha2::Digest as _;

    use super::*;

    #[test]
    fn a_link_is_the_hash_of_the_line_and_of_the_link_before() {
        let line: Vec<u8> = (0..300_u16).map(|n| n as u8).collect();
        for fields in 0..line.len() {
            let before = ChainHash::from_bytes([fields as u8; 32]);
            let covered = BlocksHash::covers(&line[..fields]);
            let chain = BlocksHash::of(&line[..fields]).seal(&line[covered..], &before);
            let whole = [&line[..], before.as_bytes()].concat();
            assert_eq!(chain.as_bytes()[..], Sha256::digest(&whole)[..]);
            #[cfg(feature = "read")]
            assert_eq!(before.next(&line), chain);
        }
    }

    #[test]
    fn a_link_is_read_back_and_nothing_but_its_exact_form() {
        let chain = "0f".repeat(32);
        let sig = "a1".repeat(64);
        let plain = format!("{{\"x\":1,\"seq\":7,\"chain\":\"{chain}\"}}");
        let signed = format!("{{\"x\":1,\"seq\":7,\"chain\":\"{chain}\",\"sig\":\"{sig}\"}}");
        for (line, sig) in [(&plain, None), (&signed, Some([0xa1; 64]))] {
            let (link, prefix) = Link::parse(line.as_bytes()).unwrap();
            assert_eq!((link.seq, link.sig), (7, sig));
            assert_eq!(link.chain, ChainHash::from_bytes([0x0f; 32]));
            assert_eq!(prefix, b"{\"x\":1,\"seq\":7");
        }
        for bad in [
            plain.replace("0f0f", "0F0f"),
            plain.replace(":7", ":07"),
            plain.replace(":7", ":"),
            plain.replace(":7", ":99999999999999999999"),
            plain.replace("seq", "sek"),
            plain.replace("chain", "chaim"),
            plain.replace("\"}", "\" }"),
            format!(" {plain}"),
            format!("{plain}\t"),
            signed.replace("sig", "sih"),
            signed.replace("a1a1", "a1a"),
            String::new(),
        ] {
            assert_eq!(Link::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
