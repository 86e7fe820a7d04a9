//! Patterns for paths.

use globset::{GlobBuilder, GlobMatcher};

use super::error::SearchError;

/// A pattern for paths below a directory, in which `*` stays within a name and
/// `**` does not. `argument` is where the caller gave it.
pub(in crate::fs) fn pattern(
    argument: &'static str,
    text: &str,
) -> Result<GlobMatcher, SearchError> {
    let bad = |says: String| SearchError::BadPattern { argument, says };
    if text.starts_with('/') || text.split('/').any(|name| name == "..") {
        return Err(bad(
            "a pattern stays below `path`: it neither begins with `/` nor holds `..`; \
             give the directory as `path`"
                .to_owned(),
        ));
    }
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    let glob = glob.map_err(|error| bad(format!("is no pattern: {}", error.kind())))?;
    Ok(glob.compile_matcher())
}
