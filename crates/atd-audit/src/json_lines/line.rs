//! An event as one line of JSON, of a length that is known in advance.
//!
//! This writes what serde would make of a [`CallEvent`], in a fraction of the
//! time that a call waits for it; the tests hold the two against each other.

use std::cell::Cell;

use super::{escape, lines::Line};
use crate::{Beside, BesideFields, CallEvent, Outcome};

/// The longest line, its newline included: promise A9.
pub(super) const LINE_LIMIT: usize = 64 * 1024;
/// What an event's own fields may take of it. The rest is for what is written
/// beside them.
const EVENT_LIMIT: usize = LINE_LIMIT - 1024;
/// More than the names, the numbers and the punctuation of an event take.
const FRAME: usize = 512;

/// How many bytes each string of an event may take, between its quotes, and
/// each list, between its brackets.
struct Room {
    /// A time, a call id, a tier, a code.
    word: usize,
    /// A tool id, a caller id.
    id: usize,
    /// A message, a list of capabilities, who granted them.
    text: usize,
}

const TS: &[u8] = b"{\"ts\":\"";
const CALL_ID: &[u8] = b"\",\"call_id\":\"";

const WHOLE: Room = Room {
    word: usize::MAX,
    id: usize::MAX,
    text: usize::MAX,
};

/// What an event that is too long is cut to.
const CUT: Room = Room {
    word: 1024,
    id: 8 * 1024,
    text: 14 * 1024,
};

// The third text is what stands beside the event.
const _: () = assert!(FRAME + 4 * CUT.word + 2 * CUT.id + 3 * CUT.text <= EVENT_LIMIT);

thread_local! {
    static LINE: Cell<Option<Box<Line>>> = const { Cell::new(None) };
}

/// What a line says.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) event: &'a CallEvent,
    /// How the call ended, whatever the event says.
    pub(super) outcome: &'a Outcome,
    pub(super) beside: Option<(&'a Beside, BesideFields)>,
}

impl<'a> From<&'a CallEvent> for Said<'a> {
    fn from(event: &'a CallEvent) -> Self {
        Self {
            event,
            outcome: &event.outcome,
            beside: None,
        }
    }
}

/// Gives the line of what is `said`, newline included, to `use_line`.
///
/// The line is made in the buffer that the thread has, unless the thread is
/// already being torn down.
pub(super) fn with_line<T>(said: Said<'_>, use_line: impl FnOnce(&mut Line) -> T) -> T {
    let kept = LINE.try_with(Cell::take).unwrap_or_default();
    let mut line = kept.unwrap_or_default();
    line.clear();
    encode(&mut line.bytes, said);
    let used = use_line(&mut line);
    if line.bytes.capacity() <= LINE_LIMIT {
        let _ = LINE.try_with(|kept| kept.set(Some(line)));
    }
    used
}

/// A line without its closing brace and its newline.
pub(super) fn fields_of(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"}\n").unwrap_or(line)
}

/// The call id in a line, as it is written there. Empty if it is no line of
/// ours.
pub(super) fn call_id(line: &[u8]) -> &[u8] {
    let found = || {
        let (_, rest) = until_quote(line.strip_prefix(TS)?)?;
        let (call_id, _) = until_quote(rest.strip_prefix(CALL_ID)?)?;
        Some(call_id)
    };
    found().unwrap_or_default()
}

/// Whether `line` ends where its object does. A line that was cut short may end
/// in a brace too.
pub(super) fn is_whole(line: &[u8]) -> bool {
    let (mut depth, mut in_string, mut is_escaped) = (0_u32, false, false);
    let line = line.trim_ascii_end();
    for (index, byte) in line.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1 == line.len() && *byte == b'}';
        }
    }
    false
}

/// What `text` is up to the quote that ends it, and from there on.
fn until_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some(text.split_at(end))
}

/// Appends the line of what is `said` to `line`, which is empty.
fn encode(line: &mut Vec<u8>, said: Said<'_>) {
    let shortest = shortest_length(said);
    let fits = shortest <= EVENT_LIMIT && {
        line.reserve(FRAME + shortest);
        fields(line, said, &WHOLE);
        line.len() <= EVENT_LIMIT
    };
    if !fits {
        line.clear();
        fields(line, said, &CUT);
        line.extend_from_slice(b",\"truncated\":true");
    }
    line.extend_from_slice(b"}\n");
}

/// The length of an event's strings if none of their characters needs an
/// escape.
fn shortest_length(said: Said<'_>) -> usize {
    let event = said.event;
    let of_list = |list: &[String]| list.iter().map(|item| item.len() + 3).sum::<usize>();
    let of_outcome = match said.outcome {
        Outcome::ExecutionFailed { code, .. } => code.len(),
        Outcome::InvalidArgs { message } => message.len(),
        Outcome::CapabilityDenied { missing } => of_list(missing),
        Outcome::Success | Outcome::RateLimited { .. } | Outcome::ToolNotFound => 0,
    };
    event.ts.len()
        + event.call_id.len()
        + event.tool_id.len()
        + event.caller_id.as_ref().map_or(0, String::len)
        + of_list(&event.granted_capabilities)
        + of_outcome
        + event.tier.len()
}

/// Appends what is `said` as a JSON object that still lacks its closing brace.
fn fields(line: &mut Vec<u8>, said: Said<'_>, room: &Room) {
    // Field by field, so that one that is added cannot be forgotten here.
    let CallEvent {
        ts,
        call_id,
        tool_id,
        caller_id,
        granted_capabilities,
        duration_ms,
        outcome: _,
        tier,
        dry_run,
        schema_version,
        secrets_resolved,
        cursor_page,
    } = said.event;

    line.extend_from_slice(TS);
    escape::unquoted(line, ts, room.word);
    line.extend_from_slice(CALL_ID);
    escape::unquoted(line, call_id, room.word);
    line.extend_from_slice(b"\",\"tool_id\":\"");
    escape::unquoted(line, tool_id, room.id);
    if let Some(caller_id) = caller_id {
        line.extend_from_slice(b"\",\"caller_id\":\"");
        escape::unquoted(line, caller_id, room.id);
    }
    line.extend_from_slice(b"\",\"granted_capabilities\":");
    list(line, granted_capabilities, room.text);
    line.extend_from_slice(b",\"duration_ms\":");
    number(line, *duration_ms);
    line.extend_from_slice(b",\"outcome\":");
    outcome(line, said.outcome, room);
    line.extend_from_slice(b",\"tier\":\"");
    escape::unquoted(line, tier, room.word);
    line.extend_from_slice(b"\",\"dry_run\":");
    boolean(line, *dry_run);
    line.extend_from_slice(b",\"schema_version\":");
    number(line, u64::from(*schema_version));
    line.extend_from_slice(b",\"secrets_resolved\":");
    boolean(line, *secrets_resolved);
    if let Some(page) = cursor_page {
        line.extend_from_slice(b",\"cursor_page\":");
        number(line, u64::from(*page));
    }
    if let Some((beside, wanted)) = said.beside {
        beside.write(line, wanted, room.text);
    }
}

fn outcome(line: &mut Vec<u8>, outcome: &Outcome, room: &Room) {
    match outcome {
        Outcome::Success => line.extend_from_slice(b"{\"kind\":\"success\"}"),
        Outcome::ExecutionFailed { code, retryable } => {
            line.extend_from_slice(b"{\"kind\":\"execution_failed\",\"code\":");
            escape::string(line, code, room.word);
            line.extend_from_slice(b",\"retryable\":");
            boolean(line, *retryable);
            line.push(b'}');
        }
        Outcome::InvalidArgs { message } => {
            line.extend_from_slice(b"{\"kind\":\"invalid_args\",\"message\":");
            escape::string(line, message, room.text);
            line.push(b'}');
        }
        Outcome::CapabilityDenied { missing } => {
            line.extend_from_slice(b"{\"kind\":\"capability_denied\",\"missing\":");
            list(line, missing, room.text);
            line.push(b'}');
        }
        Outcome::RateLimited { retry_after_ms } => {
            line.extend_from_slice(b"{\"kind\":\"rate_limited\",\"retry_after_ms\":");
            match retry_after_ms {
                Some(wait) => number(line, *wait),
                None => line.extend_from_slice(b"null"),
            }
            line.push(b'}');
        }
        Outcome::ToolNotFound => line.extend_from_slice(b"{\"kind\":\"tool_not_found\"}"),
    }
}

/// Appends a list of strings. Its elements are whole: half the name of a
/// capability is the name of another one.
pub(super) fn list(line: &mut Vec<u8>, items: &[String], mut room: usize) {
    line.push(b'[');
    let first = line.len();
    for item in items {
        let before = line.len();
        if before > first {
            line.push(b',');
        }
        let whole = escape::string(line, item, room);
        let taken = line.len() - before;
        if !whole || taken > room {
            line.truncate(before);
            break;
        }
        room -= taken;
    }
    line.push(b']');
}

fn boolean(line: &mut Vec<u8>, value: bool) {
    line.extend_from_slice(if value { b"true" as &[u8] } else { b"false" });
}

/// Appends `value` in decimal.
pub(super) fn number(line: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[first..]);
}
