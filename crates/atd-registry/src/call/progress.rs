//! How far a call has come, as its tool tells it.

use std::fmt;
use std::sync::Arc;

use atd_proto::Progress;

/// Tells the caller how far the call has come, if the caller asked to hear it.
///
/// Telling costs little and waits for nobody: of what comes faster than the
/// caller reads, the latest is kept.
///
/// ```
/// use atd_proto::Progress;
/// use atd_registry::tool_fn;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Copy { files: u64 }
///
/// let copy = tool_fn("demo:files.copy", "Copies files", |copy: Copy, ctx| async move {
///     for done in 1..=copy.files {
///         // …one file…
///         ctx.progress().report(Progress::new(done).of(copy.files));
///     }
///     Ok(copy.files)
/// });
/// ```
#[derive(Clone, Default)]
pub struct ProgressReporter(Option<Arc<Listener>>);

type Listener = dyn Fn(Progress) + Send + Sync;

impl ProgressReporter {
    /// A reporter whose listener is this. It is called on the tool's thread
    /// and should return at once.
    pub fn new(listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Whether anybody listens: a tool may spare itself the counting.
    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Tells how far the call has come. A number alone will do.
    pub fn report(&self, progress: impl Into<Progress>) {
        if let Some(listener) = &self.0 {
            listener(progress.into());
        }
    }
}

impl fmt::Debug for ProgressReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressReporter")
            .field("wanted", &self.is_wanted())
            .finish()
    }
}
