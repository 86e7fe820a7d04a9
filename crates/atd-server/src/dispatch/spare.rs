//! Events that were told, kept to be filled in anew.
//!
//! An event holds some ten texts. They are much the same from one call to the
//! next, so they are written over where they are and nothing is allocated.

use std::cell::Cell;

use atd_audit::{CallEvent, Outcome, SCHEMA_VERSION};

/// A text with more room than this, and a list of more capabilities, are not
/// kept: what one caller says is nothing for each thread to hold on to.
const LONGEST: usize = 1_024;
const MOST: usize = 128;

thread_local! {
    static SPARE: Cell<Option<Box<CallEvent>>> = const { Cell::new(None) };
}

/// An event to fill in. What is in it is of another call.
pub(super) fn take() -> Box<CallEvent> {
    let spare = SPARE.try_with(Cell::take).ok().flatten();
    spare.unwrap_or_else(|| {
        Box::new(CallEvent {
            ts: String::new(),
            call_id: String::new(),
            tool_id: String::new(),
            caller_id: None,
            granted_capabilities: Vec::new(),
            duration_ms: 0,
            outcome: Outcome::Success,
            tier: String::new(),
            dry_run: false,
            schema_version: SCHEMA_VERSION,
            secrets_resolved: false,
            cursor_page: None,
        })
    })
}

/// Keeps an event that was told for the next one of this thread.
pub(super) fn keep(mut event: Box<CallEvent>) {
    if is_small(&event) {
        // The only other part that may be large.
        event.outcome = Outcome::Success;
        let _ = SPARE.try_with(|spare| spare.set(Some(event)));
    }
}

fn is_small(event: &CallEvent) -> bool {
    let capabilities = &event.granted_capabilities;
    let named = [&event.tool_id].into_iter().chain(&event.caller_id);
    let mut texts = named.chain(capabilities);
    texts.all(|text| text.capacity() <= LONGEST) && capabilities.capacity() <= MOST
}
