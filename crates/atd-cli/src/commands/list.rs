//! `atd list`.

use std::process::ExitCode;

use crate::cli::ListOptions;
use crate::commands::connect;
use crate::failure::Failure;
use crate::{output, paths};

pub(crate) async fn run(options: ListOptions) -> Result<ExitCode, Failure> {
    let client = connect(&paths::socket(options.socket.socket)?).await?;
    let tools = client.list().await?;
    if options.json.json {
        output::json(&tools)?;
        return Ok(ExitCode::SUCCESS);
    }
    if tools.is_empty() {
        output::note("The server has no tools.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = tools.into_iter().map(|tool| {
        let visibility = format!("{:?}", tool.visibility).to_lowercase();
        vec![
            tool.id,
            tool.tier.as_str().to_owned(),
            visibility,
            tool.description,
        ]
    });
    output::print(output::table(
        &["TOOL", "TIER", "KIND", "WHAT IT DOES"],
        rows,
    ))?;
    Ok(ExitCode::SUCCESS)
}
