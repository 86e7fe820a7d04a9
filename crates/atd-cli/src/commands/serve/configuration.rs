//! What the server was told: by the file, where there is one, and by flags.

use std::path::Path;

use crate::cli::ServeOptions;
use crate::config::{self, Files, Problem, Settings, States};

/// What was read, and from which files.
pub(super) struct Read {
    /// Every mistake, if there is any.
    pub(super) settings: Result<Settings, Vec<Problem>>,
    /// What was read, each in the state that it had before that.
    pub(super) states: States,
}

/// Reads the file, where there is one, and puts the flags over it.
pub(super) fn read(options: &ServeOptions) -> Read {
    let files = Files::default();
    let read = |path: &Path| config::read(path, &files);
    let settings = options
        .config
        .as_deref()
        .map_or_else(|| Ok(Settings::default()), read);
    let settings = settings.map(|mut settings| {
        settings.overridden_by(options);
        settings
    });
    Read {
        settings,
        states: files.into_states(),
    }
}
