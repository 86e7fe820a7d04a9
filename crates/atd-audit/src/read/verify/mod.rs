//! Whether a log is what was written.

mod links;
mod options;
mod report;

pub use options::VerifyOptions;
pub use report::{Break, ChainReport, Fault, Signatures, VerifyReport};

use super::{AuditLog, Position, Problem, ReadError, records::RawLine};
use crate::{Head, chain::Link};
use links::Links;

/// Reads a whole log, and says what is in it and whether it is as it was
/// written. The first line that is not is in [`VerifyReport::broken`].
///
/// # What this proves
///
/// If nothing is broken in a log with a chain:
///
/// - **Within the log**, no line was changed, taken out, moved, put in or
///   doubled *by somebody who did not also compute the chain anew* from there
///   to the end of the log. Its lines are without a gap from
///   [`ChainReport::first_seq`] to [`ChainReport::last`].
/// - **With a key** ([`VerifyOptions::key`]), that holds against everybody
///   who does not have its secret half, up to
///   [`Signatures::signed_through`]. Behind the last signed line it holds as
///   it does without a key.
/// - **With a head that was kept elsewhere** ([`VerifyOptions::expect`]), that
///   holds against everybody up to the head, and the log was not cut off
///   before it.
///
/// # What this does not prove
///
/// - Without a key and without a head, whoever can write the whole log can
///   write another one whose chain is sound.
/// - That the newest lines are there. A log from which they were cut off
///   looks like a log in which they were never written; only a head that was
///   kept elsewhere tells the two apart. A key does not.
/// - That the oldest lines are there. Retention takes old segments out, and so
///   may somebody else; the first line on record is then taken as it is
///   ([`ChainReport::is_start_checked`]). [`VerifyOptions::complete`] says that
///   there was no retention, and a head of a line at or before that one is
///   held against it.
/// - That a signature was not taken out: not every line has one. What it would
///   have shown is then missing from [`Signatures::signed_through`].
/// - That a line which is torn ([`VerifyReport::torn`]) was torn by a crash. It
///   holds no event and takes no number, so somebody can add one without
///   breaking the chain; the count and the first place of them are told.
/// - That what was written is true, or all that happened. What the writer had
///   to leave out is in [`VerifyReport::lost`], as far as it could say so.
///
/// In a log without a chain nothing is proven. It is read, and lines that are
/// no events are told; [`VerifyOptions::chained`] makes it a fault to be one.
///
/// # Errors
///
/// A segment could not be read. What is wrong with its lines is no error.
pub fn verify(log: &AuditLog, options: &VerifyOptions) -> Result<VerifyReport, ReadError> {
    let mut check = Check {
        report: VerifyReport {
            segments: log.segments().len(),
            ..VerifyReport::default()
        },
        links: Links::new(options),
        torn: None,
    };
    let mut records = log.records();
    while records.advance()? {
        if let Some(line) = records.line() {
            check.line(&line);
        }
    }
    Ok(check.finish())
}

struct Check<'a> {
    report: VerifyReport,
    links: Links<'a>,
    /// The first torn line since the last sound one.
    torn: Option<Position>,
}

impl Check<'_> {
    fn line(&mut self, raw: &RawLine<'_>) {
        let link = raw.line.bytes.and_then(Link::parse);
        match raw.event() {
            Ok(read) => {
                self.report.count(&read.event, read.lost_before);
                match link {
                    Some(link) => self.sealed(link, raw),
                    None => self.unsealed(read.is_marked, raw),
                }
            }
            Err(Problem::Unfinished) => self.report.unfinished = Some(raw.position()),
            Err(Problem::Torn) => {
                self.report.torn += 1;
                let at = || raw.position();
                self.report.first_torn.get_or_insert_with(at);
                self.torn.get_or_insert_with(at);
            }
            // Whatever it is, it was written with the log.
            Err(Problem::NotAnEvent { .. }) if link.is_some() => {
                self.report.other_lines += 1;
                link.into_iter().for_each(|link| self.sealed(link, raw));
            }
            Err(problem) => {
                // The rest, perhaps, of the line that seemed to be torn.
                let at = self.torn.take().unwrap_or_else(|| raw.position());
                self.fault(at, Fault::Line(problem));
            }
        }
    }

    fn sealed(&mut self, (link, prefix): (Link, &[u8]), raw: &RawLine<'_>) {
        if self.report.broken.is_some() {
            return;
        }
        match self.links.add(link, prefix) {
            Ok(()) => self.torn = None,
            Err(Fault::Unsealed) => {
                let first = self.links.first_unsealed().cloned();
                self.fault(first.unwrap_or_else(|| raw.position()), Fault::Unsealed);
            }
            Err(fault) => {
                // A line is missing: what became of it may be standing there.
                let torn = self.torn.take();
                match (&fault, torn) {
                    (Fault::SeqJump { .. }, Some(at)) => {
                        self.fault(at, Fault::Line(Problem::Torn));
                    }
                    _ => self.fault(raw.position(), fault),
                }
            }
        }
    }

    fn unsealed(&mut self, is_marked: bool, raw: &RawLine<'_>) {
        if is_marked {
            self.fault(raw.position(), Fault::BadSeal);
        } else if self.links.has_begun() {
            self.fault(raw.position(), Fault::Unsealed);
        } else {
            self.links.pass_unsealed(|| raw.position());
        }
    }

    fn fault(&mut self, at: Position, fault: Fault) {
        self.report.broken.get_or_insert(Break {
            at: Some(at),
            fault,
        });
    }

    fn finish(mut self) -> VerifyReport {
        if self.report.broken.is_none() {
            let fault = self.links.fault_at_the_end();
            self.report.broken = fault.map(|fault| Break { at: None, fault });
        }
        self.report.chain = self.links.report();
        self.report.signatures = self.links.signatures();
        self.report
    }
}

/// A head as the chain is compared with it.
fn same_line(head: &Head, link: &Link) -> bool {
    head.link().chain == link.chain
}
