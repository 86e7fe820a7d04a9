//! Sets of capability names.

use serde::{Deserialize, Serialize};

/// A sorted set of capability names, such as `read` or `fs.write`.
///
/// On the wire it is a JSON array of strings, written in ascending order and
/// read in any order with repetitions dropped. Lookups allocate nothing.
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
    /// `None` where there are no names.
    index: Option<Box<Index>>,
}

/// Where each name is, so that a look-up seldom looks at a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Index {
    /// How each name begins.
    starts: Box<[Start]>,
    /// Of few names, one more than the place of each: in the slot that its
    /// start has, or the next one that was free. At most half of them are
    /// taken, and 0 is a free one.
    slots: [u8; SLOTS],
}

const SLOTS: usize = 128;

/// Of so many names each has a slot; more are searched. Whoever chooses the
/// names might have them meet in one slot: of so few that does not matter.
const FEW: usize = SLOTS / 2;

/// How a name begins: its first sixteen bytes, as two numbers. Names are in the
/// order of their starts; those with the same start, in the order of their
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Start {
    first: u64,
    second: u64,
}

impl Start {
    const LENGTH: usize = 16;

    fn of(name: &str) -> Self {
        let mut bytes = [0; Self::LENGTH];
        let length = name.len().min(Self::LENGTH);
        bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
        let both = u128::from_be_bytes(bytes);
        Self {
            first: (both >> 64) as u64,
            second: both as u64,
        }
    }

    /// The slots to look into, one after the other.
    fn slots(self) -> impl Iterator<Item = usize> {
        // Fibonacci hashing, on what the two halves are together.
        let both = self.first ^ self.second.rotate_left(29);
        let hash = both.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (hash as usize..).map(|slot| slot % SLOTS)
    }
}

/// Whether two names are one, which begin alike: short ones are, if they are
/// equally long.
fn are_one(name: &str, other: &str) -> bool {
    name.len() == other.len() && (name.len() <= Start::LENGTH || name == other)
}

impl Index {
    fn of(names: &[String]) -> Option<Box<Self>> {
        if names.is_empty() {
            return None;
        }
        let starts: Box<[Start]> = names.iter().map(|name| Start::of(name)).collect();
        let mut slots = [0; SLOTS];
        if starts.len() <= FEW {
            for (start, place) in starts.iter().zip(1..) {
                let free = start.slots().find(|slot| slots[*slot] == 0);
                free.into_iter().for_each(|slot| slots[slot] = place);
            }
        }
        Some(Box::new(Self { starts, slots }))
    }

    fn holds(&self, names: &[String], start: Start, name: &str) -> bool {
        if names.len() > FEW {
            return self.search(names, start, name);
        }
        for slot in start.slots() {
            let Some(place) = usize::from(self.slots[slot]).checked_sub(1) else {
                return false;
            };
            if self.starts[place] == start && are_one(&names[place], name) {
                return true;
            }
        }
        false
    }

    fn search(&self, names: &[String], start: Start, name: &str) -> bool {
        let at = self.starts.partition_point(|it| *it < start);
        let alike = self.starts[at..].partition_point(|it| *it == start);
        let names = &names[at..at + alike];
        names.binary_search_by(|it| it.as_str().cmp(name)).is_ok()
    }
}

impl CapabilitySet {
    /// The set that holds nothing.
    pub const EMPTY: Self = Self {
        names: Vec::new(),
        index: None,
    };

    /// Whether `capability` is in the set.
    pub fn contains(&self, capability: &str) -> bool {
        let index = self.index.as_ref();
        index.is_some_and(|it| it.holds(&self.names, Start::of(capability), capability))
    }

    /// Whether every member of `required` is in this set.
    pub fn contains_all(&self, required: &Self) -> bool {
        let Some(asked) = &required.index else {
            return true;
        };
        let Some(index) = &self.index else {
            return false;
        };
        let mut asked = asked.starts.iter().zip(&required.names);
        asked.all(|(start, name)| index.holds(&self.names, *start, name))
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

    fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        // What is left of a sorted set is sorted.
        let names: Vec<String> = self.names.iter().filter(|it| keep(it)).cloned().collect();
        Self::sorted(names)
    }

    fn sorted(names: Vec<String>) -> Self {
        Self {
            index: Index::of(&names),
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
