//! How many tokens are read, and how long ones.

use crate::token::InvalidToken;

/// How many tokens of a hello are read, and how many bytes of them.
const MAX_TOKENS: usize = 8;
const MAX_BYTES: usize = 64 * 1024;

/// Refuses more than is read, before any of it is.
pub(crate) fn check_size<S: AsRef<str>>(tokens: &[S]) -> Result<(), InvalidToken> {
    if tokens.len() > MAX_TOKENS {
        return Err(InvalidToken::TooMany {
            count: tokens.len(),
            limit: MAX_TOKENS,
        });
    }
    let bytes = tokens.iter().map(|token| token.as_ref().len()).sum();
    if bytes > MAX_BYTES {
        return Err(InvalidToken::TooLarge {
            bytes,
            limit: MAX_BYTES,
        });
    }
    Ok(())
}
