//! Tools that block their thread.

mod pool;
mod tool;

pub use pool::{BlockingPool, BlockingStats};
pub(crate) use tool::BlockingBinding;
pub use tool::{BlockingTool, blocking_fn};
