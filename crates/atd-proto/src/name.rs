//! Tool ids, and the narrower names that models and MCP allow.

use std::collections::HashMap;
use std::sync::Arc;

/// The longest tool id, in bytes.
const MAX_TOOL_ID: usize = 256;

/// Why a text is no tool id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no tool id: {reason}; an id reads `namespace:domain.action`, such as `ref:fs.read`",
    .id.escape_debug()
)]
pub struct InvalidToolId {
    /// The text, cut to a length that can be shown.
    pub id: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Checks that `id` reads `namespace:domain.action`: a namespace, a colon, and
/// two or more parts with dots between them, each of letters, digits, `_` and
/// `-`; 256 bytes at most.
///
/// # Errors
/// [`InvalidToolId`] with the first thing that is wrong.
pub fn check_tool_id(id: &str) -> Result<(), InvalidToolId> {
    let word = |part: &str| !part.is_empty() && part.chars().all(is_name_char);
    let reason = match id.split_once(':') {
        _ if id.len() > MAX_TOOL_ID => "it is longer than 256 bytes",
        None => "it has no `:`",
        Some((namespace, _)) if !word(namespace) => {
            "its namespace is empty or has a character other than letters, digits, `_` and `-`"
        }
        Some((_, path)) if !path.contains('.') => "it has no `.` after the `:`",
        Some((_, path)) if !path.split('.').all(word) => {
            "a part of it is empty or has a character other than letters, digits, `_` and `-`"
        }
        Some(_) => return Ok(()),
    };
    Err(InvalidToolId {
        id: id.chars().take(64).collect(),
        reason,
    })
}

/// The name under which a tool is known where only `[a-zA-Z0-9_-]` is allowed
/// (MCP, model APIs): every other character becomes `_`, one for one.
///
/// ```
/// assert_eq!(atd_proto::model_name("ref:fs.read"), "ref_fs_read");
/// ```
pub fn model_name(id: &str) -> String {
    id.chars()
        .map(|c| if is_name_char(c) { c } else { '_' })
        .collect()
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// Two ids that meet in one [`model_name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{refused}` and `{known}` are both named `{name}` where only letters, digits, `_` and `-` are allowed"
)]
pub struct NameConflict {
    /// The name that they share.
    pub name: String,
    /// The id that has it.
    pub known: Arc<str>,
    /// The id that was refused.
    pub refused: Arc<str>,
}

/// The way back from a [`model_name`] to the id: the name loses information,
/// so only known ids can be found.
#[derive(Clone, Debug, Default)]
pub struct NameTable(HashMap<String, Arc<str>>);

impl NameTable {
    /// Adds an id. Adding one that is there changes nothing.
    ///
    /// # Errors
    /// [`NameConflict`] when another id has the same name; the table is then
    /// as it was.
    pub fn insert(&mut self, id: Arc<str>) -> Result<(), NameConflict> {
        let name = model_name(&id);
        match self.0.get(&name) {
            Some(known) if **known != *id => Err(NameConflict {
                name,
                known: known.clone(),
                refused: id,
            }),
            _ => {
                self.0.insert(name, id);
                Ok(())
            }
        }
    }

    /// Removes an id and says whether it was there.
    pub fn remove(&mut self, id: &str) -> bool {
        let name = model_name(id);
        let known = self.0.get(&name).is_some_and(|known| **known == *id);
        if known {
            self.0.remove(&name);
        }
        known
    }

    /// The id that has this name.
    pub fn id_of(&self, name: &str) -> Option<&Arc<str>> {
        self.0.get(name)
    }
}
