//! Tools written in Rust.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use atd_proto::{ToolDefinition, ToolDefinitionBuilder};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::call::{Args, CallContext, IntoReply, Reply, ToolCallError};

/// Something that can be called.
#[async_trait]
pub trait Tool: Send + Sync + 'static {
    /// What it is, needs and promises. It stays the same.
    fn definition(&self) -> &ToolDefinition;

    /// Carries out one call whose arguments fit the definition's input schema.
    /// The future may be dropped at any await.
    ///
    /// # Errors
    /// [`ToolCallError`], of which each variant says what the caller learns.
    async fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError>;
}

#[async_trait]
impl<T: Tool + ?Sized> Tool for Arc<T> {
    fn definition(&self) -> &ToolDefinition {
        (**self).definition()
    }

    async fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        (**self).call(args, ctx).await
    }
}

/// A tool from a closure over its typed arguments. The input schema is derived
/// from the arguments' type; everything else of the definition has its
/// default, which [`FnTool::define`] changes.
///
/// ```
/// use atd_registry::tool_fn;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Greet { name: String }
///
/// let greet = tool_fn("demo:people.greet", "Greets somebody", |greet: Greet, _ctx| async move {
///     Ok(format!("Hello, {}!", greet.name))
/// })
/// .define(|definition| definition.requires(["people"]).rate_limit_per_min(60));
/// ```
pub fn tool_fn<A, R, F, Fut>(
    id: impl Into<String>,
    description: impl Into<String>,
    run: F,
) -> FnTool<F, A>
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    R: IntoReply,
    F: Fn(A, CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ToolCallError>> + Send + 'static,
{
    FnTool::new(id.into(), description.into(), run)
}

/// What [`tool_fn`] and [`blocking_fn`](crate::blocking_fn) make.
pub struct FnTool<F, A> {
    definition: ToolDefinition,
    run: F,
    args: PhantomData<fn(A)>,
}

impl<F, A> FnTool<F, A> {
    pub(crate) fn new(id: String, description: String, run: F) -> Self
    where
        A: JsonSchema,
    {
        Self {
            definition: ToolDefinition::builder(id, description)
                .input_schema(schemars::schema_for!(A).to_value())
                .build(),
            run,
            args: PhantomData,
        }
    }

    /// The definition as it stands.
    pub fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    pub(crate) fn run(&self) -> &F {
        &self.run
    }

    /// Changes the definition.
    #[must_use]
    pub fn define(
        mut self,
        change: impl FnOnce(ToolDefinitionBuilder) -> ToolDefinitionBuilder,
    ) -> Self {
        self.definition = change(self.definition.into()).build();
        self
    }
}

#[async_trait]
impl<A, R, F, Fut> Tool for FnTool<F, A>
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    R: IntoReply,
    F: Fn(A, CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ToolCallError>> + Send + 'static,
{
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    async fn call(&self, args: Args, ctx: &CallContext) -> Result<Reply, ToolCallError> {
        let args = args.parse()?;
        (self.run)(args, ctx.clone())
            .await?
            .into_reply(ctx.output_budget())
    }
}

impl<F, A> fmt::Debug for FnTool<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FnTool").field(&self.definition.id).finish()
    }
}
