//! `atd serve`.

mod audit;
mod build;
mod check;
mod configuration;
mod logging;
mod reload;
mod summary;
mod tools;

use std::ffi::OsString;
use std::process::ExitCode;

use atd_runtime::server::{BoundSocket, CursorKey, ShutdownReport};
use atd_runtime::{Registry, Server, ServerHandle};
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::audit::Audit;
use self::configuration::Read;
use self::reload::{Reload, Reloading};
use self::tools::ServedTools;
use crate::cli::ServeOptions;
use crate::commands::gate;
use crate::config::Settings;
use crate::failure::Failure;
use crate::metrics::Exporter;
use crate::output::{BOLD, YELLOW, note};
use crate::paths;

/// Where the key for cursors is looked for.
const CURSOR_KEY: &str = "ATD_CURSOR_KEY";

/// What a shell reports of a program that an interrupt ended.
const INTERRUPTED: i32 = 130;

pub(crate) async fn run(options: ServeOptions) -> Result<ExitCode, Failure> {
    if options.check_config {
        return check::run(&options);
    }
    let Read { settings, states } = configuration::read(&options);
    let settings = settings.inspect_err(|_| logging::start_as_told(&options))?;
    logging::start(settings.log, settings.log_format);
    let mut signals = Signals::listen()?;
    let socket = paths::socket(settings.socket.clone())?;
    let registry = Registry::new();
    let mut tools = ServedTools::none(&settings)?;
    tools.become_those(&registry, &settings.tools)?;
    let gate = gate::of(&settings.gate)?;
    #[cfg(feature = "conformance")]
    let _permit = match options.conformance_tools {
        true => Some(conformance(&registry, &gate)?),
        false => None,
    };
    // First of all, so that a second server on the socket touches no log.
    let socket = BoundSocket::bind(&socket).await.map_err(Failure::failed)?;
    let exporter = Exporter::bind(settings.metrics.as_ref()).await?;
    let audit = Audit::open(&settings.audit, socket.path())?;
    let mut builder = build::builder(registry, gate, &settings)?;
    if let Some(sink) = &audit.sink {
        builder = builder.audit(sink.clone());
    }
    if let Some(key) = cursor_key(std::env::var_os(CURSOR_KEY))? {
        builder = builder.cursor_key(key);
    }
    let server = builder.build().map_err(Failure::usage)?;
    let serving = server.serve_on(socket).map_err(Failure::failed)?;
    let exporting = exporter.map(|exporter| exporter.show(server.clone()));
    announce(&serving, &settings)?;
    let read = (settings, states);
    let reload = Reload::new(options, read, tools, server.clone()).start();
    signals.end(&audit, &reload).await;
    reload.end().await;
    // Whoever read it may have gone; the calls under way end in order even so.
    let _ = note("Stopping; once more stops at once.");
    tokio::spawn(async move {
        signals.first().await;
        std::process::exit(INTERRUPTED);
    });
    let report = serving.shutdown().await;
    if let Some(exporting) = exporting {
        exporting.end().await;
    }
    sum_up(&server, &report)?;
    Ok(ExitCode::SUCCESS)
}

/// The key that several instances share, if they do. It comes by the
/// environment: arguments are for everybody to see.
fn cursor_key(named: Option<OsString>) -> Result<Option<CursorKey>, Failure> {
    let refused = |why: String| Failure::usage(format!("{CURSOR_KEY}: {why}"));
    let Some(digits) = named else {
        return Ok(None);
    };
    let digits = digits.to_str().unwrap_or_default();
    let key = CursorKey::from_hex(digits).map_err(|error| refused(error.to_string()))?;
    Ok(Some(key))
}

/// The suite's tools, with the one permit of the saturated one taken.
#[cfg(feature = "conformance")]
fn conformance(
    registry: &Registry,
    gate: &atd_runtime::Gate,
) -> Result<atd_runtime::gate::OwnedPermit, Failure> {
    use atd_runtime::gate::{Identity, Requirement};
    use atd_runtime::tools::ConformanceOp;

    let saturated = ConformanceOp::saturate();
    let definition = atd_runtime::Tool::definition(&saturated).clone();
    for tool in [ConformanceOp::denied(), saturated, ConformanceOp::hidden()] {
        registry.register(tool)?;
    }
    let taken = gate.admit(&Identity::anonymous(), &Requirement::of(&definition));
    taken
        .map(atd_runtime::gate::Permit::into_owned)
        .map_err(Failure::failed)
}

/// Where it listens, what it serves, and what to type next. All of it goes to
/// standard error, which leaves standard output to the audit.
fn announce(serving: &ServerHandle, settings: &Settings) -> std::io::Result<()> {
    note(format!(
        "{BOLD}atd is listening on {}{BOLD:#}",
        serving.path().display()
    ))?;
    for line in summary::lines(settings, serving.path(), serving.server().registry()) {
        note(line)?;
    }
    let socket = paths::socket_flag(serving.path());
    let next = match serving.server().registry().get("ref:echo.say") {
        Some(_) => r#"atd call ref:echo.say --args '{"text": "hello"}'"#,
        None => "atd list",
    };
    note(format!("From another terminal:\n  {next}{socket}"))
}

fn sum_up(server: &Server, report: &ShutdownReport) -> std::io::Result<()> {
    let metrics = server.metrics_snapshot();
    note(format!(
        "Calls served: {}, on connections: {}.",
        metrics.calls, metrics.connections
    ))?;
    let warn = |text: String| note(format!("{YELLOW}{text}{YELLOW:#}"));
    if report.audit_lost > 0 {
        warn(format!("{} audit events were lost.", report.audit_lost))?;
    }
    if let Some(problem) = &report.audit_problem {
        warn(format!("The audit log may lack events: {problem}."))?;
    }
    if report.cut_calls > 0 {
        warn(format!(
            "{} calls were cut before they ended.",
            report.cut_calls
        ))?;
    }
    if report.unrecorded_calls > 0 {
        warn(format!(
            "{} calls did not end, and have left no record.",
            report.unrecorded_calls
        ))?;
    }
    if report.stuck_connections > 0 {
        warn(format!(
            "{} connections did not close.",
            report.stuck_connections
        ))?;
    }
    Ok(())
}

/// What the server is told from outside.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until it is to end. Whenever it is told to meanwhile, it opens the
    /// audit anew and has the configuration read again.
    async fn end(&mut self, audit: &Audit, reload: &Reloading) {
        loop {
            tokio::select! {
                // Cancelled: a signal that comes later is kept for the next
                // wait.
                _ = self.interrupt.recv() => return,
                // Cancelled: likewise.
                _ = self.terminate.recv() => return,
                // Cancelled: likewise.
                _ = self.hang_up.recv() => {
                    reload.now();
                    audit.reopen().await;
                }
            }
        }
    }

    async fn first(&mut self) {
        tokio::select! {
            // Cancelled: a signal that comes later is kept for the next wait.
            _ = self.interrupt.recv() => {}
            // Cancelled: likewise.
            _ = self.terminate.recv() => {}
        }
    }
}
