//! The log on standard error.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::cli::{LogFormat, ServeOptions};
use crate::output;

/// Begins to log. An event that cannot be written is lost: what would say so
/// has nowhere else to say it, and ends the call that it is said in.
pub(super) fn start(level: LevelFilter, format: LogFormat) {
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    match format {
        LogFormat::Text => {
            let layer = layer.with_ansi(output::stderr_has_colours());
            tracing_subscriber::registry()
                .with(layer.with_filter(level))
                .init();
        }
        LogFormat::Json => {
            // What the command says of itself is said at any level.
            let said = Targets::new()
                .with_default(level)
                .with_target("atd::command", said_at(level));
            let layer = layer.json().flatten_event(true).with_span_list(false);
            tracing_subscriber::registry()
                .with(layer.with_filter(said))
                .init();
            output::log_notes();
        }
    }
}

/// Begins to log where the configuration could not be read, as far as flags
/// say how.
pub(super) fn start_as_told(options: &ServeOptions) {
    let level = options.log.unwrap_or(LevelFilter::WARN);
    start(level, options.log_format.unwrap_or_default());
}

fn said_at(level: LevelFilter) -> LevelFilter {
    level.max(LevelFilter::INFO)
}
