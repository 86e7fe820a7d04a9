//! By what the limits of a caller are kept.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// What stands for a caller's verified name: short, of one length, and not to
/// be chosen by the caller. With 128 bits nobody meets another by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallerKey([u64; 2]);

impl CallerKey {
    /// All those whom nobody vouches for.
    pub(crate) const NOBODY: Self = Self([0; 2]);

    /// The key of this caller with something else, given its two hashes.
    pub(super) fn with(self, other: [u64; 2]) -> Self {
        let [first, second] = self.0;
        // Turned, so that the key spreads over a table otherwise than over the
        // shards, which see only the caller's own.
        Self([
            first.rotate_left(17) ^ other[0],
            second.rotate_left(17) ^ other[1],
        ])
    }

    /// One of so many, by bits that no hash table within looks at.
    pub(super) fn spread(self, over: usize) -> usize {
        usize::try_from(self.0[1] % over as u64).unwrap_or_default()
    }
}

impl Hash for CallerKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // One half places it in a table; equality compares both.
        state.write_u64(self.0[0]);
    }
}

/// Makes the keys of one gate, with a secret of its own.
#[derive(Debug, Default)]
pub(crate) struct CallerKeys([RandomState; 2]);

impl CallerKeys {
    pub(crate) fn of(&self, verified_id: &str) -> CallerKey {
        let [first, second] = &self.0;
        CallerKey([first.hash_one(verified_id), second.hash_one(verified_id)])
    }
}
