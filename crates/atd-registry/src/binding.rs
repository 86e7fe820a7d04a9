//! How a definition is carried out.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::call::{Args, CallContext, Reply, ToolCallError};
use crate::tool::Tool;

/// A call under way.
pub type CallFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, ToolCallError>> + Send + 'a>>;

/// How a definition is carried out: by Rust code here ([`NativeBinding`]), or
/// by something elsewhere that the binding knows how to reach.
pub trait Binding: Send + Sync + 'static {
    /// Carries out one call whose arguments fit the definition's schema. The
    /// future may be dropped at any await: when the deadline passes, the
    /// client leaves, the server shuts down.
    fn invoke<'a>(&'a self, args: Args, ctx: &'a CallContext) -> CallFuture<'a>;

    /// Whether work may go on when the future is dropped, as on a thread that
    /// cannot be stopped. The call's place among the tool's `max_concurrent` is
    /// then held until the last clone of its context is gone.
    fn may_outlive_its_call(&self) -> bool {
        false
    }
}

/// A [`Tool`] in this process.
pub struct NativeBinding(Arc<dyn Tool>);

impl NativeBinding {
    /// The binding of this tool.
    pub fn new(tool: Arc<dyn Tool>) -> Self {
        Self(tool)
    }
}

impl Binding for NativeBinding {
    fn invoke<'a>(&'a self, args: Args, ctx: &'a CallContext) -> CallFuture<'a> {
        // Of the tool itself: to call the `Arc` would box the future again.
        (*self.0).call(args, ctx)
    }
}

impl fmt::Debug for NativeBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NativeBinding")
            .field(&self.0.definition().id)
            .finish()
    }
}
