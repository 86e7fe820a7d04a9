//! The server that the settings describe.

use std::num::NonZeroU32;

use atd_runtime::gate::Gate;
use atd_runtime::registry::DirectoryTokenBroker;
use atd_runtime::server::{RedactPaths, RedactPatterns, TruncateOutput};
use atd_runtime::{Registry, Server, ServerBuilder};

use crate::config::{OutputSettings, Settings, TransportSettings};
use crate::failure::Failure;

/// The builder of the server, but for its audit and its cursor key.
pub(super) fn builder(
    registry: Registry,
    gate: Gate,
    settings: &Settings,
) -> Result<ServerBuilder, Failure> {
    let mut builder = Server::builder(registry)
        .gate(gate)
        .tiers(settings.tiers)
        .working_dir(&settings.root)
        .server_version(concat!("atd ", env!("CARGO_PKG_VERSION")));
    if let Some(directory) = &settings.secrets {
        let broker = DirectoryTokenBroker::open(directory).map_err(|error| {
            Failure::usage(format!(
                "cannot use the secrets in {}: {error}",
                directory.display()
            ))
        })?;
        builder = builder.broker(broker);
    }
    builder = transport(builder, &settings.transport);
    output(builder, &settings.output)
}

fn transport(builder: ServerBuilder, settings: &TransportSettings) -> ServerBuilder {
    let count = |limit: NonZeroU32| usize::try_from(limit.get()).unwrap_or(usize::MAX);
    let connections = settings.max_connections.map(count);
    let calls = settings.max_calls_per_connection.map(count);
    let builder = with(builder, connections, ServerBuilder::max_connections);
    let builder = with(builder, calls, ServerBuilder::max_calls_per_connection);
    let builder = with(
        builder,
        settings.frame_timeout,
        ServerBuilder::frame_timeout,
    );
    let builder = with(
        builder,
        settings.write_timeout,
        ServerBuilder::write_timeout,
    );
    let builder = with(builder, settings.stop_grace, ServerBuilder::stop_grace);
    let builder = with(
        builder,
        settings.shutdown_grace,
        ServerBuilder::shutdown_grace,
    );
    with(
        builder,
        settings.cursor_lifetime,
        ServerBuilder::cursor_lifetime,
    )
}

/// The builder, told this if there is anything to tell.
fn with<T>(
    builder: ServerBuilder,
    value: Option<T>,
    tell: impl FnOnce(ServerBuilder, T) -> ServerBuilder,
) -> ServerBuilder {
    match value {
        Some(value) => tell(builder, value),
        None => builder,
    }
}

/// What should not go out is taken out before the rest is cut.
fn output(mut builder: ServerBuilder, settings: &OutputSettings) -> Result<ServerBuilder, Failure> {
    builder = builder.output_check(settings.check);
    if !settings.redact_paths.is_empty() {
        builder = builder.middleware(RedactPaths::new(settings.redact_paths.clone()));
    }
    if !settings.redact_patterns.is_empty() {
        let patterns = RedactPatterns::new(&settings.redact_patterns, &settings.redact_instead);
        builder = builder.middleware(patterns.map_err(Failure::usage)?);
    }
    if let Some(limit) = settings.truncate {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        builder = builder.middleware(TruncateOutput::new(limit));
    }
    Ok(builder)
}
