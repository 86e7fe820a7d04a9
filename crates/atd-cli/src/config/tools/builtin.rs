//! The tools that are built in.

use atd_runtime::Registry;
use atd_runtime::registry::RegisterError;
use atd_runtime::tools::{EchoSay, FsEdit, FsRead, FsRoot, FsWrite};

use crate::config::reader::Item;

/// A tool that is built in.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) id: &'static str,
    /// Whether a server has it that was not told which ones to have.
    by_default: bool,
    pub(crate) register: fn(&Registry, &FsRoot) -> Result<(), RegisterError>,
}

/// All of them.
const BUILTIN: &[Builtin] = &[
    Builtin {
        id: "ref:echo.say",
        by_default: true,
        register: |registry, _| registry.register(EchoSay::new()),
    },
    Builtin {
        id: "ref:fs.read",
        by_default: true,
        register: |registry, root| registry.register_blocking(FsRead::new(root.clone())),
    },
    Builtin {
        id: "ref:fs.write",
        by_default: false,
        register: |registry, root| registry.register_blocking(FsWrite::new(root.clone())),
    },
    Builtin {
        id: "ref:fs.edit",
        by_default: false,
        register: |registry, root| registry.register_blocking(FsEdit::new(root.clone())),
    },
];

/// Those that a server has that was not told which ones to have.
pub(super) fn by_default() -> Vec<&'static Builtin> {
    BUILTIN.iter().filter(|tool| tool.by_default).collect()
}

/// The one whose id this is.
pub(super) fn of_id(item: &Item<'_>) -> Option<&'static Builtin> {
    let ids: Vec<(&str, &'static Builtin)> = BUILTIN.iter().map(|tool| (tool.id, tool)).collect();
    item.word(&ids)
}
