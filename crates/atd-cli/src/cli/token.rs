//! What can be typed after `atd token`.

use std::path::PathBuf;
use std::time::Duration;

use atd_runtime::gate::ucan::Did;
use clap::{ArgAction, Args, Subcommand, ValueHint};
use serde_json::Value;

use super::JsonOption;
use super::gate::capability;

/// Only `revoke` and `key` write to a file.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a key, in a new file that only you can read, and print its name (did:key:…)
    Key(TokenKeyOptions),
    /// Print the name of a key
    Did(TokenKeyOptions),
    /// Issue a token, and print it
    Issue(TokenIssueOptions),
    /// Pass a token on to somebody else, with no more rights than it has
    Attenuate(TokenAttenuateOptions),
    /// Show what a token says, and whether it is signed; not whether anybody trusts it
    Inspect(TokenInspectOptions),
    /// Call a token back, and with it all that were made from it
    Revoke(TokenRevokeOptions),
}

#[derive(Args, Debug)]
pub(crate) struct TokenKeyOptions {
    /// The file with the key
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct DelegationOptions {
    /// The file with the key to sign with
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,
    /// Whom the token is for
    #[arg(long, value_name = "DID")]
    pub(crate) to: Did,
    /// A capability to grant; may be given more than once
    #[arg(long = "cap", value_name = "CAP", required = true, action = ArgAction::Append, value_parser = capability)]
    pub(crate) capabilities: Vec<String>,
    /// What they apply to, as JSON; may be given more than once [default: everything that the
    /// token passed on applies to]
    #[arg(long = "with", value_name = "JSON", action = ArgAction::Append, value_parser = json)]
    pub(crate) resources: Vec<Value>,
    /// For how long: 90s, 15m, 8h, 30d or 1w
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) expires_in: Duration,
}

#[derive(Args, Debug)]
pub(crate) struct TokenIssueOptions {
    #[command(flatten)]
    pub(crate) delegation: DelegationOptions,
}

#[derive(Args, Debug)]
pub(crate) struct TokenAttenuateOptions {
    /// The token, or `-` for standard input
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) delegation: DelegationOptions,
}

#[derive(Args, Debug)]
pub(crate) struct TokenInspectOptions {
    /// The token, or `-` for standard input
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Args, Debug)]
pub(crate) struct TokenRevokeOptions {
    /// The token, its id, or `-` for standard input
    pub(crate) token: String,
    /// The file that servers look into (`atd serve --revoked`)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it should be JSON: {error}"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "it should be a number and s, m, h, d or w, such as 8h".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: u64 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| wrong())?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    match number.checked_mul(seconds) {
        Some(seconds @ 1..=31_536_000_000) => Ok(Duration::from_secs(seconds)),
        _ => Err("it should be more than nothing and less than a thousand years".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        let seconds = |text| duration(text).map(|it| it.as_secs());
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("1w"), Ok(604_800));
        for bad in [
            "",
            "8",
            "h",
            "-1h",
            "8 h",
            "1y",
            "0s",
            "8ß",
            "99999999999999999999w",
            "9999999w",
        ] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
