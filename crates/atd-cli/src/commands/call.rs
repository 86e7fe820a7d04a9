//! `atd call`.

use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;

use atd_runtime::JsonText;
use atd_runtime::client::{
    CallOptions as ClientCallOptions, CallOutcome, Client, ClientError, ProofAsked,
};
use atd_runtime::gate::ucan::SigningKey;
use atd_runtime::proto::{Hello, Response, ToolResult};

use crate::cli::CallOptions;
use crate::commands::{connect, token};
use crate::failure::Failure;
use crate::{output, paths, pretty, progress};

pub(crate) async fn run(options: CallOptions) -> Result<ExitCode, Failure> {
    let args = arguments(options.args, options.args_file.as_deref())?;
    let client = connect(&paths::socket(options.socket.socket)?).await?;
    let token = options.token.as_deref().map(token::in_file).transpose()?;
    let key = options.key.as_deref().map(token::key).transpose()?;
    let hello = hello(options.client_id, options.request, token)?;
    introduce(&client, hello, key).await?;
    let how = ClientCallOptions::new()
        .dry_run(options.dry_run)
        .traceparent(options.traceparent)
        .timeout(options.timeout);
    let called = call(&client, &options.id, &args, how).await;
    if options.json.json {
        print_document(&called, options.dry_run)?;
    } else if let Ok(outcome) = &called {
        print_result(outcome)?;
    }
    called?;
    Ok(ExitCode::SUCCESS)
}

/// Calls, and shows how far it has come to somebody who watches.
async fn call(
    client: &Client,
    id: &str,
    args: &JsonText,
    how: ClientCallOptions,
) -> Result<CallOutcome, ClientError> {
    let Some(mut line) = progress::Line::on_terminal() else {
        return client.call_with(id, args, how).await;
    };
    let mut call = client.call_with_progress(id, args, how)?;
    while let Some(progress) = call.progress().await {
        line.draw(&progress);
    }
    call.outcome().await
}

/// The arguments as text, untouched.
fn arguments(inline: Option<String>, file: Option<&Path>) -> Result<JsonText, Failure> {
    let (text, from) = match (inline, file) {
        (Some(text), _) => (text.into_bytes(), "--args".to_owned()),
        (None, Some(path)) => {
            let named = path.display().to_string();
            let text = read(path).map_err(|error| {
                Failure::usage(format!("cannot read the arguments from {named}: {error}"))
            })?;
            (text, named)
        }
        (None, None) => return Ok(JsonText::EMPTY_OBJECT),
    };
    JsonText::parse(text).map_err(|error| {
        Failure::usage(format!("the arguments from {from} are no JSON: {error}"))
            .advise(r#"an object in quotes, such as --args '{"path": "README.md"}'"#)
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return std::fs::read(path);
    }
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text)?;
    Ok(text)
}

fn hello(
    client_id: Option<String>,
    request: Vec<String>,
    token: Option<String>,
) -> Result<Hello, Failure> {
    let client_id = match (&token, client_id) {
        (Some(token), None) => Some(token::audience(token)?),
        (_, said) => said,
    };
    Ok(Hello {
        client_id,
        requested_capabilities: request.into(),
        ucan_tokens: token.into_iter().collect(),
        proof: None,
    })
}

/// Says hello, also where there is nothing to say: the answer tells what the
/// server understands.
async fn introduce(client: &Client, hello: Hello, key: Option<SigningKey>) -> Result<(), Failure> {
    let prove = |asked: ProofAsked<'_>| {
        let challenge = asked.challenge.parse().ok()?;
        Some(key?.prove(&challenge, asked.channel, asked.tokens))
    };
    client.hello_proving(hello, prove).await?;
    Ok(())
}

fn print_result(outcome: &CallOutcome) -> io::Result<()> {
    let text = outcome.result().to_string();
    let shown = if io::stdout().is_terminal() {
        pretty::indented(&text)
    } else {
        text
    };
    output::print(shown)
}

/// The answer as the wire has it, success or not.
fn print_document(called: &Result<CallOutcome, ClientError>, dry_run: bool) -> io::Result<()> {
    let result = |tool_id: &str, result: &JsonText, success, dry_run, next_cursor: Option<&str>| {
        Response::ToolResult(ToolResult {
            tool_id: tool_id.to_owned(),
            result: result.clone(),
            success,
            dry_run,
            next_cursor: next_cursor.map(str::to_owned),
        })
    };
    let answer = match called {
        Ok(outcome) => result(
            outcome.tool_id(),
            outcome.result(),
            true,
            outcome.is_dry_run(),
            outcome.next_cursor(),
        ),
        Err(ClientError::ToolFailed {
            tool_id,
            result: failure,
            ..
        }) => result(tool_id, failure, false, dry_run, None),
        Err(ClientError::Refused(body)) => Response::Error(body.clone()),
        // There was no answer: standard error says why.
        Err(_) => return Ok(()),
    };
    output::json(&answer)
}
