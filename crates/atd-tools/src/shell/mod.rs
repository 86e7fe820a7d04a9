//! `ref:shell.exec`: a command line, run by a shell.

mod result;
mod start;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use atd_process::{Program, ProgramError, Supervisor};
use atd_proto::{SafetyLevel, Tier, ToolDefinition, Visibility};
use atd_registry::{Args, CallContext, Reply, Tool, ToolCallError};
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;

use self::result::{ExecResult, Kept};
use self::start::start_in;

/// `ref:shell.exec`: runs a command line by `/bin/sh -c`.
///
/// A command can do whatever the server's user can. The tool therefore needs
/// the capability `shell.exec`, which nobody has who was not given it; nothing
/// below makes a command harmless:
///
/// - It starts in the tool's root directory or, by its argument, in a directory
///   below it. It may leave it.
/// - Its environment is what [`env`](Self::env) lists, and a `PATH`. Nothing of
///   the server's own environment gets there, and no secret of a caller.
/// - It is ended when its time is up: what `timeout_ms` says, and at the latest
///   seven eighths of what is left to the call, so that what it has written gets
///   out. What it leaves behind is ended with it, as [`Program`] says; that
///   nothing gets away takes a [`Supervisor`].
/// - Of its output, the first 64 KiB come back, and of its standard error, the
///   last 16 KiB; less where the call may not answer as much. It may write any
///   amount.
///
/// Whatever the command exits with is a result. It is a failure of the call
/// only where no command was run.
pub struct ShellExec {
    definition: ToolDefinition,
    root: PathBuf,
    env: BTreeMap<OsString, OsString>,
    supervisor: Option<Supervisor>,
}

/// What to run.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExecArgs {
    /// The command line, as one types it into a shell. Pipes, redirections and
    /// several lines are fine; it runs without a terminal.
    #[schemars(length(min = 1, max = 131_071))]
    command: String,
    /// The directory to start in, relative to the server's root directory.
    #[serde(default)]
    #[schemars(length(min = 1, max = 4096))]
    directory: Option<String>,
    /// What the command reads from its standard input; nothing by default.
    #[serde(default)]
    stdin: Option<String>,
    /// When to end it, in milliseconds; at the latest shortly before the call's
    /// own time is up, and then by default.
    #[serde(default)]
    timeout_ms: Option<NonZeroU64>,
}

/// The shell, which takes the command as its one argument.
const SHELL: &str = "/bin/sh";

impl ShellExec {
    /// The tool, for commands that start in `root`.
    ///
    /// # Errors
    /// What the system says when there is no such directory.
    pub fn new(root: impl AsRef<Path>) -> io::Result<Self> {
        let root = std::fs::canonicalize(root)?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            definition: definition(),
            root,
            env: BTreeMap::new(),
            supervisor: Supervisor::installed(),
        })
    }

    /// Lists a variable of the commands' environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Who ends the commands, in place of the supervisor that this process
    /// [has](Supervisor::installed); `None` for this process itself.
    #[must_use]
    pub fn supervised_by(mut self, supervisor: impl Into<Option<Supervisor>>) -> Self {
        self.supervisor = supervisor.into();
        self
    }
}

fn definition() -> ToolDefinition {
    ToolDefinition::builder(
        "ref:shell.exec",
        "Runs a command line with /bin/sh on the server and returns its exit code and what it \
         wrote. Starts in the server's root directory unless `directory` names one below it. A \
         command that is not done in time is ended, with what it has started; `timed_out` is then \
         true and the output is what there was. Nothing goes on in the background after the call.",
    )
    .name("Run a shell command")
    .tags(["shell", "command", "terminal", "sh", "process", "execute"])
    .intent_examples([
        "Run the tests",
        "Show me git status",
        "Count the lines of all the Rust files",
    ])
    .input_schema(schema_for!(ExecArgs).to_value())
    .output_schema(schema_for!(ExecResult).to_value())
    .safety_level(SafetyLevel::Destructive)
    .side_effects(["whatever the command does"])
    .visibility(Visibility::Dangerous)
    .requires(["shell.exec"])
    .tier(Tier::Cold)
    .error(
        "DIRECTORY_NOT_FOUND",
        "There is no such directory below the server's root directory.",
        false,
    )
    .build()
}

#[async_trait]
impl Tool for ShellExec {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    async fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        let args: ExecArgs = args.parse()?;
        let directory = start_in(&self.root, args.directory.as_deref())?;
        let kept = Kept::within(ctx.output_budget());
        let mut program = Program::new(SHELL)
            .arg("-c")
            .arg(args.command)
            .working_dir(directory)
            .output_limit(kept.stdout)
            .cut_output()
            .stderr_kept(kept.stderr)
            .supervised_by(self.supervisor.clone())
            .holding(ctx.clone());
        for (name, value) in &self.env {
            program = program.env(name, value);
        }
        if let Some(stdin) = args.stdin {
            program = program.stdin(stdin);
        }
        let time = time_for(args.timeout_ms, ctx.time_left());
        let finished = program.run_until(tokio::time::sleep(time)).await;
        let result = ExecResult::of(finished.map_err(not_run)?);
        Reply::json_within(&result, ctx.output_budget())
    }
}

/// How long a command has, so that the answer gets out in time.
fn time_for(asked: Option<NonZeroU64>, left: Duration) -> Duration {
    let most = left - left / 8;
    asked.map_or(most, |asked| most.min(Duration::from_millis(asked.get())))
}

fn not_run(error: ProgramError) -> ToolCallError {
    match error {
        ProgramError::Nul { .. } => {
            ToolCallError::invalid_arg("/command", "a command holds no NUL byte")
        }
        ProgramError::ArgumentTooLong { length, limit, .. } => ToolCallError::invalid_arg(
            "/command",
            format!("it has {length} bytes, and the system takes at most {limit}"),
        ),
        ProgramError::ArgumentsTooLong { .. } => ToolCallError::invalid_arg("/command", error),
        ProgramError::NoRoom(_) => ToolCallError::Overloaded,
        other => ToolCallError::internal(other),
    }
}

impl fmt::Debug for ShellExec {
    /// The values of the environment may be secrets of the operator's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShellExec")
            .field("root", &self.root)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("supervisor", &self.supervisor)
            .finish_non_exhaustive()
    }
}
