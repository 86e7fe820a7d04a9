//! What somebody may have meant.

use std::sync::Arc;

/// How many suggestions are made.
const MAX_SUGGESTIONS: usize = 3;

/// The longest id that is compared, in bytes, and the most tools that it is
/// compared with: who sends nonsense should not make the server work for it.
const MAX_LENGTH: usize = 128;
const MAX_TOOLS: usize = 1_000;

/// The known ids that are most like `id`, likest first.
pub(super) fn nearest(
    id: &str,
    count: usize,
    known: impl Iterator<Item = Arc<str>>,
) -> Vec<Arc<str>> {
    if id.len() > MAX_LENGTH || count > MAX_TOOLS {
        return Vec::new();
    }
    let mut near: Vec<(usize, Arc<str>)> = known
        .filter(|candidate| id.len().abs_diff(candidate.len()) <= candidate.len() / 3)
        .map(|candidate| (strsim::osa_distance(id, &candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3)
        .collect();
    near.sort_unstable();
    near.truncate(MAX_SUGGESTIONS);
    near.into_iter().map(|(_, id)| id).collect()
}
