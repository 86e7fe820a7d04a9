//! What is written beside an event's own fields.

use super::{escape, line};
use crate::{Beside, BesideFields, hex::push_hex};

impl Beside {
    /// Appends the fields that are `wanted` and there, each with a comma
    /// before it; names of capabilities take no more than about `room` bytes.
    pub(super) fn write(&self, text: &mut Vec<u8>, wanted: BesideFields, room: usize) {
        if wanted.granted_by && !self.granted_by.is_empty() {
            self.write_grants(text, room);
        }
        if let (true, Some(trace_id)) = (wanted.trace_id, &self.trace_id) {
            text.extend_from_slice(b",\"trace_id\":");
            escape::string(text, trace_id, 64);
        }
        if let (true, Some(digest)) = (wanted.args_sha256, &self.args_sha256) {
            write_digest(text, b",\"args_sha256\":\"", digest);
        }
        if let (true, Some(digest)) = (wanted.result_sha256, &self.result_sha256) {
            write_digest(text, b",\"result_sha256\":\"", digest);
        }
    }

    fn write_grants(&self, text: &mut Vec<u8>, room: usize) {
        let room = room / self.granted_by.len();
        text.extend_from_slice(b",\"granted_by\":{");
        for (index, (mechanism, capabilities)) in self.granted_by.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            escape::string(text, mechanism, room / 8);
            text.push(b':');
            line::list(text, capabilities, room - room / 4);
        }
        text.push(b'}');
    }
}

fn write_digest(text: &mut Vec<u8>, name: &[u8], digest: &[u8; 32]) {
    text.extend_from_slice(name);
    push_hex(text, digest);
    text.push(b'"');
}
