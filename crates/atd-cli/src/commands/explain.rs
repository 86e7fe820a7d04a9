//! `atd doctor --as … --tool …`.

use std::path::Path;
use std::process::ExitCode;

use atd_runtime::gate::{Explanation, Gate, Identity, PeerCredentials, Requirement};
use atd_runtime::proto::{Hello, ToolDefinition};
use serde::Serialize;

use crate::cli::{DoctorOptions, Who};
use crate::commands::{connect, gate, token};
use crate::config::{self, Files, GateSettings};
use crate::failure::Failure;
use crate::output::{BOLD, DIM, GREEN, RED, one_line};
use crate::{output, paths};

#[derive(Serialize)]
struct Explained<'a> {
    caller: &'a str,
    tool: &'a str,
    admitted: bool,
    reasons: Vec<Why<'a>>,
}

#[derive(Serialize)]
struct Why<'a> {
    ok: bool,
    text: &'a str,
}

/// Asks the server what the tool requires, and a gate like the server's who
/// may. Nothing is called, and nothing is counted.
pub(super) async fn run(
    options: &DoctorOptions,
    caller: &Who,
    tool_id: &str,
) -> Result<ExitCode, Failure> {
    let socket = paths::socket(options.socket.socket.clone())?;
    let client = connect(&socket).await?;
    let tool = client.schema(tool_id).await?;
    let (gate, connected) = arrive(options, caller)?;
    let hello = hello(caller, &tool, options.token.as_deref())?;
    let identity = gate
        .hello(&connected, &hello)
        .map_err(|error| Failure::failed(format!("its hello would be refused: {error}")))?;
    let explained = gate.explain(&identity, &Requirement::of(&tool));
    if options.json.json {
        let reasons = explained.reasons.iter();
        output::json(&Explained {
            caller: &explained.caller,
            tool: &tool.id,
            admitted: explained.admitted,
            reasons: reasons
                .map(|it| Why {
                    ok: it.ok,
                    text: &it.text,
                })
                .collect(),
        })?;
    } else {
        show(&tool.id, &explained)?;
    }
    Ok(ExitCode::from(u8::from(!explained.admitted)))
}

/// The gate, with the caller at its door.
fn arrive(options: &DoctorOptions, caller: &Who) -> Result<(Gate, Identity), Failure> {
    let mut settings = match &options.config {
        Some(path) => config::read(path, &Files::default())?.gate,
        None => GateSettings::default(),
    };
    settings.overridden_by(&options.gate);
    // What is asked is what becomes of the one whom the token is for.
    settings.demand_proof = false;
    let gate = gate::of(&settings)?;
    let (uid, gid) = match caller {
        Who::Anonymous => return Ok((gate, Identity::anonymous())),
        Who::User(uid) => (*uid, u32::MAX),
        // Whoever gives itself a name is some local user too: this one.
        Who::Named(_) => (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        ),
    };
    let peer = PeerCredentials {
        uid,
        gid,
        pid: None,
    };
    let connected = gate.connect(Some(peer)).map_err(Failure::failed)?;
    Ok((gate, connected))
}

/// The hello of somebody who asks for what the tool requires.
fn hello(caller: &Who, tool: &ToolDefinition, file: Option<&Path>) -> Result<Hello, Failure> {
    let client_id = match caller {
        Who::Named(name) => Some(name.clone()),
        Who::Anonymous | Who::User(_) => None,
    };
    let token = file.map(token::in_file).transpose()?;
    Ok(Hello {
        client_id,
        requested_capabilities: tool.required_capabilities.clone(),
        ucan_tokens: token.into_iter().collect(),
        proof: None,
    })
}

fn show(tool_id: &str, explained: &Explanation) -> std::io::Result<()> {
    let (style, verdict) = match explained.admitted {
        true => (GREEN, "would be let through"),
        false => (RED, "would be refused"),
    };
    output::print(format!(
        "{BOLD}{}{BOLD:#} by {}: {style}{verdict}{style:#}",
        one_line(tool_id),
        one_line(&explained.caller)
    ))?;
    for reason in &explained.reasons {
        let (style, mark) = match reason.ok {
            true => (GREEN, "ok "),
            false => (RED, "bad"),
        };
        output::print(format!(
            "  {style}{mark}{style:#}  {}",
            one_line(&reason.text)
        ))?;
    }
    output::print(format!(
        "{DIM}By the options given here; how far limits are used up only the server knows.{DIM:#}"
    ))
}
