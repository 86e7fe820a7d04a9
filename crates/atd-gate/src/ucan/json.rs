//! JSON that leaves nothing to the reader: no member stands twice anywhere,
//! and what is compared is compared in one form.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How deep a value of no meaning to us may nest. Each level is copied once
/// more, so this keeps the cost linear.
const MAX_NESTING: usize = 16;

/// Reads the members of an object: `member` takes the value of each that it
/// knows and says whether it did. The others are read over. A member that
/// stands twice is an error.
pub(super) fn members<'de, A: MapAccess<'de>>(
    map: &mut A,
    mut member: impl FnMut(&str, &mut A) -> Result<bool, A::Error>,
) -> Result<(), A::Error> {
    let mut seen = BTreeSet::new();
    while let Some(key) = map.next_key::<String>()? {
        if seen.contains(&key) {
            return Err(twice());
        }
        if !member(&key, map)? {
            map.next_value_seed(Canonical::TOP)?;
        }
        seen.insert(key);
    }
    Ok(())
}

fn twice<E: Error>() -> E {
    E::custom("a member stands twice")
}

/// Reads any value into the one text that is the same for all ways to write
/// it: members sorted, no space.
#[derive(Clone, Copy)]
pub(super) struct Canonical {
    levels_left: usize,
}

impl Canonical {
    pub(super) const TOP: Self = Self {
        levels_left: MAX_NESTING,
    };

    fn below<E: Error>(self) -> Result<Self, E> {
        let levels_left = self.levels_left.checked_sub(1);
        levels_left
            .map(|levels_left| Self { levels_left })
            .ok_or_else(|| E::custom("it nests too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Canonical {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Canonical {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Ok("null".to_owned())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<String, E> {
        Ok(format!("{value:?}"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<String, E> {
        Ok(quoted(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<String, A::Error> {
        let below = self.below()?;
        let mut text = String::from("[");
        while let Some(item) = seq.next_element_seed(below)? {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&item);
        }
        text.push(']');
        Ok(text)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let below = self.below()?;
        let mut sorted = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(below)?;
            if sorted.insert(key, value).is_some() {
                return Err(twice());
            }
        }
        let mut text = String::from("{");
        for (key, value) in sorted {
            if text.len() > 1 {
                text.push(',');
            }
            let _ = write!(text, "{}:{value}", quoted(&key));
        }
        text.push('}');
        Ok(text)
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
