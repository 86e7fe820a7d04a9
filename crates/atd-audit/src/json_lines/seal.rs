//! From the lines of the queue to the bytes of the log: where a segment ends,
//! what is written beside an event, and the chain.

use super::{
    line,
    lines::{self, Span},
};
#[cfg(feature = "chain")]
use crate::{
    Chaining,
    chain::{BlocksHash, ChainHash, Link},
    hex::push_hex,
};

/// Makes the bytes of the log.
pub(super) struct Sealing {
    /// The bytes of the part that was made last, unless they are those that were
    /// queued.
    sealed: Vec<u8>,
    #[cfg(feature = "chain")]
    chain: Option<Chain>,
}

/// So many lines that are written at once and lie in one segment.
pub(super) struct Part {
    pub(super) events: u64,
    /// Nothing else goes into the segment.
    pub(super) ends_segment: bool,
    /// Its lines are written as they were queued.
    is_as_queued: bool,
}

/// How the lines of a part are to be made.
pub(super) struct Terms {
    /// Events that are lost and that no line on record tells of.
    pub(super) gap: u64,
    /// After how many bytes the segment ends; never, if `None`.
    pub(super) room: Option<u64>,
    /// How many bytes of the queue's lines are written at once, but for the
    /// last line.
    pub(super) at_most: usize,
    /// No line comes after these.
    pub(super) is_last: bool,
}

impl Sealing {
    #[cfg(not(feature = "chain"))]
    pub(super) fn new() -> Self {
        Self { sealed: Vec::new() }
    }

    /// Seals with `chaining`, behind `last`.
    #[cfg(feature = "chain")]
    pub(super) fn new(chaining: Option<Chaining>, last: Option<Link>) -> Self {
        Self {
            sealed: Vec::new(),
            chain: chaining.map(|how| Chain {
                how,
                last,
                next: last,
                is_new_file: true,
            }),
        }
    }

    /// The bytes of the `part` of these `lines` that was made last.
    pub(super) fn bytes<'a>(&'a self, part: &Part, lines: Span<'a>) -> &'a [u8] {
        match part.is_as_queued {
            true => lines.split_at(part.events).0.bytes(),
            false => &self.sealed,
        }
    }

    /// As much of `lines` as the segment takes; at least one line.
    pub(super) fn part(&mut self, lines: Span<'_>, terms: &Terms) -> Part {
        lines::clear(&mut self.sealed);
        if terms.gap == 0 && !self.is_chained() {
            return Self::as_queued(lines, terms);
        }
        let mut part = Part {
            events: 0,
            ends_segment: false,
            is_as_queued: false,
        };
        #[cfg(feature = "chain")]
        let mut last = self.chain.as_ref().and_then(|chain| chain.last);
        #[cfg(feature = "chain")]
        let mut hashes = lines.hashes();
        let mut taken = 0;
        for line in lines.each() {
            let fields = line::fields_of(line);
            let start = self.sealed.len();
            self.sealed.extend_from_slice(fields);
            if terms.gap > 0 && part.events == 0 {
                let gap = format!(",\"lost_before\":{}", terms.gap);
                self.sealed.extend_from_slice(gap.as_bytes());
            }
            part.events += 1;
            taken += line.len();
            let length = self.sealed.len() as u64 + self.seal_length();
            part.ends_segment = terms.room.is_some_and(|room| length >= room);
            #[cfg(feature = "chain")]
            if let Some(chain) = &self.chain {
                let must_sign = part.ends_segment
                    || (chain.is_new_file && part.events == 1)
                    || (terms.is_last && part.events == lines.len());
                let hash = hashes.next().flatten().cloned();
                let hash = hash.unwrap_or_else(|| BlocksHash::of(fields));
                let rest = start + BlocksHash::covers(fields);
                last = Some(chain.seal(&mut self.sealed, rest, hash, last, must_sign));
            }
            #[cfg(not(feature = "chain"))]
            let _ = (start, terms.is_last);
            self.sealed.extend_from_slice(b"}\n");
            if part.ends_segment || taken >= terms.at_most {
                break;
            }
        }
        #[cfg(feature = "chain")]
        if let Some(chain) = &mut self.chain {
            chain.next = last;
        }
        part
    }

    /// As much of lines that go into the log as they are.
    fn as_queued(lines: Span<'_>, terms: &Terms) -> Part {
        let room = terms
            .room
            .map(|room| usize::try_from(room).unwrap_or(usize::MAX));
        let part = lines.reaching(terms.at_most.min(room.unwrap_or(usize::MAX)));
        Part {
            events: part.len(),
            ends_segment: room.is_some_and(|room| part.bytes().len() >= room),
            is_as_queued: true,
        }
    }

    fn is_chained(&self) -> bool {
        #[cfg(feature = "chain")]
        return self.chain.is_some();
        #[cfg(not(feature = "chain"))]
        false
    }

    /// What follows the fields of a line, without a signature.
    fn seal_length(&self) -> u64 {
        if self.is_chained() {
            return ",\"seq\":,\"chain\":\"\"}\n".len() as u64 + 20 + 64;
        }
        "}\n".len() as u64
    }

    /// The first `lines` of the `part` that was made last may be on record:
    /// their numbers are not given again. Returns where the chain stands then.
    #[cfg(feature = "chain")]
    pub(super) fn commit(&mut self, part: &Part, lines: u64) -> Option<Link> {
        let chain = self.chain.as_mut()?;
        if lines == part.events {
            chain.last = chain.next;
        } else {
            let last = usize::try_from(lines)
                .unwrap_or(usize::MAX)
                .checked_sub(1)?;
            let line = self.sealed.split(|byte| *byte == b'\n').nth(last)?;
            chain.last = Link::parse(line).map(|(link, _)| link).or(chain.last);
        }
        chain.is_new_file = false;
        chain.last
    }

    /// Where the chain stands.
    #[cfg(feature = "chain")]
    pub(super) fn last(&self) -> Option<Link> {
        self.chain.as_ref()?.last
    }

    /// What comes next is written to another file.
    #[cfg(feature = "chain")]
    pub(super) fn begin_file(&mut self) {
        if let Some(chain) = &mut self.chain {
            chain.is_new_file = true;
        }
    }
}

/// Where the chain stands, and how it goes on.
#[cfg(feature = "chain")]
struct Chain {
    how: Chaining,
    last: Option<Link>,
    /// Where it stands if the whole of the part that was made last is written.
    next: Option<Link>,
    /// No line of this chain is in the file yet: the next is signed, for all
    /// that are before it.
    is_new_file: bool,
}

#[cfg(feature = "chain")]
impl Chain {
    /// Appends the seal of the line that stands behind `last`; `hash` is of it
    /// up to `rest`.
    fn seal(
        &self,
        sealed: &mut Vec<u8>,
        rest: usize,
        hash: BlocksHash,
        last: Option<Link>,
        must_sign: bool,
    ) -> Link {
        let before = last.map_or(ChainHash::START, |link| link.chain);
        let seq = last.map_or(1, |link| link.seq.saturating_add(1));
        sealed.extend_from_slice(b",\"seq\":");
        line::number(sealed, seq);
        let chain = hash.seal(&sealed[rest..], &before);
        let link = Link {
            seq,
            chain,
            sig: self.signature(seq, &chain, must_sign),
        };
        sealed.extend_from_slice(b",\"chain\":\"");
        push_hex(sealed, chain.as_bytes());
        if let Some(sig) = &link.sig {
            sealed.extend_from_slice(b"\",\"sig\":\"");
            push_hex(sealed, sig);
        }
        sealed.push(b'"');
        link
    }

    #[cfg(feature = "sign")]
    fn signature(&self, seq: u64, chain: &ChainHash, must_sign: bool) -> Option<[u8; 64]> {
        let signed = self.how.signed.as_ref()?;
        let is_due = must_sign || seq.is_multiple_of(signed.every.get());
        is_due.then(|| signed.key.sign(seq, chain))
    }

    #[cfg(not(feature = "sign"))]
    fn signature(&self, _: u64, _: &ChainHash, _: bool) -> Option<[u8; 64]> {
        let _ = &self.how;
        None
    }
}
