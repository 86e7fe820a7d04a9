//! The way of a call.

mod contain;
mod convert;
mod error;
mod record;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use atd_audit::AuditSink;
use atd_gate::{Gate, PeerCredentials, PeerRefused, Requirement};
use atd_proto::{
    ErrorBody, ErrorCode, Hello, HelloAck, JsonText, Request, Response, RunTool, RunToolContinue,
    Tier,
};
use atd_registry::{
    Args, CallContext, CallSetup, RegisteredTool, Registry, SecretBundle, SecretRequest,
    TokenBroker,
};
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use self::contain::{contained, contained_now};
pub(crate) use self::convert::peer_refused;
pub use self::error::CallError;
use self::record::Record;
pub(crate) use self::watch::{Watch, Watchdog};
use crate::answer::Answer;
use crate::metrics::{Metrics, MetricsSnapshot};
use crate::middleware::Middleware;
use crate::session::Session;
use crate::tier::{TierLimits, TierPolicy};

/// Carries requests out: the way from a request to its answer, whatever they
/// travel on. All of it through `&self`, from any number of tasks.
pub struct Dispatcher {
    pub(crate) registry: Arc<Registry>,
    pub(crate) gate: Gate,
    pub(crate) audit: Option<Arc<dyn AuditSink>>,
    pub(crate) broker: Option<Arc<dyn TokenBroker>>,
    pub(crate) middleware: Vec<Arc<dyn Middleware>>,
    pub(crate) tiers: TierPolicy,
    pub(crate) working_dir: Arc<PathBuf>,
    pub(crate) server_version: String,
    pub(crate) metrics: Metrics,
    pub(crate) watch: Watch,
    pub(crate) closing: AtomicBool,
}

impl Dispatcher {
    /// A session for a connection that has said nothing yet. `peer` is what
    /// the transport knows of its other end.
    ///
    /// # Errors
    /// [`PeerRefused`] when the gate does not let that user in.
    pub fn connect(&self, peer: Option<PeerCredentials>) -> Result<Session, PeerRefused> {
        self.gate.connect(peer).map(Session::new)
    }

    /// Carries one request out. Dropping the future ends the call that it runs
    /// and leaves its record.
    pub async fn handle(&self, session: &mut Session, request: Request) -> Answer {
        match request {
            Request::Ping => Response::Pong.into(),
            Request::Hello(hello) => self.hello(session, &hello),
            Request::ToolList => Answer::encoded(self.registry.catalog()),
            Request::ToolSchema { tool_id } => match self.find(&tool_id) {
                Ok(tool) => Answer::encoded(tool.schema_response().clone()),
                Err(error) => convert::not_found(error).into(),
            },
            Request::RunTool(call) => self.run_tool(session, call).await.into(),
            Request::RunToolContinue(next) => self.run_tool_continue(session, next).into(),
            _ => ErrorBody::new(
                ErrorCode::BAD_REQUEST,
                "this server does not know this request",
            )
            .into(),
        }
    }

    /// Runs one tool once: the seven steps that every call takes.
    pub async fn run_tool(&self, session: &Session, call: RunTool) -> Response {
        let RunTool {
            tool_id,
            args,
            dry_run,
        } = call;
        let mut record = self.record(session, tool_id, dry_run);
        let ended = contained(async {
            self.check_open()?;
            // 1 find
            let tool = self.find(record.info().tool_id)?;
            record.found(&tool);
            let definition = tool.definition();
            // 2 admit; the permit is held to the end
            let _permit = self
                .gate
                .admit(session.identity(), &Requirement::of(definition))?;
            // 3 check
            let args = Args::new(args);
            let checked = tool.input_schema().check(&args);
            checked.map_err(CallError::BrokenSchema)?;
            let limits = self.tiers.limits_of(definition);
            if dry_run && !definition.safety.dry_run {
                return within_budget(preview(tool.id(), &args), limits);
            }
            // 4 secrets
            let deadline = record.started + limits.timeout;
            let secrets = self.secrets(session, tool.id());
            let secrets = in_time(deadline, limits, secrets).await??;
            record.secrets_resolved = secrets.is_some();
            // 5 run
            let ctx = self.context(
                &record,
                session,
                definition.effective_tier(),
                limits,
                secrets,
            );
            let running = self.watch.watched(&tool, tool.binding().invoke(args, &ctx));
            let reply = in_time(deadline, limits, running).await??;
            within_budget(reply.into_body(), limits)
        })
        .await;
        // 6 rewrite
        let ended = self.rewrite(&record, ended);
        // 7 record
        let outcome = convert::outcome(ended.as_ref().err().map(|(error, _)| error));
        let tool_id = record.end(outcome);
        convert::response(tool_id, dry_run, ended)
    }

    /// The next page of a call. No tool of this version returns pages, so no
    /// cursor is valid.
    fn run_tool_continue(&self, session: &Session, next: RunToolContinue) -> Response {
        let record = self.record(session, next.tool_id, false);
        let ended = self.check_open().and_then(|()| {
            let tool = self.find(record.info().tool_id)?;
            Err(CallError::CursorInvalid {
                tool_id: tool.id().to_string(),
            })
        });
        let ended = self.rewrite(&record, ended);
        let outcome = convert::outcome(ended.as_ref().err().map(|(error, _)| error));
        let tool_id = record.end(outcome);
        convert::response(tool_id, false, ended)
    }

    fn hello(&self, session: &mut Session, hello: &Hello) -> Answer {
        match self.gate.hello(session.identity(), hello) {
            Ok(identity) => {
                let granted_capabilities = (**identity.capabilities()).clone();
                session.set_identity(identity);
                Answer::from(Response::HelloAck(HelloAck {
                    granted_capabilities,
                    server_version: self.server_version.clone(),
                    supported_tiers: Tier::ALL.to_vec(),
                }))
            }
            Err(error) => convert::hello_refused(&error).into(),
        }
    }

    /// What the server has done and is doing.
    pub fn metrics_snapshot(&self) -> MetricsSnapshot {
        let counted = &self.metrics;
        // What has ended is read first, so that no difference is negative.
        let (calls_ended, connections_ended) =
            (counted.calls_ended.get(), counted.connections_ended.get());
        let (calls, connections) = (counted.calls.get(), counted.connections.get());
        MetricsSnapshot {
            calls,
            calls_in_flight: calls.saturating_sub(calls_ended),
            connections,
            connections_open: connections.saturating_sub(connections_ended),
            connections_refused: counted.connections_refused.get(),
            audit_lost: self.audit.as_deref().map_or(0, AuditSink::drops),
            blocking: self.registry.blocking().stats(),
            stalls: self.watch.stalls(),
        }
    }

    /// From now on calls are refused; those under way go on.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    fn check_open(&self) -> Result<(), CallError> {
        if self.closing.load(Ordering::SeqCst) {
            return Err(CallError::ShuttingDown);
        }
        Ok(())
    }

    fn record<'a>(&'a self, session: &'a Session, tool_id: String, dry_run: bool) -> Record<'a> {
        let audit = self.audit.as_deref();
        Record::begin(audit, &self.metrics, session, tool_id, dry_run)
    }

    fn find(&self, tool_id: &str) -> Result<Arc<RegisteredTool>, CallError> {
        self.registry
            .get(tool_id)
            .ok_or_else(|| CallError::NotFound {
                tool_id: tool_id.to_owned(),
                suggestions: self.registry.suggestions(tool_id),
            })
    }

    /// The caller's secrets. A caller who has only its own word for its name
    /// has none.
    async fn secrets(
        &self,
        session: &Session,
        tool_id: &str,
    ) -> Result<Option<SecretBundle>, CallError> {
        let Some(broker) = &self.broker else {
            return Ok(None);
        };
        let Some(verified_id) = session.identity().verified_id() else {
            return Ok(None);
        };
        let request = SecretRequest {
            tool_id,
            verified_id: &verified_id,
        };
        broker.resolve(request).await.map_err(CallError::Broker)
    }

    fn context(
        &self,
        record: &Record<'_>,
        session: &Session,
        tier: Tier,
        limits: TierLimits,
        secrets: Option<SecretBundle>,
    ) -> EndedOnDrop {
        let identity = session.identity();
        EndedOnDrop(CallContext::new(CallSetup {
            call_id: record.call_id,
            caller_id: identity.caller_id().cloned(),
            capabilities: identity.capabilities().clone(),
            tier,
            deadline: record.started + limits.timeout,
            output_budget: limits.output_bytes,
            working_dir: self.working_dir.clone(),
            secrets,
            dry_run: record.info().dry_run,
        }))
    }

    /// Lets the middleware see what goes out, and the log what does not.
    fn rewrite(
        &self,
        record: &Record<'_>,
        ended: Result<JsonText, CallError>,
    ) -> Result<JsonText, (CallError, String)> {
        let call = record.info();
        let ended = contained_now(|| {
            ended.map(|result| {
                let all = self.middleware.iter();
                all.fold(result, |result, one| one.result(&call, result))
            })
        });
        ended.map_err(|error| {
            log(&call, &error);
            let message = contained_now(|| {
                let all = self.middleware.iter();
                Ok(all.fold(error.to_string(), |message, one| one.error(&call, message)))
            });
            // A message that could not be rewritten does not go out.
            message.map_or_else(
                |panicked| {
                    let message = panicked.to_string();
                    (panicked, message)
                },
                |message| (error, message),
            )
        })
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher")
            .field("registry", &self.registry)
            .field("gate", &self.gate)
            .field("server_version", &self.server_version)
            .finish_non_exhaustive()
    }
}

/// A call's context, which learns of the call's end however it comes.
struct EndedOnDrop(CallContext);

impl std::ops::Deref for EndedOnDrop {
    type Target = CallContext;

    fn deref(&self) -> &CallContext {
        &self.0
    }
}

impl Drop for EndedOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn in_time<T>(
    deadline: Instant,
    limits: TierLimits,
    work: impl Future<Output = T>,
) -> Result<T, CallError> {
    timeout_at(deadline, work)
        .await
        .map_err(|_| CallError::DeadlineExceeded {
            limit: limits.timeout,
        })
}

fn within_budget(result: JsonText, limits: TierLimits) -> Result<JsonText, CallError> {
    let (length, limit) = (result.as_bytes().len(), limits.output_bytes);
    if length > limit {
        return Err(CallError::OutputTooLarge { length, limit });
    }
    Ok(result)
}

/// What a dry run answers for a tool that has none of its own.
fn preview(tool_id: &str, args: &Args) -> JsonText {
    let mut text = format!(
        r#"{{"dry_run":true,"tool_id":{},"args_preview":"#,
        json!(tool_id)
    )
    .into_bytes();
    text.extend_from_slice(args.text().as_bytes());
    text.push(b'}');
    JsonText::parse(text).unwrap_or(JsonText::EMPTY_OBJECT)
}

fn log(call: &crate::CallInfo<'_>, error: &CallError) {
    let call_id = call.call_id;
    match error {
        CallError::Internal { message } | CallError::Panicked { message } => {
            tracing::error!(%call_id, tool_id = ?call.tool_id, ?message, "the tool is at fault");
        }
        CallError::Broker(cause) => {
            tracing::error!(%call_id, tool_id = ?call.tool_id, cause = ?cause.to_string(), "no secrets");
        }
        // What a tool says of its failure may repeat its arguments.
        _ => tracing::debug!(%call_id, tool_id = ?call.tool_id, "the call has no result"),
    }
}

/// How long the watchdog lets an async tool hold a worker.
pub(crate) const STALL: Duration = Duration::from_millis(250);
