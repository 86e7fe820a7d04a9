//! What can be said of who may call, and how often.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use atd_runtime::gate::ucan::Did;
use clap::{ArgAction, Args, ValueHint};

#[derive(Args, Debug)]
pub(crate) struct GateOptions {
    /// A capability that clients may hold if they ask for it; may be given more than once, and
    /// `none` allows none [default: read]
    #[arg(long = "grant", value_name = "CAP", action = ArgAction::Append, value_parser = capability)]
    pub(crate) grants: Vec<String>,
    /// Serve this local user too, besides the one who serves; may be given more than once. Who may
    /// open the socket is decided by its mode, 0600
    #[arg(long = "allow-uid", value_name = "UID", action = ArgAction::Append)]
    pub(crate) users: Vec<u32>,
    /// Trust tokens of this issuer, for these capabilities at most; may be given more than once
    #[arg(long = "trust", value_name = "DID=CAP,CAP", action = ArgAction::Append)]
    pub(crate) roots: Vec<TrustedRoot>,
    /// Take a token only from who proves to hold the key that it is for (`atd call --key`)
    #[arg(long)]
    pub(crate) demand_proof: bool,
    /// A file with the ids of revoked tokens; it is read again when it changes
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) revoked: Option<PathBuf>,
    /// How many calls a minute each caller may make
    #[arg(long, value_name = "N")]
    pub(crate) caller_rate: Option<NonZeroU32>,
    /// How many calls may be in flight at a time [default: 4096]
    #[arg(long, value_name = "N")]
    pub(crate) max_in_flight: Option<NonZeroU32>,
}

/// The name of a capability, as it can be given beside others.
pub(crate) fn capability(text: &str) -> Result<String, String> {
    let is_word = |c: char| !c.is_whitespace() && !c.is_control() && c != ',';
    if text.is_empty() || !text.chars().all(is_word) {
        return Err("a capability is a word without spaces and commas, such as fs.read".to_owned());
    }
    Ok(text.to_owned())
}

/// An issuer of tokens and what it may grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustedRoot {
    pub(crate) did: Did,
    pub(crate) may_grant: Vec<String>,
}

impl FromStr for TrustedRoot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (did, capabilities) = text
            .split_once('=')
            .ok_or("it should be DID=CAP,CAP: say what the issuer may grant")?;
        Ok(Self {
            did: did
                .parse()
                .map_err(|error| format!("before the `=`: {error}"))?,
            may_grant: capabilities
                .split(',')
                .map(capability)
                .collect::<Result<_, _>>()
                .map_err(|error| format!("after the `=`: {error}"))?,
        })
    }
}
