//! The chain of a log, link by link.

use super::{ChainReport, Fault, Signatures, VerifyOptions, same_line};
use crate::{
    Head,
    chain::{ChainHash, Link},
    read::Position,
};

/// How far the chain was followed.
pub(super) struct Links<'a> {
    options: &'a VerifyOptions,
    first_seq: Option<u64>,
    last: Option<Link>,
    is_start_checked: bool,
    unsealed: u64,
    first_unsealed: Option<Position>,
    signatures: Signatures,
    heads_found: usize,
}

impl<'a> Links<'a> {
    pub(super) fn new(options: &'a VerifyOptions) -> Self {
        Self {
            options,
            first_seq: None,
            last: None,
            is_start_checked: false,
            unsealed: 0,
            first_unsealed: None,
            signatures: Signatures::default(),
            heads_found: 0,
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.last.is_some()
    }

    pub(super) fn first_unsealed(&self) -> Option<&Position> {
        self.first_unsealed.as_ref()
    }

    /// Passes a line without a chain that stands before all that have one.
    pub(super) fn pass_unsealed(&mut self, at: impl FnOnce() -> Position) {
        self.unsealed += 1;
        self.first_unsealed.get_or_insert_with(at);
    }

    /// Follows the chain to the line that ends in `link`.
    pub(super) fn add(&mut self, link: Link, prefix: &[u8]) -> Result<(), Fault> {
        let before = match self.last {
            Some(last) => Some(self.continue_from(&last, &link)?),
            None => self.begin(&link)?,
        };
        if before.is_some_and(|before| before.next(prefix) != link.chain) {
            return Err(Fault::ChainMismatch);
        }
        let mut heads = self.heads_at(link.seq);
        if heads.any(|head| !same_line(head, &link)) {
            return Err(Fault::OtherChain { seq: link.seq });
        }
        self.heads_found += self.heads_at(link.seq).count();
        self.check_signature(&link)?;
        self.first_seq.get_or_insert(link.seq);
        self.is_start_checked |= self.last.is_none() && before.is_some();
        self.last = Some(link);
        Ok(())
    }

    /// The chain before the first line that has one; `None` if it cannot be
    /// known.
    fn begin(&mut self, link: &Link) -> Result<Option<ChainHash>, Fault> {
        if self.unsealed > 0 && !self.options.unchained_start {
            return Err(Fault::Unsealed);
        }
        if link.seq == 1 {
            return Ok(Some(ChainHash::START));
        }
        let must_be_first = link.seq == 0 || self.unsealed > 0 || self.options.complete;
        if must_be_first {
            let found = link.seq;
            return Err(Fault::SeqJump { expected: 1, found });
        }
        let mut heads = self.heads_at(link.seq - 1);
        let anchor = heads.next().map(|head| head.link().chain);
        self.heads_found += usize::from(anchor.is_some()) + heads.count();
        Ok(anchor)
    }

    fn continue_from(&self, last: &Link, link: &Link) -> Result<ChainHash, Fault> {
        let expected = last.seq.saturating_add(1);
        let found = link.seq;
        match found {
            _ if found == expected => Ok(last.chain),
            _ if found < expected => Err(Fault::SeqRepeated { expected, found }),
            _ => Err(Fault::SeqJump { expected, found }),
        }
    }

    fn heads_at(&self, seq: u64) -> impl Iterator<Item = &'a Head> + use<'a> {
        let heads = &self.options.heads;
        let from = heads.partition_point(|head| head.seq() < seq);
        heads[from..]
            .iter()
            .take_while(move |head| head.seq() == seq)
    }

    #[cfg(feature = "sign")]
    fn check_signature(&mut self, link: &Link) -> Result<(), Fault> {
        match (&self.options.key, &link.sig) {
            (Some(key), Some(sig)) if key.has_signed(link, sig) => {
                self.signatures.checked += 1;
                self.signatures.signed_through = Some(link.seq);
                Ok(())
            }
            (Some(_), Some(_)) => Err(Fault::BadSignature),
            (None, Some(_)) => {
                self.signatures.unchecked += 1;
                Ok(())
            }
            (_, None) => Ok(()),
        }
    }

    #[cfg(not(feature = "sign"))]
    #[expect(clippy::unnecessary_wraps, reason = "with signatures it can fail")]
    fn check_signature(&mut self, link: &Link) -> Result<(), Fault> {
        self.signatures.unchecked += u64::from(link.sig.is_some());
        Ok(())
    }

    /// What is wrong with a log whose lines are all sound.
    pub(super) fn fault_at_the_end(&self) -> Option<Fault> {
        let Some(last) = &self.last else {
            return self.options.chained.then_some(Fault::Unchained);
        };
        if let Some(fault) = self.badly_signed_head() {
            return Some(fault);
        }
        let newest = self.options.heads.last()?;
        (newest.seq() > last.seq).then(|| Fault::Ended {
            expected: newest.seq(),
            last: last.seq,
        })
    }

    #[cfg(feature = "sign")]
    fn badly_signed_head(&self) -> Option<Fault> {
        let key = self.options.key.as_ref()?;
        let is_bad = |head: &&Head| {
            let sig = head.signature();
            sig.is_some_and(|sig| !key.has_signed(head.link(), sig))
        };
        let head = self.options.heads.iter().find(is_bad)?;
        Some(Fault::HeadSignature { seq: head.seq() })
    }

    #[cfg(not(feature = "sign"))]
    fn badly_signed_head(&self) -> Option<Fault> {
        None
    }

    pub(super) fn report(&self) -> Option<ChainReport> {
        Some(ChainReport {
            first_seq: self.first_seq?,
            last: Head::new(self.last?),
            is_start_checked: self.is_start_checked,
            unchained_before: self.unsealed,
            heads_found: self.heads_found,
            heads_not_found: self.options.heads.len() - self.heads_found,
        })
    }

    pub(super) fn signatures(&self) -> Signatures {
        self.signatures
    }
}
