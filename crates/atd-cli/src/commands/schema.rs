//! `atd schema`.

use std::process::ExitCode;

use atd_runtime::ToolDefinition;
use serde_json::Value;

use crate::cli::SchemaOptions;
use crate::commands::connect;
use crate::failure::Failure;
use crate::output::{BOLD, one_line};
use crate::{output, paths, pretty};

pub(crate) async fn run(options: SchemaOptions) -> Result<ExitCode, Failure> {
    let client = connect(&paths::socket(options.socket.socket)?).await?;
    let tool = client.schema(&options.id).await?;
    if options.json.json {
        output::json(&tool)?;
    } else {
        show(&tool)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(tool: &ToolDefinition) -> std::io::Result<()> {
    output::print(format!(
        "{BOLD}{}{BOLD:#}  {}",
        one_line(&tool.id),
        one_line(&tool.name)
    ))?;
    output::print(one_line(&tool.description))?;
    output::print("")?;
    let limit = |limit: u64, unit: &str| match limit {
        0 => "none of its own".to_owned(),
        some => format!("{some} {unit}"),
    };
    let resources = &tool.resources;
    let rate = resources.rate_limit_per_min.map_or_else(
        || "none".to_owned(),
        |calls| format!("{calls} calls a minute"),
    );
    for (what, value) in [
        ("version", tool.version.clone()),
        ("tier", tool.effective_tier().as_str().to_owned()),
        ("requires", tool.required_capabilities.to_string()),
        ("safety", format!("{:?}", tool.safety.level)),
        (
            "dry run",
            yes_no(tool.safety.dry_run, "handled by the tool", "previewed"),
        ),
        ("timeout", limit(resources.timeout_ms, "ms")),
        ("at a time", limit(resources.max_concurrent.into(), "calls")),
        ("rate limit", rate),
    ] {
        output::print(format!("  {what:<12} {}", one_line(&value)))?;
    }
    show_json("arguments", &tool.input_schema)?;
    show_json("result", &tool.output_schema)?;
    for error in &tool.errors {
        output::print(format!(
            "  {:<20} {}{}",
            one_line(&error.code),
            one_line(&error.description),
            yes_no(error.retryable, " (try again)", ""),
        ))?;
    }
    Ok(())
}

fn show_json(title: &str, schema: &Value) -> std::io::Result<()> {
    output::print(format!("\n{BOLD}{title}{BOLD:#}"))?;
    output::print(pretty::indented(&schema.to_string()))
}

fn yes_no(answer: bool, yes: &str, no: &str) -> String {
    if answer { yes } else { no }.to_owned()
}
