//! `atd doctor`.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::ExitCode;

use atd_runtime::client::Client;
use atd_runtime::proto::Hello;
use serde::Serialize;

use crate::cli::DoctorOptions;
use crate::commands::{connect, explain};
use crate::failure::Failure;
use crate::output::{BOLD, GREEN, RED, one_line};
use crate::{output, paths};

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    what: &'static str,
    ok: bool,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

#[derive(Serialize)]
struct Diagnosis {
    socket: String,
    ok: bool,
    checks: Vec<Check>,
}

pub(crate) async fn run(options: DoctorOptions) -> Result<ExitCode, Failure> {
    if let (Some(caller), Some(tool)) = (&options.caller, &options.tool) {
        return explain::run(&options, caller, tool).await;
    }
    let socket = paths::socket(options.socket.socket)?;
    let mut checks = vec![look_at(&socket)];
    let unreachable = match connect(&socket).await {
        Ok(client) => {
            ask(&client, &mut checks).await;
            None
        }
        Err(error) => {
            checks.push(bad("connection", &error, None));
            Some(error)
        }
    };
    let diagnosis = Diagnosis {
        socket: socket.display().to_string(),
        ok: checks.iter().all(|check| check.ok),
        checks,
    };
    if options.json.json {
        output::json(&diagnosis)?;
    } else {
        show(&diagnosis)?;
    }
    match unreachable {
        Some(error) => Err(error.into()),
        None if diagnosis.ok => Ok(ExitCode::SUCCESS),
        None => Err(Failure::failed(
            "the server is there, and something is wrong with it",
        )),
    }
}

fn good(what: &'static str, found: impl std::fmt::Display) -> Check {
    Check {
        what,
        ok: true,
        found: found.to_string(),
        advice: None,
    }
}

fn bad(what: &'static str, found: impl std::fmt::Display, advice: Option<&'static str>) -> Check {
    Check {
        ok: false,
        advice,
        ..good(what, found)
    }
}

/// The socket file, before anybody talks to it.
fn look_at(socket: &Path) -> Check {
    let found = match socket.symlink_metadata() {
        Ok(found) => found,
        Err(error) => {
            return bad(
                "socket",
                error,
                Some("start a server with `atd serve`, or name its socket with --socket"),
            );
        }
    };
    if !found.file_type().is_socket() {
        return bad(
            "socket",
            "something else is there",
            Some("name another path with --socket"),
        );
    }
    let mode = found.permissions().mode() & 0o777;
    let shown = format!("mode {mode:03o}, owned by uid {}", found.uid());
    if mode & 0o077 != 0 {
        return bad(
            "socket",
            shown,
            Some("others may try to connect; chmod 600 keeps them out"),
        );
    }
    good("socket", shown)
}

/// What the server says of itself.
async fn ask(client: &Client, checks: &mut Vec<Check>) {
    checks.push(match client.ping().await {
        Ok(()) => good("ping", "answered"),
        Err(error) => bad("ping", error, None),
    });
    checks.push(match client.hello(Hello::default()).await {
        Ok(ack) => {
            let tiers: Vec<&str> = ack
                .supported_tiers
                .iter()
                .map(|tier| tier.as_str())
                .collect();
            good(
                "hello",
                format!("{}, tiers {}", ack.server_version, tiers.join(" ")),
            )
        }
        Err(error) => bad("hello", error, None),
    });
    checks.push(match client.list().await {
        Ok(tools) if tools.is_empty() => bad(
            "tools",
            "none",
            Some("register a tool: a server without one serves nobody"),
        ),
        Ok(tools) => good("tools", tools.len()),
        Err(error) => bad("tools", error, None),
    });
}

fn show(diagnosis: &Diagnosis) -> std::io::Result<()> {
    output::print(format!("{BOLD}{}{BOLD:#}", one_line(&diagnosis.socket)))?;
    for check in &diagnosis.checks {
        let (style, mark) = if check.ok {
            (GREEN, "ok ")
        } else {
            (RED, "bad")
        };
        output::print(format!(
            "  {style}{mark}{style:#}  {:<11} {}",
            check.what,
            one_line(&check.found)
        ))?;
        if let Some(advice) = check.advice {
            output::print(format!("                   {advice}"))?;
        }
    }
    Ok(())
}
