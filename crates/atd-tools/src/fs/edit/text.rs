//! One text in the place of another.

use memchr::memmem::Finder;

/// How many places a message names.
const NAMED: usize = 5;

/// A content in which something was replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edited {
    pub(super) content: Vec<u8>,
    pub(super) replacements: u64,
    /// The line in which the first of them begins, counted from 1.
    pub(super) first_line: u64,
}

/// Why nothing was replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// The old text is not there.
    None {
        /// It would be if its lines ended with `\r\n`.
        but_for_line_ends: bool,
    },
    /// It is there more than once: in these lines, to begin with.
    Many { lines: Vec<u64>, more: bool },
    /// The content would become longer than it may be.
    TooLong,
}

/// Puts `new` in the place of `old`, which is not empty: where it is the only
/// one, or in `all` places, from the left. The content becomes no longer than
/// `most` bytes.
pub(super) fn replace(
    content: &[u8],
    old: &[u8],
    new: &[u8],
    all: bool,
    most: usize,
) -> Result<Edited, Mismatch> {
    let finder = Finder::new(old);
    let Some(first) = finder.find(content) else {
        return Err(Mismatch::None {
            but_for_line_ends: is_there_with_crlf(content, old),
        });
    };
    if !all && finder.find(&content[first + 1..]).is_some() {
        return Err(many(content, &finder));
    }
    let count = if all {
        finder.find_iter(content).count()
    } else {
        1
    };
    let kept = content.len() - count * old.len();
    let length = count.checked_mul(new.len());
    let length = length.and_then(|length| length.checked_add(kept));
    let Some(length) = length.filter(|length| *length <= most) else {
        return Err(Mismatch::TooLong);
    };

    let mut edited = Vec::with_capacity(length);
    let mut from = 0;
    for at in finder.find_iter(content).take(count) {
        edited.extend_from_slice(&content[from..at]);
        edited.extend_from_slice(new);
        from = at + old.len();
    }
    edited.extend_from_slice(&content[from..]);
    Ok(Edited {
        content: edited,
        replacements: count as u64,
        first_line: line_at(content, first),
    })
}

/// The places where the text is, those that overlap included: it is not certain
/// which one is meant.
fn many(content: &[u8], finder: &Finder<'_>) -> Mismatch {
    let mut from = 0;
    let places = std::iter::from_fn(|| {
        let at = from + finder.find(&content[from..])?;
        from = at + 1;
        Some(at)
    });
    let places: Vec<usize> = places.take(NAMED + 1).collect();
    let named = places.iter().take(NAMED);
    Mismatch::Many {
        lines: named.map(|at| line_at(content, *at)).collect(),
        more: places.len() > NAMED,
    }
}

fn is_there_with_crlf(content: &[u8], old: &[u8]) -> bool {
    if old.contains(&b'\r') || !old.contains(&b'\n') {
        return false;
    }
    let parts: Vec<&[u8]> = old.split(|byte| *byte == b'\n').collect();
    Finder::new(&parts.join(&b"\r\n"[..]))
        .find(content)
        .is_some()
}

fn line_at(content: &[u8], at: usize) -> u64 {
    1 + memchr::memchr_iter(b'\n', &content[..at]).count() as u64
}
