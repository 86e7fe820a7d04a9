//! What was found.

use std::fmt;

use crate::{
    CallEvent, Head,
    read::{Position, Problem},
};

/// What [`verify`](crate::verify()) found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// How many segments there are.
    pub segments: usize,
    /// How many events are on record, those behind a break among them.
    pub events: u64,
    /// The `ts` of the first event.
    pub first_ts: Option<String>,
    /// The `ts` of the last event.
    pub last_ts: Option<String>,
    /// How far the chain was followed; `None` if there is none.
    pub chain: Option<ChainReport>,
    /// The signatures on the chain.
    pub signatures: Signatures,
    /// How many events were lost, by the records of gaps.
    pub lost: u64,
    /// How many gaps there are.
    pub gaps: u64,
    /// How many lines are torn. They hold no event.
    pub torn: u64,
    /// The first of them.
    pub first_torn: Option<Position>,
    /// The last line of the active segment, if it has no newline: it is being
    /// written, or torn.
    pub unfinished: Option<Position>,
    /// How many lines of the chain are JSON, but no event that this version
    /// knows.
    pub other_lines: u64,
    /// The first thing that is wrong. Behind it the chain was not followed.
    pub broken: Option<Break>,
}

impl VerifyReport {
    /// Whether nothing is wrong. What that means, and what not, is said at
    /// [`verify`](crate::verify()).
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.broken.is_none()
    }

    pub(super) fn count(&mut self, event: &CallEvent, lost_before: u64) {
        self.events += 1;
        self.first_ts.get_or_insert_with(|| event.ts.clone());
        self.last_ts.get_or_insert_default().clone_from(&event.ts);
        self.lost = self.lost.saturating_add(lost_before);
        self.gaps += u64::from(lost_before > 0);
    }
}

/// How far a chain was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainReport {
    /// The number of the first line on record.
    pub first_seq: u64,
    /// The last line that is sound.
    pub last: Head,
    /// Whether the link of the first line was checked. If not, older segments
    /// were taken out, and the first line is taken as it is.
    pub is_start_checked: bool,
    /// How many events stand before the chain, without one.
    pub unchained_before: u64,
    /// How many of the expected heads are those of lines on record, or of the
    /// line right before the first one.
    pub heads_found: usize,
    /// How many are not: in a sound log, because they are of lines that were
    /// taken out with older segments.
    pub heads_not_found: usize,
}

/// The signatures on a chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signatures {
    /// How many were checked, and are good.
    pub checked: u64,
    /// How many were not, for want of a key.
    pub unchecked: u64,
    /// The number of the last line with a good signature. Every line up to it
    /// is as whoever has the secret key wrote it.
    pub signed_through: Option<u64>,
}

/// Where and why a log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Break {
    /// The first bad line; `None` if no line is bad, but the log as a whole.
    pub at: Option<Position>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{at}: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

/// Why a log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The line cannot be read. A torn line is a fault only where a line of the
    /// chain is missing.
    Line(Problem),
    /// The line has a `seq` or a `chain`, but not as the format has them.
    BadSeal,
    /// The line has no `seq` and no `chain`, and others have.
    Unsealed,
    /// One or more lines are missing before this one, or it was moved.
    SeqJump {
        /// The number that would have continued the chain.
        expected: u64,
        /// The number of the line.
        found: u64,
    },
    /// The line was there before, or was moved.
    SeqRepeated {
        /// The number that would have continued the chain.
        expected: u64,
        /// The number of the line.
        found: u64,
    },
    /// The line, or its `chain`, was changed.
    ChainMismatch,
    /// The line's signature is not by the key, or not for this line.
    BadSignature,
    /// The log once had another line of this number.
    OtherChain {
        /// The number.
        seq: u64,
    },
    /// The log once had more lines: the newest were cut off.
    Ended {
        /// The number of the newest line that it is known to have had.
        expected: u64,
        /// The number of its last line.
        last: u64,
    },
    /// The log has no chain, and should have one.
    Unchained,
    /// The signature of an expected head is not by the key.
    HeadSignature {
        /// The number of its line.
        seq: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(Problem::Torn) => {
                f.write_str("the line is no JSON, and a line of the chain is missing here")
            }
            Self::Line(problem) => problem.fmt(f),
            Self::BadSeal => f.write_str("`seq` and `chain` are not as they were written"),
            Self::Unsealed => f.write_str("the line has no `seq` and `chain`, and others have"),
            Self::SeqJump { expected, found } => write!(
                f,
                "this is line {found} of the chain where {expected} should be: \
                 lines were taken out or moved"
            ),
            Self::SeqRepeated { expected, found } => write!(
                f,
                "this is line {found} of the chain again where {expected} should be: \
                 it was put in or moved"
            ),
            Self::ChainMismatch => {
                f.write_str("the chain does not fit: the line or its `chain` was changed")
            }
            Self::BadSignature => f.write_str("the signature is not by this key for this line"),
            Self::OtherChain { seq } => {
                write!(f, "line {seq} of the chain is not the one that is expected")
            }
            Self::Ended { expected, last } => write!(
                f,
                "the log ends with line {last} of the chain, and once had line {expected}: \
                 the newest lines were cut off"
            ),
            Self::Unchained => f.write_str("the log has no chain"),
            Self::HeadSignature { seq } => {
                write!(
                    f,
                    "the signature of the expected head {seq} is not by this key"
                )
            }
        }
    }
}
