//! The way of a call.

mod admit;
mod besides;
mod contain;
mod context;
mod convert;
mod error;
mod output;
mod page;
mod record;
mod recording;
mod rewrite;
mod secrets;
mod span;
mod spare;
mod watch;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use atd_gate::{Gate, PeerCredentials, PeerRefused, Requirement};
use atd_proto::{
    ErrorBody, ErrorCode, Hello, HelloAck, JsonText, MAX_NESTING, Request, Response, RunTool,
    RunToolContinue, Tier, ToolFilter,
};
use atd_registry::{Args, Registry, TokenBroker};
use serde_json::json;
use tokio_util::task::TaskTracker;

use self::contain::contained;
use self::context::{Given, Hold, Time, not_stopped, stopped_rather, unless_stopped};
pub(crate) use self::convert::{OVERLOADED_RETRY_MS, peer_refused};
pub use self::error::CallError;

use self::page::{Done, Wanted};
use self::record::Record;
pub(crate) use self::recording::Audit;
pub(crate) use self::watch::{Watch, Watchdog};
use crate::answer::Answer;
use crate::clock;
use crate::control::CallControl;
use crate::cursor::Cursors;
use crate::metrics::Metrics;
use crate::middleware::Middleware;
use crate::output::OutputCheck;
use crate::session::Session;
use crate::tier::{MAX_OUTPUT, TierLimits, TierPolicy};

/// Carries requests out: the way from a request to its answer, whatever they
/// travel on. All of it through `&self`, from any number of tasks.
pub struct Dispatcher {
    pub(crate) registry: Arc<Registry>,
    pub(crate) gate: Gate,
    pub(crate) audit: Option<Audit>,
    pub(crate) broker: Option<Arc<dyn TokenBroker>>,
    pub(crate) middleware: Arc<[Arc<dyn Middleware>]>,
    pub(crate) tiers: TierPolicy,
    pub(crate) working_dir: Arc<PathBuf>,
    pub(crate) server_version: String,
    pub(crate) metrics: Metrics,
    pub(crate) watch: Watch,
    /// Events that wait for a sink without room.
    pub(crate) handing_over: TaskTracker,
    /// How long a tool has to tidy up whose call is ended from outside.
    pub(crate) stop_grace: Duration,
    pub(crate) cursors: Cursors,
    pub(crate) output_check: OutputCheck,
}

impl Dispatcher {
    /// A session for a connection that has said nothing yet. `peer` is what
    /// the transport knows of its other end.
    ///
    /// # Errors
    /// [`PeerRefused`] when the gate does not let that user in.
    pub fn connect(&self, peer: Option<PeerCredentials>) -> Result<Session, PeerRefused> {
        let identity = self.gate.connect(peer)?;
        Ok(Session::new(identity, self.working_dir.clone()))
    }

    /// Carries one request out. Dropping the future ends the call that it runs
    /// and leaves its record.
    pub async fn handle(&self, session: &mut Session, request: Request) -> Answer {
        self.handle_with(session, request, &CallControl::none())
            .await
    }

    /// [`handle`](Self::handle), where a call that the request makes may be
    /// ended and heard of through `control`.
    pub async fn handle_with(
        &self,
        session: &mut Session,
        request: Request,
        control: &CallControl,
    ) -> Answer {
        match request {
            Request::Hello(hello) => self.hello(session, &hello),
            other => self.answer(session, other, control).await,
        }
    }

    /// Carries a request out that changes nothing of the session: any but
    /// `hello`. Only a call ever waits.
    pub(crate) async fn answer(
        &self,
        session: &Session,
        request: Request,
        control: &CallControl,
    ) -> Answer {
        match request {
            Request::Ping => Response::Pong.into(),
            Request::ToolList(filter) => self.list(&filter),
            Request::ToolSchema { tool_id } => match self.registry.get(&tool_id) {
                Some(tool) => Answer::encoded(tool.schema_response().clone()),
                None => convert::not_found(self.not_found(&tool_id)).into(),
            },
            Request::RunTool(call) => self.run_tool_with(session, call, control).await.into(),
            Request::RunToolContinue(next) => self.run_tool_continue(session, next).await.into(),
            Request::Cancel { .. } => ErrorBody::new(
                ErrorCode::BAD_REQUEST,
                "there is nothing to cancel here: requests carry no ids on this transport",
            )
            .into(),
            _ => ErrorBody::new(
                ErrorCode::BAD_REQUEST,
                "this server does not know this request",
            )
            .into(),
        }
    }

    fn list(&self, filter: &ToolFilter) -> Answer {
        let asked = filter.query.as_ref().map_or(0, String::len);
        if asked > MAX_QUERY {
            let message = format!(
                "a query of {asked} bytes is over the limit of {MAX_QUERY}; say it shorter"
            );
            return ErrorBody::new(ErrorCode::BAD_REQUEST, message).into();
        }
        let list = self.registry.catalog_part(filter);
        // It may have looked at very many tools, and answers wait to be written.
        clock::now();
        // A request id may stand beside it.
        if list.len() > MAX_OUTPUT {
            let length = list.len();
            let message = format!(
                "a list of {length} bytes does not fit a frame; ask for part of it, with \
                 omit_schemas, limit, domain, tier, visibility or query"
            );
            return ErrorBody::new(ErrorCode::UNCLASSIFIED, message).into();
        }
        Answer::encoded(list)
    }

    /// Runs one tool once.
    pub async fn run_tool(&self, session: &Session, call: RunTool) -> Response {
        self.run_tool_with(session, call, &CallControl::none())
            .await
    }

    /// Runs one tool once, which `control` may end.
    pub async fn run_tool_with(
        &self,
        session: &Session,
        call: RunTool,
        control: &CallControl,
    ) -> Response {
        let tool = self.registry.get(&call.tool_id);
        let mut record = Record::begin(
            self,
            session,
            tool.as_ref(),
            call.tool_id,
            call.dry_run,
            call.traceparent,
        );
        self.run(&mut record, Wanted::First(call.args), control)
            .await
    }

    /// The next page of a call.
    pub async fn run_tool_continue(&self, session: &Session, next: RunToolContinue) -> Response {
        self.run_tool_continue_with(session, next, &CallControl::none())
            .await
    }

    /// The next page of a call, which `control` may end.
    pub async fn run_tool_continue_with(
        &self,
        session: &Session,
        next: RunToolContinue,
        control: &CallControl,
    ) -> Response {
        let (tool, trace) = (self.registry.get(&next.tool_id), next.traceparent);
        let mut record = Record::begin(self, session, tool.as_ref(), next.tool_id, false, trace);
        self.run(&mut record, Wanted::Next(next.cursor), control)
            .await
    }

    /// The seven steps that every call takes, and every page of one.
    async fn run(
        &self,
        record: &mut Record<'_>,
        wanted: Wanted,
        control: &CallControl,
    ) -> Response {
        let ended = {
            let span = record.span.clone();
            let work = pin!(self.carry_out(record, wanted, control));
            contained(pin!(span::within(&span, work))).await
        };
        let ended = ended.map_err(|error| stopped_rather(control, error));
        self.finish(record, ended).await
    }

    /// The steps up to the tool's reply. What only some calls wait for is
    /// boxed, so that the others have no room for it.
    async fn carry_out(
        &self,
        record: &mut Record<'_>,
        wanted: Wanted,
        control: &CallControl,
    ) -> Result<Done, CallError> {
        not_stopped(control)?;
        let session = record.session();
        // 1 find
        if !session.phase().is_open() {
            return Err(CallError::ShuttingDown);
        }
        let tool = record.tool();
        let tool = tool.ok_or_else(|| self.not_found(record.info().tool_id))?;
        let definition = tool.definition();
        let (args, page) = self.page_of(record, wanted)?;
        let limits = self.tiers.limits_of(definition);
        let deadline = record.started + limits.timeout;
        // 2 admit; the permit is held to the end
        let need = Requirement::of(definition);
        let permit = match self.gate.admit(session.identity(), &need) {
            Ok(permit) => permit,
            Err(refusal) => {
                let turn = self.in_turn(refusal, session, definition, deadline, control);
                Box::pin(turn).await?
            }
        };
        // 3 check
        let args = Args::new(args);
        record.beside.asked(args.text());
        let checked = tool.input_schema().check(&args);
        checked.map_err(CallError::BrokenSchema)?;
        self.let_through(record, &args)?;
        if record.info().dry_run && !definition.safety.dry_run {
            return Ok(Done::only(preview(tool.id(), &args, limits)));
        }
        // 4 secrets
        let secrets = match self.broker_for(session, tool.id()) {
            Some(asked) => {
                let secrets = Self::secrets(asked, deadline);
                Box::pin(unless_stopped(control, secrets)).await?
            }
            None => None,
        };
        record.secrets_resolved = secrets.is_some();
        // 5 run, once a strict audit has answered for the call
        if self.is_strict() {
            let start = self.start(record, deadline);
            Box::pin(unless_stopped(control, start)).await?;
        }
        let text = args.text().clone();
        let given = Given {
            limits,
            secrets,
            page_state: page,
        };
        record.entered = true;
        let ctx = self.context(record, control, given, Hold::of(permit, tool));
        let running = pin!(async { tool.binding().invoke(args, &ctx.call).await });
        let running = pin!(self.watch.watched(tool.id(), running));
        let time = Time {
            deadline,
            limits,
            control,
            grace: self.stop_grace,
        };
        let reply = time.run(&ctx, running).await?;
        self.check_output(record, tool, &reply)?;
        self.done(record, reply, text, limits)
    }

    /// Refuses a call whose request id another call in flight has.
    pub(crate) async fn refuse_duplicate(&self, session: &Session, request: Request) -> Answer {
        let (tool_id, dry_run, trace) = match request {
            Request::RunTool(call) => (call.tool_id, call.dry_run, call.traceparent),
            Request::RunToolContinue(next) => (next.tool_id, false, next.traceparent),
            _ => {
                let (code, message) = (ErrorCode::BAD_REQUEST, CallError::DuplicateId.to_string());
                return ErrorBody::new(code, message).into();
            }
        };
        let tool = self.registry.get(&tool_id);
        let mut record = Record::begin(self, session, tool.as_ref(), tool_id, dry_run, trace);
        self.finish(&mut record, Err(CallError::DuplicateId))
            .await
            .into()
    }

    /// The last two steps: 6 rewrite, 7 record.
    async fn finish(&self, record: &mut Record<'_>, ended: Result<Done, CallError>) -> Response {
        let dry_run = record.info().dry_run;
        let ended = record.span.in_scope(|| self.rewrite(record, ended));
        if let Ok(done) = &ended {
            record.beside.answered(&done.result);
        }
        let failed = ended.as_ref().err().map(|(error, _)| error);
        if let Some(CallError::Refused(refusal)) = failed {
            self.metrics.refusals.count(refusal);
        }
        let answer = match failed {
            Some(CallError::AuditUnavailable { .. }) => record::Answer::DoesNotWait,
            _ => record::Answer::Waits,
        };
        let ending = convert::ending(failed);
        if let Some(recorded) = record.end(convert::outcome(failed), ending, answer) {
            // Whatever becomes of the sink, the call has ended.
            let _ = recorded.await;
        }
        convert::response(record.take_tool_id(), dry_run, ended)
    }

    /// Says who is at the other end from now on.
    pub(crate) fn hello(&self, session: &mut Session, hello: &Hello) -> Answer {
        let greeted = match session.channel() {
            Some(channel) => self.gate.hello_over(channel, session.identity(), hello),
            None => self.gate.hello(session.identity(), hello),
        };
        // It may have checked signatures, and answers wait to be written.
        clock::now();
        match greeted {
            Ok(identity) => {
                let granted_capabilities = (**identity.capabilities()).clone();
                session.set_identity(identity);
                Answer::from(Response::HelloAck(HelloAck {
                    granted_capabilities,
                    server_version: self.server_version.clone(),
                    supported_tiers: Tier::ALL.to_vec(),
                    extensions: session.extensions(),
                }))
            }
            Err(error) => convert::hello_refused(&error).into(),
        }
    }

    fn not_found(&self, tool_id: &str) -> CallError {
        let suggestions = self.registry.suggestions(tool_id);
        // It may have looked at very many tools, and answers wait to be written.
        clock::now();
        CallError::NotFound {
            tool_id: tool_id.to_owned(),
            suggestions,
        }
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

/// What a dry run answers for a tool that has none of its own. Arguments that
/// would not fit the answer are left out, and it says so.
fn preview(tool_id: &str, args: &Args, limits: TierLimits) -> JsonText {
    let tool_id = json!(tool_id);
    let fits = args.text().as_bytes().len() + 512 < limits.output_bytes
        && !args.text().nests_deeper_than(MAX_NESTING - 2);
    let text = if fits {
        let args = args.text();
        format!(r#"{{"dry_run":true,"tool_id":{tool_id},"args_preview":{args}}}"#)
    } else {
        format!(r#"{{"dry_run":true,"tool_id":{tool_id},"args_preview":null,"args_omitted":true}}"#)
    };
    JsonText::parse(text).unwrap_or(JsonText::EMPTY_OBJECT)
}

/// The longest query that is looked for, in bytes.
const MAX_QUERY: usize = 1024;

/// How long the watchdog lets an async tool hold a worker.
pub(crate) const STALL: Duration = Duration::from_millis(250);
