//! How far a log's chain has come.

use std::{error, fmt, str::FromStr};

use crate::{
    chain::{ChainHash, Link},
    hex::{hex, unhex},
};

const PREFIX: &str = "atd-head-v1";

/// Where a log's chain stands at one of its lines: the line's number, the hash
/// over it and everything before it, and its signature if it has one.
///
/// Kept somewhere that whoever writes the log cannot write to, a head shows
/// later that no line up to it was changed and that it was not cut off. Its
/// text form is one line:
///
/// ```
/// # #[cfg(feature = "chain")] {
/// use atd_audit::Head;
///
/// let text = format!("atd-head-v1:42:{}", "0f".repeat(32));
/// let head: Head = text.parse()?;
/// assert_eq!((head.seq(), head.to_string()), (42, text));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head(Link);

impl Head {
    pub(crate) const fn new(link: Link) -> Self {
        Self(link)
    }

    #[cfg(feature = "read")]
    pub(crate) const fn link(&self) -> &Link {
        &self.0
    }

    /// The number of the line, counted from 1 over all segments.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.0.seq
    }

    /// The line's `chain`, a SHA-256.
    #[must_use]
    pub fn chain(&self) -> &[u8; 32] {
        self.0.chain.as_bytes()
    }

    /// The line's `chain` as it stands in the log: 64 digits of lower-case hex.
    #[must_use]
    pub fn chain_hex(&self) -> String {
        hex(self.chain())
    }

    /// The line's Ed25519 signature, if it has one. That it is here does not
    /// say that it is good.
    #[must_use]
    pub fn signature(&self) -> Option<&[u8; 64]> {
        self.0.sig.as_ref()
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}:{}:{}", self.seq(), self.chain_hex())?;
        match self.signature() {
            Some(sig) => write!(f, ":{}", hex(sig)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head({self})")
    }
}

impl FromStr for Head {
    type Err = ParseHeadError;

    /// Reads what `Display` writes; space around it is ignored.
    fn from_str(text: &str) -> Result<Self, ParseHeadError> {
        parse(text.trim()).map(Self).ok_or(ParseHeadError(()))
    }
}

fn parse(text: &str) -> Option<Link> {
    let text = text.strip_prefix(PREFIX)?.strip_prefix(':')?;
    let (seq, text) = text.split_once(':')?;
    let (chain, sig) = match text.split_once(':') {
        Some((chain, sig)) => (chain, Some(unhex(sig.as_bytes())?)),
        None => (text, None),
    };
    Some(Link {
        seq: seq.parse().ok().filter(|seq| *seq > 0)?,
        chain: ChainHash::from_bytes(unhex(chain.as_bytes())?),
        sig,
    })
}

/// The text is not that of a [`Head`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseHeadError(());

impl fmt::Display for ParseHeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a head is {PREFIX}:<number>:<64 hex digits>, and :<128 hex digits> if it is signed"
        )
    }
}

impl error::Error for ParseHeadError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_from_its_own_text_and_from_no_other() {
        let chain = "ab".repeat(32);
        let plain = format!("atd-head-v1:9:{chain}");
        let signed = format!("{plain}:{}", "cd".repeat(64));
        for text in [&plain, &signed] {
            assert_eq!(text.parse::<Head>().unwrap().to_string(), *text);
            assert_eq!(format!(" {text}\n").parse::<Head>().unwrap().seq(), 9);
        }
        for bad in [
            String::new(),
            plain.replace("v1", "v2"),
            plain.replace(":9:", ":0:"),
            plain.replace(":9:", ":-9:"),
            plain.replace("abab", "ABab"),
            format!("{plain}:"),
            format!("{signed}:"),
        ] {
            assert_eq!(bad.parse::<Head>(), Err(ParseHeadError(())), "{bad}");
        }
    }
}
