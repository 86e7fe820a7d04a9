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
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct CapabilitySet(Vec<String>);

impl CapabilitySet {
    /// The set that holds nothing.
    pub const EMPTY: Self = Self(Vec::new());

    /// Whether `capability` is in the set.
    pub fn contains(&self, capability: &str) -> bool {
        self.0
            .binary_search_by(|held| held.as_str().cmp(capability))
            .is_ok()
    }

    /// Whether every member of `required` is in this set.
    pub fn contains_all(&self, required: &Self) -> bool {
        required.iter().all(|capability| self.contains(capability))
    }

    /// The members that `other` holds too.
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.filtered(|capability| other.contains(capability)))
    }

    /// The members that `other` lacks.
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.filtered(|capability| !other.contains(capability)))
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The members, ascending.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn filtered(&self, keep: impl Fn(&str) -> bool) -> Vec<String> {
        self.0
            .iter()
            .filter(|capability| keep(capability))
            .cloned()
            .collect()
    }
}

impl std::fmt::Display for CapabilitySet {
    /// The members, ascending, with `, ` between them; `none` for the empty set.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("none"),
            members => f.write_str(&members.join(", ")),
        }
    }
}

impl From<Vec<String>> for CapabilitySet {
    fn from(mut capabilities: Vec<String>) -> Self {
        capabilities.sort_unstable();
        capabilities.dedup();
        Self(capabilities)
    }
}

impl From<CapabilitySet> for Vec<String> {
    fn from(set: CapabilitySet) -> Self {
        set.0
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
