//! `atd serve --check-config`.

use std::process::ExitCode;

use atd_runtime::Registry;

use super::configuration::{Read, read};
use super::tools::ServedTools;
use super::{audit, build, summary};
use crate::cli::ServeOptions;
use crate::commands::gate;
use crate::failure::Failure;
use crate::output::{BOLD, print};
use crate::paths;

/// Does all that a start does but for what others would notice, and says what
/// the server would be.
pub(super) fn run(options: &ServeOptions) -> Result<ExitCode, Failure> {
    let Read { settings, .. } = read(options);
    let settings = settings?;
    let socket = paths::socket(settings.socket.clone())?;
    audit::check(&settings.audit)?;
    let registry = Registry::new();
    ServedTools::none(&settings)?.become_those(&registry, &settings.tools)?;
    let builder = build::builder(registry, gate::of(&settings.gate)?, &settings)?;
    let server = builder.build().map_err(Failure::usage)?;
    print(format!(
        "{BOLD}The configuration is good.{BOLD:#} A server would listen on {}",
        socket.display()
    ))?;
    for line in summary::lines(&settings, &socket, server.registry()) {
        print(line)?;
    }
    Ok(ExitCode::SUCCESS)
}
