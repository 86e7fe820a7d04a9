//! By what the limits of a caller are kept.

use std::hash::{BuildHasher, RandomState};

/// What stands for a caller's verified name: short, of one length, and not to
/// be chosen by the caller. With 128 bits nobody meets another by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CallerKey([u64; 2]);

/// Makes the keys of one gate, with a secret of its own.
#[derive(Debug, Default)]
pub(crate) struct CallerKeys([RandomState; 2]);

impl CallerKeys {
    pub(crate) fn of(&self, verified_id: &str) -> CallerKey {
        let [first, second] = &self.0;
        CallerKey([first.hash_one(verified_id), second.hash_one(verified_id)])
    }
}
