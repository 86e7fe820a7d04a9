//! Whom `atd doctor` is asked about.

use std::str::FromStr;

/// A caller, as an operator says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Nobody says who it is, not even the system.
    Anonymous,
    /// The local user with this number, who gives itself no name.
    User(u32),
    /// Somebody who gives itself this name.
    Named(String),
}

impl FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "anonymous" => Ok(Self::Anonymous),
            None if text.is_empty() => Err("nobody has an empty name".to_owned()),
            Some(("uid", uid)) => match uid.parse() {
                Ok(uid) => Ok(Self::User(uid)),
                Err(_) => Err("after `uid:` comes a number, such as uid:1000".to_owned()),
            },
            Some((kind @ ("gid" | "bearer"), _)) => Err(format!(
                "nobody comes over this socket as `{kind}:…`: say `uid:1000`, or a name"
            )),
            _ => Ok(Self::Named(text.to_owned())),
        }
    }
}
