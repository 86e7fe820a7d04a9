//! `atd token`.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use atd_runtime::gate::ucan::{Delegation, Link, SigningKey, attenuate, inspect};
use atd_runtime::gate::{Clock, MonotonicClock, RevocationFile, TokenError, TokenId};
use serde::Serialize;

use crate::cli::{DelegationOptions, TokenCommand, TokenInspectOptions, TokenRevokeOptions};
use crate::failure::Failure;
use crate::output;
use crate::output::{BOLD, GREEN, RED, YELLOW, one_line};

/// The longest token that a server reads, and a line end.
const MAX_INPUT: u64 = 64 * 1024 + 2;

pub(crate) fn run(command: TokenCommand) -> Result<ExitCode, Failure> {
    match command {
        TokenCommand::Key(options) => {
            let key = SigningKey::generate().map_err(Failure::failed)?;
            key.save(&options.file)
                .map_err(|error| about(&options.file, &error))?;
            output::print(key.did())?;
        }
        TokenCommand::Did(options) => output::print(key(&options.file)?.did())?,
        TokenCommand::Issue(options) => {
            let delegation = delegation(&options.delegation);
            let token = key(&options.delegation.key)?.issue(&delegation);
            output::print(token.map_err(Failure::usage)?)?;
        }
        TokenCommand::Attenuate(options) => {
            let parent = given(&options.token)?;
            let delegation = delegation(&options.delegation);
            let token = attenuate(&key(&options.delegation.key)?, &parent, &delegation);
            output::print(token.map_err(Failure::usage)?)?;
        }
        TokenCommand::Inspect(options) => show(&options)?,
        TokenCommand::Revoke(options) => revoke(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The token that was typed, or stands on standard input.
pub(super) fn given(typed: &str) -> Result<String, Failure> {
    let mut text = typed.to_owned();
    if typed == "-" {
        text.clear();
        std::io::stdin().take(MAX_INPUT).read_to_string(&mut text)?;
    }
    Ok(text.trim().to_owned())
}

/// The token in a file; `-` is standard input.
pub(super) fn in_file(file: &Path) -> Result<String, Failure> {
    if file == Path::new("-") {
        return given("-");
    }
    let text = std::fs::read_to_string(file).map_err(|error| about(file, &error))?;
    Ok(text.trim().to_owned())
}

/// Whom a token is for.
pub(super) fn audience(token: &str) -> Result<String, Failure> {
    let links = inspect(token).map_err(refused)?;
    Ok(links[0].audience.to_string())
}

/// The key in a file.
pub(super) fn key(file: &Path) -> Result<SigningKey, Failure> {
    SigningKey::load(file).map_err(|error| about(file, &error))
}

fn about(file: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", file.display()))
}

fn now() -> u64 {
    MonotonicClock::default().unix_now().as_secs()
}

fn delegation(options: &DelegationOptions) -> Delegation {
    let expires = now().saturating_add(options.expires_in.as_secs());
    Delegation::new(options.to, &options.capabilities, expires)
        .with(options.resources.iter().cloned())
}

#[derive(Serialize)]
struct Shown {
    id: String,
    issuer: String,
    audience: String,
    capabilities: Vec<String>,
    resources: Vec<serde_json::Value>,
    not_before: Option<u64>,
    expires: u64,
    expired: bool,
    signed: bool,
}

impl Shown {
    fn of(link: Link) -> Self {
        let resources = link.resources.iter();
        Self {
            id: link.id.to_string(),
            issuer: link.issuer.to_string(),
            audience: link.audience.to_string(),
            capabilities: link.capabilities.into(),
            resources: resources
                .filter_map(|item| serde_json::from_str(item).ok())
                .collect(),
            not_before: link.not_before,
            expires: link.expires,
            expired: link.expires <= now(),
            signed: link.signed,
        }
    }
}

fn show(options: &TokenInspectOptions) -> Result<(), Failure> {
    let links = inspect(&given(&options.token)?).map_err(refused)?;
    let links: Vec<Shown> = links.into_iter().map(Shown::of).collect();
    if options.json.json {
        output::json(&links)?;
        return Ok(());
    }
    for (depth, link) in links.iter().enumerate() {
        let role = match depth {
            0 => "The token",
            _ => "made from",
        };
        output::print(format!("{BOLD}{role}{BOLD:#} {}", link.id))?;
        output::print(format!("  from     {}", link.issuer))?;
        output::print(format!("  for      {}", link.audience))?;
        output::print(format!(
            "  grants   {}",
            one_line(&link.capabilities.join(", "))
        ))?;
        for resource in &link.resources {
            output::print(format!("  with     {}", one_line(&resource.to_string())))?;
        }
        let ends = match link.expired {
            true => format!("{YELLOW}expired{YELLOW:#} at {}", link.expires),
            false => format!(
                "for {} s more, until {}",
                link.expires.saturating_sub(now()),
                link.expires
            ),
        };
        output::print(format!("  good     {ends} (Unix seconds)"))?;
        output::print(match link.signed {
            true => format!("  signed   {GREEN}by its issuer{GREEN:#}"),
            false => format!("  signed   {RED}not by its issuer{RED:#}"),
        })?;
    }
    Ok(())
}

fn refused(error: TokenError) -> Failure {
    Failure::usage(error)
}

fn revoke(options: &TokenRevokeOptions) -> Result<(), Failure> {
    let typed = given(&options.token)?;
    let id: TokenId = match typed.parse() {
        Ok(id) => id,
        Err(_) => inspect(&typed).map_err(refused)?[0].id,
    };
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .mode(0o600)
        .open(&options.file)
        .map_err(|error| about(&options.file, &error))?;
    // A token, say, would be none any more.
    RevocationFile::open(&options.file)
        .map_err(|error| Failure::usage(error).advise("nothing was written into it"))?;
    // What somebody wrote by hand may lack its line end.
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let end = match text.last() {
        None | Some(b'\n') => "",
        _ => "\n",
    };
    // One write, so that no reader sees half of an id.
    file.write_all(format!("{end}{id}\n").as_bytes())?;
    file.sync_all()?;
    output::print(id)?;
    Ok(())
}
