//! The tools that are built in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use atd_runtime::Registry;
use atd_runtime::tools::{EchoSay, FsEdit, FsGlob, FsGrep, FsRead, FsRoot, FsWrite, ShellExec};

use super::web::WebSettings;
use crate::config::reader::{FromItem, Item, Section};
use crate::failure::Failure;

/// A tool that is built in.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) id: &'static str,
    /// Whether a server has it that was not told which ones to have. Of those
    /// that change something, none has.
    by_default: bool,
    pub(crate) register: fn(&Registry, &Workplace) -> Result<(), Failure>,
}

/// Where built-in tools work, and what they were told.
#[derive(Debug)]
pub(crate) struct Workplace {
    pub(crate) root: PathBuf,
    pub(crate) files: FsRoot,
    pub(crate) settings: BuiltinSettings,
}

/// What built-in tools are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BuiltinSettings {
    /// All that a command of `ref:shell.exec` has of an environment, but for
    /// `PATH`.
    shell_env: BTreeMap<String, String>,
    /// Where `ref:web.fetch` may go.
    web: WebSettings,
}

/// All of them.
const BUILTIN: &[Builtin] = &[
    Builtin {
        id: "ref:echo.say",
        by_default: true,
        register: |registry, _| Ok(registry.register(EchoSay::new())?),
    },
    Builtin {
        id: "ref:fs.read",
        by_default: true,
        register: |registry, at| Ok(registry.register_blocking(FsRead::new(at.files.clone()))?),
    },
    Builtin {
        id: "ref:fs.glob",
        by_default: false,
        register: |registry, at| Ok(registry.register_blocking(FsGlob::new(at.files.clone()))?),
    },
    Builtin {
        id: "ref:fs.grep",
        by_default: false,
        register: |registry, at| Ok(registry.register_blocking(FsGrep::new(at.files.clone()))?),
    },
    Builtin {
        id: "ref:fs.write",
        by_default: false,
        register: |registry, at| Ok(registry.register_blocking(FsWrite::new(at.files.clone()))?),
    },
    Builtin {
        id: "ref:fs.edit",
        by_default: false,
        register: |registry, at| Ok(registry.register_blocking(FsEdit::new(at.files.clone()))?),
    },
    Builtin {
        id: "ref:shell.exec",
        by_default: false,
        register: |registry, at| {
            let shell = ShellExec::new(&at.root)?;
            let env = at.settings.shell_env.iter();
            let shell = env.fold(shell, |shell, (name, value)| shell.env(name, value));
            Ok(registry.register(shell)?)
        },
    },
    Builtin {
        id: "ref:web.fetch",
        by_default: false,
        register: |registry, at| Ok(registry.register(at.settings.web.tool()?)?),
    },
];

/// Those that a server has that was not told which ones to have.
pub(super) fn by_default() -> Vec<&'static Builtin> {
    BUILTIN.iter().filter(|tool| tool.by_default).collect()
}

/// Reads which ones there are to be, and what they are told.
pub(super) fn read(
    section: &mut Section<'_>,
    builtin: &mut Vec<&'static Builtin>,
    settings: &mut BuiltinSettings,
) {
    section.set_with("builtin", builtin, |item| {
        item.list("an array of ids, such as [\"ref:fs.read\"]", of_id)
    });
    section.within("shell", |section| {
        section.set_with("env", &mut settings.shell_env, |item| {
            item.each(|name, value| {
                let usable = !name.text.is_empty() && !name.text.contains(['=', '\0']);
                if !usable {
                    name.problem("this cannot name a variable: a name is not empty and has no `=`");
                }
                let value = String::from_item(value)?;
                usable.then(|| (name.text.to_owned(), value))
            })
        });
    });
    section.within("web", |section| settings.web.read(section));
}

/// The one whose id this is.
fn of_id(item: &Item<'_>) -> Option<&'static Builtin> {
    let ids: Vec<(&str, &'static Builtin)> = BUILTIN.iter().map(|tool| (tool.id, tool)).collect();
    item.word(&ids)
}
