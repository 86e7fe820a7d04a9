//! How a declared tool is carried out: the config of a `Cli` binding.

use std::path::{Path, absolute};

use atd_runtime::process::CliBinding;
use atd_runtime::proto::{CliConfig, OutputFormat, ToolDefinition};

use crate::config::reader::{Item, Section};

const OUTPUT_FORMATS: [(&str, OutputFormat); 3] = [
    ("json", OutputFormat::Json),
    ("ndjson", OutputFormat::Ndjson),
    ("lines", OutputFormat::Lines),
];

/// Reads `[tool.cli]`. A tool whose program has a flag for it handles dry runs
/// itself; the preview of the others never runs it.
pub(super) fn read(
    section: &mut Section<'_>,
    definition: &mut ToolDefinition,
) -> Option<CliConfig> {
    let config = section.need_with("cli", |item| {
        let mut config = CliConfig::default();
        let cmd = item.section(|section| fields(section, &mut config))?;
        // The other fields may have mistakes too, whatever the program is.
        config.cmd = cmd.clone().unwrap_or_else(|| "missing".to_owned());
        let usable = check(item, &definition.id, &config, cmd.is_some());
        cmd.filter(|_| usable).map(|_| config)
    })?;
    definition.safety.dry_run = config.dry_run_flag.is_some();
    Some(config)
}

/// Reads all fields, and returns the first.
fn fields(section: &mut Section<'_>, config: &mut CliConfig) -> Option<String> {
    let cmd = section.need_with("cmd", command);
    section.set("args", &mut config.args);
    section.set("args_template", &mut config.args_template);
    section.set("env", &mut config.env);
    section.set_with("output_format", &mut config.output_format, |item| {
        item.word(&OUTPUT_FORMATS).map(Some)
    });
    section.set("page_all_flag", &mut config.page_all_flag);
    section.set("dry_run_flag", &mut config.dry_run_flag);
    section.set("exit_code_map", &mut config.exit_code_map);
    cmd
}

/// The program's name as it is, or its path, which is relative to the file.
fn command(item: &Item<'_>) -> Option<String> {
    let name = item.text()?;
    if !name.contains('/') {
        return Some(name.to_owned());
    }
    let path = item.path()?;
    let path = absolute(&path).unwrap_or(path).into_os_string();
    let said = |_| item.problem("its path is not UTF-8");
    path.into_string().map_err(said).ok()
}

/// Whether the program could be run. One that is not there is a mistake: its
/// tool could only fail.
fn check(item: &Item<'_>, id: &str, config: &CliConfig, find: bool) -> bool {
    let binding = match CliBinding::new(id, config.clone()) {
        Ok(binding) => binding,
        Err(mistakes) => {
            for mistake in mistakes.iter() {
                item.at_pointer(&mistake.path).problem(&mistake.problem);
            }
            return false;
        }
    };
    // A path is absolute by now, and a name is looked for on the PATH alone.
    match find.then(|| binding.find(Path::new("/"))) {
        Some(Err(error)) => {
            let cmd = item.at_pointer("/cmd");
            cmd.problem(format_args!("{error}; install it, or say its path"));
            false
        }
        _ => true,
    }
}
