//! What a token says.

use std::fmt;

use atd_proto::CapabilitySet;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::json::{Canonical, members};

/// The last second that a token may name: what every JSON reader holds exactly.
pub(super) const MAX_SECONDS: u64 = (1 << 53) - 1;

/// A token's header, as far as it is looked at.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) typ: String,
    pub(super) ucv: String,
    pub(super) crit: bool,
}

/// A token's payload, as far as it is looked at.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: String,
    pub(super) cmd: String,
    pub(super) args: Args,
    pub(super) exp: u64,
    pub(super) nbf: Option<u64>,
    pub(super) prf: Vec<String>,
    /// A member that would narrow the token in a way that is not known here.
    pub(super) unknown_rules: Option<&'static str>,
}

/// What is granted.
#[derive(Debug)]
pub(super) struct Args {
    pub(super) caps: CapabilitySet,
    /// What it applies to, each in its canonical form; empty for everything.
    pub(super) with: CapabilitySet,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        members(&mut map, |key, map| {
            match key {
                "alg" => header.alg = map.next_value()?,
                "typ" => header.typ = map.next_value()?,
                "ucv" => header.ucv = map.next_value()?,
                "crit" => {
                    map.next_value_seed(Canonical::TOP)?;
                    header.crit = true;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(header)
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let (mut iss, mut aud, mut sub, mut cmd) = (None, None, None, None);
        let (mut args, mut nonce, mut exp, mut nbf) = (None, None::<String>, None, None);
        let mut prf = Vec::new();
        let mut unknown_rules = None;
        members(&mut map, |key, map| {
            match key {
                "iss" => iss = Some(map.next_value()?),
                "aud" => aud = Some(map.next_value()?),
                "sub" => sub = Some(map.next_value()?),
                "cmd" => cmd = Some(map.next_value()?),
                "args" => args = Some(map.next_value()?),
                "nonce" => nonce = Some(map.next_value()?),
                "exp" => exp = Some(seconds(map)?),
                "nbf" => nbf = Some(seconds(map)?),
                "prf" => prf = map.next_value()?,
                "crit" | "pol" => {
                    map.next_value_seed(Canonical::TOP)?;
                    unknown_rules = Some(if key == "pol" { "pol" } else { "crit" });
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        nonce.ok_or_else(|| A::Error::missing_field("nonce"))?;
        Ok(Claims {
            iss: iss.ok_or_else(|| A::Error::missing_field("iss"))?,
            aud: aud.ok_or_else(|| A::Error::missing_field("aud"))?,
            sub: sub.ok_or_else(|| A::Error::missing_field("sub"))?,
            cmd: cmd.ok_or_else(|| A::Error::missing_field("cmd"))?,
            args: args.ok_or_else(|| A::Error::missing_field("args"))?,
            exp: exp.ok_or_else(|| A::Error::missing_field("exp"))?,
            nbf,
            prf,
            unknown_rules,
        })
    }
}

fn seconds<'de, A: MapAccess<'de>>(map: &mut A) -> Result<u64, A::Error> {
    let seconds = map.next_value()?;
    if seconds > MAX_SECONDS {
        return Err(A::Error::custom("a time is too far off"));
    }
    Ok(seconds)
}

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ArgsVisitor)
    }
}

struct ArgsVisitor;

impl<'de> Visitor<'de> for ArgsVisitor {
    type Value = Args;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Args, A::Error> {
        let (mut caps, mut with) = (None, CapabilitySet::EMPTY);
        members(&mut map, |key, map| {
            match key {
                "caps" => caps = Some(map.next_value::<Vec<String>>()?.into()),
                "with" => with = map.next_value_seed(Resources)?.into(),
                // An argument that is read over might have narrowed the grant.
                _ => return Err(A::Error::custom("`args` holds more than `caps` and `with`")),
            }
            Ok(true)
        })?;
        let caps = caps.ok_or_else(|| A::Error::missing_field("caps"))?;
        Ok(Args { caps, with })
    }
}

/// Reads the items of `with`, each in its canonical form.
struct Resources;

impl<'de> DeserializeSeed<'de> for Resources {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Resources {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Canonical::TOP)? {
            items.push(item);
        }
        Ok(items)
    }
}
