//! Sets of capability names.

use serde::{Deserialize, Serialize};

/// A sorted set of capability names, such as `read` or `fs.write`.
///
/// On the wire it is a JSON array of strings, written in ascending order and
/// read in any order with repetitions dropped. Lookups are binary searches and
/// allocate nothing.
///
/// ```
/// use atd_proto::CapabilitySet;
///
/// let held = CapabilitySet::from_iter(["write", "read"]);
/// let required = CapabilitySet::from_iter(["read", "admin"]);
/// assert!(!held.contains_all(&required));
/// assert_eq!(required.difference(&held).to_string(), "admin");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct CapabilitySet {
    names: Vec<String>,
    /// The [`head`] of each name. They lie side by side, so a search seldom
    /// looks at more than one name. `None` where there are no names.
    heads: Option<Box<[u64]>>,
}

/// The first eight bytes of a name as a number. Names are in the order of
/// their heads; those with the same head, in the order of their bytes.
fn head(name: &str) -> u64 {
    let mut head = [0; 8];
    let bytes = name.as_bytes();
    let length = bytes.len().min(head.len());
    head[..length].copy_from_slice(&bytes[..length]);
    u64::from_be_bytes(head)
}

/// Up to so many are walked over; more are searched.
const WALKED: usize = 64;

impl CapabilitySet {
    /// The set that holds nothing.
    pub const EMPTY: Self = Self {
        names: Vec::new(),
        heads: None,
    };

    /// Whether `capability` is in the set.
    pub fn contains(&self, capability: &str) -> bool {
        self.holds(head(capability), capability)
    }

    /// Whether every member of `required` is in this set.
    pub fn contains_all(&self, required: &Self) -> bool {
        let heads = self.heads();
        let mut required = required.heads().iter().zip(&required.names);
        if heads.len() > WALKED {
            return required.all(|(head, name)| self.holds(*head, name));
        }
        // Both are sorted: one walk over the held ones finds all.
        let mut at = 0;
        required.all(|(head, name)| {
            while heads.get(at).is_some_and(|it| it < head) {
                at += 1;
            }
            let mut alike = at;
            while heads.get(alike) == Some(head) {
                if self.names[alike] == *name {
                    return true;
                }
                alike += 1;
            }
            false
        })
    }

    /// The members that `other` holds too.
    pub fn intersection(&self, other: &Self) -> Self {
        self.filtered(|capability| other.contains(capability))
    }

    /// The members that `other` lacks.
    pub fn difference(&self, other: &Self) -> Self {
        self.filtered(|capability| !other.contains(capability))
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The members, ascending.
    pub fn as_slice(&self) -> &[String] {
        &self.names
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn heads(&self) -> &[u64] {
        self.heads.as_deref().unwrap_or_default()
    }

    fn holds(&self, head: u64, name: &str) -> bool {
        let heads = self.heads();
        let at = heads.partition_point(|it| *it < head);
        let (alike, after) = (heads.get(at), heads.get(at + 1));
        if alike != Some(&head) {
            return false;
        }
        if after != Some(&head) {
            return self.names[at] == name;
        }
        let some = &self.names[at..];
        some.binary_search_by(|it| it.as_str().cmp(name)).is_ok()
    }

    fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        // What is left of a sorted set is sorted.
        let names: Vec<String> = self.names.iter().filter(|it| keep(it)).cloned().collect();
        Self::sorted(names)
    }

    fn sorted(names: Vec<String>) -> Self {
        let heads: Box<[u64]> = names.iter().map(|name| head(name)).collect();
        Self {
            heads: (!heads.is_empty()).then_some(heads),
            names,
        }
    }
}

impl std::fmt::Display for CapabilitySet {
    /// The members, ascending, with `, ` between them; `none` for the empty set.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.names.as_slice() {
            [] => f.write_str("none"),
            members => f.write_str(&members.join(", ")),
        }
    }
}

impl From<Vec<String>> for CapabilitySet {
    fn from(mut capabilities: Vec<String>) -> Self {
        capabilities.sort_unstable();
        capabilities.dedup();
        Self::sorted(capabilities)
    }
}

impl From<CapabilitySet> for Vec<String> {
    fn from(set: CapabilitySet) -> Self {
        set.names
    }
}

impl<S: Into<String>> FromIterator<S> for CapabilitySet {
    fn from_iter<I: IntoIterator<Item = S>>(capabilities: I) -> Self {
        capabilities
            .into_iter()
            .map(Into::into)
            .collect::<Vec<String>>()
            .into()
    }
}
