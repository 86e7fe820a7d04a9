//! The tools that a server is to have: some that are built in, and some that
//! are programs, declared in files.

mod builtin;
mod cli;
mod schema;
mod tool;
mod web;

use std::collections::BTreeMap;
use std::path::Path;

use atd_runtime::process::{CliBinding, CliMistakes};
use atd_runtime::proto::{CliConfig, NameTable, ToolDefinition};

pub(crate) use self::builtin::{Builtin, BuiltinSettings, Workplace};
use super::files::Files;
use super::reader::{Document, Item, Place, Problems, Section};

/// What the files of a directory of tools end in.
const EXTENSION: &str = "toml";

/// The tools that a server is to have.
#[derive(Clone, Debug)]
pub(crate) struct ToolSettings {
    pub(crate) builtin: Vec<&'static Builtin>,
    pub(crate) builtin_settings: BuiltinSettings,
    /// By their ids.
    pub(crate) declared: BTreeMap<String, Declared>,
}

/// A tool that is a program.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) definition: ToolDefinition,
    pub(crate) program: CliConfig,
    /// Where it is declared.
    pub(crate) place: Place,
}

impl Declared {
    /// Whether calls of both would be the same, wherever they are declared.
    pub(crate) fn is_same_tool(&self, other: &Self) -> bool {
        self.definition == other.definition && self.program == other.program
    }

    /// What carries it out.
    pub(crate) fn binding(&self) -> Result<CliBinding, CliMistakes> {
        CliBinding::new(&self.definition.id, self.program.clone())
    }
}

impl Default for ToolSettings {
    fn default() -> Self {
        Self {
            builtin: builtin::by_default(),
            builtin_settings: BuiltinSettings::default(),
            declared: BTreeMap::new(),
        }
    }
}

/// Reads all that a file, and the directory that it names, say of tools.
pub(super) fn read(section: &mut Section<'_>, files: &Files, problems: &Problems) -> ToolSettings {
    let mut builtin = builtin::by_default();
    let mut builtin_settings = BuiltinSettings::default();
    section.within("tools", |section| {
        builtin::read(section, &mut builtin, &mut builtin_settings);
    });
    let mut found = tools(section, files);
    if let Some(item) = section.item("tools_dir")
        && let Some(directory) = item.path()
    {
        found.extend(tools_in(&item, &directory, files, problems));
    }
    ToolSettings {
        declared: unique(&builtin, found, problems),
        builtin,
        builtin_settings,
    }
}

/// The tools of one file.
fn tools(section: &mut Section<'_>, files: &Files) -> Vec<Declared> {
    let tools = section.each("tool", |section| tool::read(section, files));
    tools.into_iter().flatten().collect()
}

/// The tools of a directory.
fn tools_in(item: &Item<'_>, path: &Path, files: &Files, problems: &Problems) -> Vec<Declared> {
    let listed = match files.list(path, EXTENSION) {
        Ok(listed) => listed,
        Err(error) => {
            item.problem(format_args!("{} cannot be read: {error}", path.display()));
            return Vec::new();
        }
    };
    let tools_of = |path: &std::path::PathBuf| match files.text(path) {
        Ok(text) => Document::new(path, text).read(problems, |section| tools(section, files)),
        Err(error) => {
            problems.add(
                Place::file(path),
                format_args!("it cannot be read: {error}"),
            );
            None
        }
    };
    listed.iter().filter_map(tools_of).flatten().collect()
}

/// The tools by their ids. Of two that have one id, or would have one name
/// where only letters, digits, `_` and `-` are allowed, the second is a mistake.
fn unique(
    builtin: &[&'static Builtin],
    found: Vec<Declared>,
    problems: &Problems,
) -> BTreeMap<String, Declared> {
    let mut names = NameTable::default();
    for tool in builtin {
        // Built-in tools have names that differ.
        let _ = names.insert(tool.id.into());
    }
    let mut tools: BTreeMap<String, Declared> = BTreeMap::new();
    for tool in found {
        let id = &tool.definition.id;
        if builtin.iter().any(|builtin| builtin.id == *id) {
            let what = format!(
                "`{id}` is built in: give this tool another id, or leave that one out of \
                 `tools.builtin`"
            );
            problems.add(tool.place, what);
        } else if let Some(first) = tools.get(id) {
            let what = format!("`{id}` is declared already, at {}", first.place);
            problems.add(tool.place, what);
        } else if let Err(conflict) = names.insert(id.as_str().into()) {
            problems.add(tool.place, format_args!("{conflict}: give one another id"));
        } else {
            tools.insert(id.clone(), tool);
        }
    }
    tools
}
