//! Tools that block, and how they are carried out.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use atd_proto::ToolDefinition;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::pool::{Abandoned, BlockingPool, PoolError};
use crate::binding::{Binding, CallFuture};
use crate::call::{Args, CallContext, IntoReply, Reply, ToolCallError};
use crate::tool::FnTool;

/// A tool that blocks its thread: it computes, or calls what blocks. It runs
/// on the registry's [`BlockingPool`], so it stalls nobody else.
///
/// At the deadline its call is answered without it. It should then stop by
/// itself: [`CallContext::cancelled`] tells when.
pub trait BlockingTool: Send + Sync + 'static {
    /// What it is, needs and promises. It stays the same.
    fn definition(&self) -> &ToolDefinition;

    /// Carries out one call whose arguments fit the definition's input schema.
    ///
    /// # Errors
    /// [`ToolCallError`], of which each variant says what the caller learns.
    fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError>;
}

/// [`tool_fn`](crate::tool_fn) for a closure that blocks; register it with
/// [`Registry::register_blocking`](crate::Registry::register_blocking).
pub fn blocking_fn<A, R, F>(
    id: impl Into<String>,
    description: impl Into<String>,
    run: F,
) -> FnTool<F, A>
where
    A: DeserializeOwned + JsonSchema + 'static,
    R: IntoReply,
    F: Fn(A, &CallContext) -> Result<R, ToolCallError> + Send + Sync + 'static,
{
    FnTool::new(id.into(), description.into(), run)
}

impl<A, R, F> BlockingTool for FnTool<F, A>
where
    A: DeserializeOwned + JsonSchema + 'static,
    R: IntoReply,
    F: Fn(A, &CallContext) -> Result<R, ToolCallError> + Send + Sync + 'static,
{
    fn definition(&self) -> &ToolDefinition {
        FnTool::definition(self)
    }

    fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        (self.run())(args.parse()?, ctx)?.into_reply(ctx.output_budget())
    }
}

/// A [`BlockingTool`] on a pool.
pub(crate) struct BlockingBinding {
    tool: Arc<dyn BlockingTool>,
    pool: BlockingPool,
}

impl BlockingBinding {
    pub(crate) fn new(tool: impl BlockingTool, pool: BlockingPool) -> Self {
        Self {
            tool: Arc::new(tool),
            pool,
        }
    }
}

impl Binding for BlockingBinding {
    fn may_outlive_its_call(&self) -> bool {
        true
    }

    fn invoke<'a>(&'a self, args: Args, ctx: &'a CallContext) -> CallFuture<'a> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel::<thread::Result<_>>();
            let job = Arc::new(Mutex::new(Stage::Waiting));
            let (begun, (tool, ctx)) = (job.clone(), (self.tool.clone(), ctx.clone()));
            let run = move || {
                if !begin(&begun) {
                    return;
                }
                let result = catch_unwind(AssertUnwindSafe(|| tool.call(args, &ctx)));
                *lock(&begun) = Stage::Ended;
                // Nobody may be there to take it.
                let _ = answer.send(result);
            };
            let place = self.pool.run(run).map_err(|error| match error {
                PoolError::Full => ToolCallError::Overloaded,
                PoolError::NoThread(error) => {
                    ToolCallError::internal(format!("no thread could be started: {error}"))
                }
            })?;
            let waiter = Waiter {
                job,
                pool: self.pool.clone(),
                place,
            };
            let result = answered.await;
            drop(waiter);
            match result {
                Ok(Ok(result)) => result,
                // Dispatch contains the panics of every tool alike.
                Ok(Err(panic)) => resume_unwind(panic),
                Err(_) => Err(ToolCallError::internal("the tool's thread went away")),
            }
        })
    }
}

/// How far a job has come, and who minds.
enum Stage {
    Waiting,
    Running,
    /// Nobody waits for it; it has not begun.
    Cancelled,
    /// Nobody waits for it; it runs on.
    Abandoned {
        _counted: Abandoned,
    },
    Ended,
}

/// The call's side of a job: dropped with the call's future.
struct Waiter {
    job: Arc<Mutex<Stage>>,
    pool: BlockingPool,
    place: u64,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // What a job that has not begun holds goes with its place.
        drop(self.pool.withdraw(self.place));
        let mut stage = lock(&self.job);
        match *stage {
            Stage::Waiting => *stage = Stage::Cancelled,
            Stage::Running => {
                *stage = Stage::Abandoned {
                    _counted: self.pool.abandon(),
                };
            }
            Stage::Cancelled | Stage::Abandoned { .. } | Stage::Ended => {}
        }
    }
}

/// Whether somebody still waits for the job, which is then running.
fn begin(job: &Mutex<Stage>) -> bool {
    let mut stage = lock(job);
    let wanted = matches!(*stage, Stage::Waiting);
    if wanted {
        *stage = Stage::Running;
    }
    wanted
}

fn lock(job: &Mutex<Stage>) -> std::sync::MutexGuard<'_, Stage> {
    job.lock().unwrap_or_else(PoisonError::into_inner)
}
