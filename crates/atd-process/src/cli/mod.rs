//! A definition carried out by a program.

mod failure;
mod mistakes;
mod output;
mod readable;
mod template;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use atd_proto::CliConfig;
use atd_registry::{Args, Binding, CallContext, CallFuture, Reply, ToolCallError};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use self::failure::{Failure, not_run};
use self::mistakes::check;
pub use self::mistakes::{CliMistake, CliMistakes, CliProblem};
use self::template::{Slot, Values};
use crate::error::ProgramError;
use crate::program::Program;
use crate::run::Exit;
use crate::supervisor::Supervisor;

/// The value of a variable that asks for the caller's bearer.
const BEARER: &str = "$ATD_BEARER";

/// How much of what a program wrote a failure's message holds, in bytes.
const SHOWN: usize = 4 << 10;

/// Carries a definition out by a program, once for each call, as its
/// [`CliConfig`] says. What a program is given and how it is ended is said at
/// [`Program`].
///
/// - **Arguments**: `args`, then one for each entry of `args_template`.
///   `{tool_id}` and `{params_json}`, the call's arguments as they came, may
///   stand anywhere in an entry and never make two of it. An entry that is
///   `{dry_run}` is left out unless the call is a dry run, and one that is
///   `{page_all}` unless the call's arguments say `"page_all": true`; else it
///   is the flag that the configuration has for it.
/// - **Environment**: `env`, and a `PATH` if it has none. A value that is
///   `$ATD_BEARER` becomes the caller's bearer token; a call without one fails
///   before anything is started. Nothing else is expanded.
/// - **Working directory**: the server's.
/// - **A dry run** without a `dry_run_flag` is refused.
/// - **The result** is what the program writes to its standard output and then
///   exits with 0: one JSON value; an array of the JSON values, one a line; or
///   an array of lines. It may take as much as the call's output budget.
/// - **Any other exit** is a failure, with the code that `exit_code_map` has for
///   it or `TOOL_FAILED`. Its message ends with the last of what the program
///   wrote to its standard error, or else to its standard output; the bearer is
///   taken out of it.
///
/// ```
/// use atd_process::CliBinding;
/// use atd_proto::{CliConfig, OutputFormat};
/// # use atd_proto::JsonText;
/// # use atd_registry::{Args, Binding, CallContext};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let binding = CliBinding::new("demo:text.upper", CliConfig {
///     cmd: "sh".into(),
///     args: ["-c", "echo \"$1\" | tr a-z A-Z", "upper"].map(String::from).into(),
///     args_template: vec!["{params_json}".into()],
///     output_format: Some(OutputFormat::Lines),
///     ..CliConfig::default()
/// })?;
/// // …which `Registry::register_binding` takes, with a definition.
/// # let args = Args::new(JsonText::parse(r#"{"text":"hello"}"#)?);
/// # let reply = binding.invoke(args, &CallContext::for_test()).await?;
/// # assert_eq!(reply.body().to_string(), r#"["{\"TEXT\":\"HELLO\"}"]"#);
/// # Ok(()) }
/// ```
pub struct CliBinding {
    tool_id: String,
    config: CliConfig,
    slots: Vec<Slot>,
    failure_codes: Arc<BTreeMap<i32, String>>,
    supervisor: Option<Supervisor>,
}

/// What the arguments may say of pages.
#[derive(Deserialize)]
struct Pages {
    #[serde(default)]
    page_all: bool,
}

impl CliBinding {
    /// The binding that carries out the tool of this id as `config` says.
    ///
    /// # Errors
    /// [`CliMistakes`]: all that is wrong with the configuration. Whether the
    /// program is there is not asked, since it may come and go; see
    /// [`find`](Self::find).
    pub fn new(tool_id: impl Into<String>, config: CliConfig) -> Result<Self, CliMistakes> {
        let slots = check(&config)?;
        let failure_codes = config
            .exit_code_map
            .iter()
            .filter_map(|(exit, code)| Some((exit.parse().ok()?, code.clone())));
        Ok(Self {
            tool_id: tool_id.into(),
            failure_codes: Arc::new(failure_codes.collect()),
            config,
            slots,
            supervisor: Supervisor::installed(),
        })
    }

    /// Who ends its programs, in place of the supervisor that this process
    /// [has](Supervisor::installed); `None` for this process itself.
    #[must_use]
    pub fn supervised_by(mut self, supervisor: impl Into<Option<Supervisor>>) -> Self {
        self.supervisor = supervisor.into();
        self
    }

    /// Whether it has a dry run. A definition that says so (`safety.dry_run`)
    /// has its dry runs carried out here; any other is answered for without.
    pub fn has_dry_run(&self) -> bool {
        self.config.dry_run_flag.is_some()
    }

    /// Where its program is, for a server that works in this directory.
    ///
    /// # Errors
    /// [`ProgramError::NotFound`] and
    /// [`ProgramError::NotExecutable`].
    pub fn find(&self, working_dir: &Path) -> Result<PathBuf, ProgramError> {
        let program = Program::new(&self.config.cmd).working_dir(working_dir);
        match self.config.env.get("PATH") {
            Some(path) => program.env("PATH", path).find(),
            None => program.find(),
        }
    }

    async fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        let bearer = self.bearer(ctx)?;
        let budget = ctx.output_budget();
        let program = self.program(&args, ctx, bearer)?;
        drop(args);
        let finished = program.run().await.map_err(not_run)?;
        if finished.exit == Exit::Code(0) {
            let format = self.config.output_format.unwrap_or_default();
            return output::reply(format, finished.stdout, budget);
        }
        let code = match finished.exit {
            Exit::Code(code) => self.failure_codes.get(&code),
            _ => None,
        };
        Err(Failure {
            cmd: &self.config.cmd,
            code: code.map_or("TOOL_FAILED", String::as_str),
            bearer,
        }
        .of(&finished))
    }

    /// The caller's bearer, where the configuration asks for it.
    fn bearer<'a>(&self, ctx: &'a CallContext) -> Result<Option<&'a SecretString>, ToolCallError> {
        if !self.config.env.values().any(|value| value == BEARER) {
            return Ok(None);
        }
        let bearer = ctx.secrets().and_then(|secrets| secrets.bearer());
        let missing = || {
            ToolCallError::failed(
                "BEARER_MISSING",
                "this tool acts for its caller and needs the caller's bearer token, which the \
                 server has none of; nothing was executed",
            )
        };
        bearer.ok_or_else(missing).map(Some)
    }

    fn program(
        &self,
        args: &Args,
        ctx: &CallContext,
        bearer: Option<&SecretString>,
    ) -> Result<Program, ToolCallError> {
        let arguments = self.arguments(args, ctx)?;
        let budget = ctx.output_budget();
        let hidden = bearer.map_or(0, |bearer| bearer.expose_secret().len());
        let mut program = Program::new(&self.config.cmd)
            .args(&self.config.args)
            .args(arguments)
            .working_dir(ctx.working_dir())
            // A newline at the end is no part of the result.
            .output_limit(budget.saturating_add(1))
            // Enough to find a bearer that the last of it begins within.
            .stderr_kept(SHOWN + hidden)
            .supervised_by(self.supervisor.clone())
            .holding(ctx.clone());
        for (name, value) in &self.config.env {
            program = match bearer {
                Some(bearer) if value == BEARER => program.env(name, bearer.expose_secret()),
                _ => program.env(name, value),
            };
        }
        Ok(program)
    }

    fn arguments(&self, args: &Args, ctx: &CallContext) -> Result<Vec<OsString>, ToolCallError> {
        let dry_run = self.config.dry_run_flag.as_deref();
        if ctx.dry_run() && dry_run.is_none() {
            return Err(ToolCallError::failed(
                "DRY_RUN_UNSUPPORTED",
                "this tool has no dry run; nothing was executed",
            ));
        }
        let page_all = match &self.config.page_all_flag {
            Some(flag) => args.parse::<Pages>()?.page_all.then_some(flag.as_str()),
            None => None,
        };
        let values = Values {
            tool_id: &self.tool_id,
            params_json: args.text().as_bytes(),
            dry_run: dry_run.filter(|_| ctx.dry_run()),
            page_all,
        };
        let slots = self.slots.iter();
        Ok(slots.filter_map(|slot| slot.fill(&values)).collect())
    }
}

impl Binding for CliBinding {
    fn invoke<'a>(&'a self, args: Args, ctx: &'a CallContext) -> CallFuture<'a> {
        Box::pin(self.call(args, ctx))
    }

    /// The program has its grace after the call, and until it is gone its place
    /// among those of its tool.
    fn may_outlive_its_call(&self) -> bool {
        true
    }
}

impl fmt::Debug for CliBinding {
    /// The values of the environment may be secrets of the operator's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CliBinding")
            .field("tool_id", &self.tool_id)
            .field("cmd", &self.config.cmd)
            .field("env", &self.config.env.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
