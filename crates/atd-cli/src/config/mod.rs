//! The file that `atd serve --config` takes, and what it and the flags make of
//! a server.

mod files;
mod flags;
mod reader;
mod sections;
mod settings;
mod tools;

use std::path::Path;

pub(crate) use self::files::{Files, States, states_now};
pub(crate) use self::reader::Problem;
use self::reader::{Document, Place, Problems};
pub(crate) use self::settings::{
    AuditSettings, AuditTo, GateSettings, OutputSettings, Settings, TransportSettings,
};
pub(crate) use self::tools::{Builtin, Declared, ToolSettings, Workplace};

/// Reads a file and all that it refers to, which is noted in `files`.
///
/// # Errors
/// Every mistake that is in them.
pub(crate) fn read(path: &Path, files: &Files) -> Result<Settings, Vec<Problem>> {
    let problems = Problems::default();
    let mut settings = Settings::default();
    match files.text(path) {
        Ok(text) => {
            Document::new(path, text).read(&problems, |section| {
                sections::read(section, &mut settings);
                settings.tools = tools::read(section, files, &problems);
            });
        }
        Err(error) => problems.add(
            Place::file(path),
            format_args!("it cannot be read: {error}"),
        ),
    }
    match problems.into_sorted() {
        problems if problems.is_empty() => Ok(settings),
        problems => Err(problems),
    }
}
