//! What a running call knows of itself.

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use atd_proto::{CapabilitySet, Tier};
use bytes::Bytes;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::id::CallId;
use super::progress::ProgressReporter;
use super::state::ConnectionState;
use crate::secrets::SecretBundle;

/// What a running call knows of itself: who asks, how long it may take, when
/// to stop. Cheap to clone, so a tool may hand it to what it starts.
#[derive(Clone, Debug)]
pub struct CallContext(Arc<Call>);

#[derive(Debug)]
struct Call {
    setup: CallSetup,
    /// Made for the first who asks: most tools never do.
    token: OnceLock<CancellationToken>,
    ended: AtomicBool,
}

/// What a [`CallContext`] is made of. The dispatcher fills it in.
#[derive(Clone, Debug)]
pub struct CallSetup {
    /// The call's id.
    pub call_id: CallId,
    /// What it has in common with the calls beside it.
    pub surroundings: Arc<Surroundings>,
    /// The tool's tier.
    pub tier: Tier,
    /// When the call is ended.
    pub deadline: Instant,
    /// The longest result, in bytes of JSON.
    pub output_budget: usize,
    /// The caller's secrets for this tool.
    pub secrets: Option<SecretBundle>,
    /// Whether to check everything and change nothing.
    pub dry_run: bool,
    /// Where the call's progress goes.
    pub progress: ProgressReporter,
    /// What the tool gave with the page before, where this is not the first.
    pub page_state: Option<Bytes>,
    /// What is held until the last clone of the context is gone.
    pub held: Option<Held>,
}

/// What the calls of a connection have in common, from one hello to the next.
/// They share it, so that none copies it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The name that the client gave itself.
    pub caller_id: Option<Arc<str>>,
    /// What the caller holds.
    pub capabilities: Arc<CapabilitySet>,
    /// The directory that the server works in.
    pub working_dir: Arc<PathBuf>,
    /// What tools keep for the connection.
    pub state: ConnectionState,
}

/// Something that is held for as long as a call's work goes on, such as its
/// place among the calls of its tool.
#[derive(Clone)]
pub struct Held(
    #[expect(dead_code, reason = "it is there to be dropped")] Arc<dyn Any + Send + Sync>,
);

impl Held {
    /// Holds this.
    pub fn new(what: impl Any + Send + Sync) -> Self {
        Self(Arc::new(what))
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

impl CallContext {
    /// The context of one call.
    pub fn new(setup: CallSetup) -> Self {
        Self(Arc::new(Call {
            setup,
            token: OnceLock::new(),
            ended: AtomicBool::new(false),
        }))
    }

    /// The call's id, the same as in its audit record.
    pub fn call_id(&self) -> CallId {
        self.0.setup.call_id
    }

    /// The name that the client gave itself. It proves nothing.
    pub fn caller_id(&self) -> Option<&str> {
        self.0.setup.surroundings.caller_id.as_deref()
    }

    /// What the caller holds.
    pub fn capabilities(&self) -> &CapabilitySet {
        &self.0.setup.surroundings.capabilities
    }

    /// The tool's tier.
    pub fn tier(&self) -> Tier {
        self.0.setup.tier
    }

    /// When the call is ended, whether or not the tool is done.
    pub fn deadline(&self) -> Instant {
        self.0.setup.deadline
    }

    /// How long the call may still take; zero when its time is up.
    #[expect(
        clippy::disallowed_methods,
        reason = "tokio's clock, which a test can pause and advance"
    )]
    pub fn time_left(&self) -> Duration {
        self.0
            .setup
            .deadline
            .saturating_duration_since(Instant::now())
    }

    /// The longest result, in bytes of JSON. A longer one is an error.
    pub fn output_budget(&self) -> usize {
        self.0.setup.output_budget
    }

    /// The directory that the server works in.
    pub fn working_dir(&self) -> &Path {
        &self.0.setup.surroundings.working_dir
    }

    /// The caller's secrets for this tool, if the server has a broker and the
    /// broker had some.
    pub fn secrets(&self) -> Option<&SecretBundle> {
        self.0.setup.secrets.as_ref()
    }

    /// Fires when the call is to stop. The tool's future is dropped soon
    /// after; what it has started elsewhere should watch this.
    pub fn cancelled(&self) -> &CancellationToken {
        let token = self.0.token.get_or_init(CancellationToken::new);
        if self.0.ended.load(Ordering::SeqCst) {
            token.cancel();
        }
        token
    }

    /// Whether anybody has asked for the token, and so may still act on it.
    pub fn is_watched(&self) -> bool {
        self.0.token.get().is_some()
    }

    /// Tells whatever the tool has started that the call has ended. The
    /// dispatcher does so at every end, success included.
    pub fn end(&self) {
        self.0.ended.store(true, Ordering::SeqCst);
        if let Some(token) = self.0.token.get() {
            token.cancel();
        }
    }

    /// Tells the caller how far the call has come.
    pub fn progress(&self) -> &ProgressReporter {
        &self.0.setup.progress
    }

    /// What tools keep for the call's connection.
    pub fn state(&self) -> &ConnectionState {
        &self.0.setup.surroundings.state
    }

    /// `None` on the first page of a result, and then what the tool gave with
    /// the page before, to [`Reply::page`](crate::Reply::page). Nobody outside
    /// has seen or changed it.
    pub fn page_state(&self) -> Option<&[u8]> {
        self.0.setup.page_state.as_deref()
    }

    /// Whether to check everything and change nothing. Only a tool whose
    /// definition says `safety.dry_run` ever sees `true`.
    pub fn dry_run(&self) -> bool {
        self.0.setup.dry_run
    }
}

#[cfg(feature = "test-util")]
impl CallSetup {
    /// A call by nobody in particular, warm, with a minute to go and 1 MiB to
    /// fill, in the current directory.
    #[expect(
        clippy::disallowed_methods,
        reason = "tokio's clock, which a test can pause and advance"
    )]
    pub fn for_test() -> Self {
        Self {
            call_id: CallId::generate(),
            surroundings: Arc::new(Surroundings {
                working_dir: Arc::new(PathBuf::from(".")),
                ..Surroundings::default()
            }),
            tier: Tier::Warm,
            deadline: Instant::now() + Duration::from_secs(60),
            output_budget: 1 << 20,
            secrets: None,
            dry_run: false,
            progress: ProgressReporter::default(),
            page_state: None,
            held: None,
        }
    }
}

#[cfg(feature = "test-util")]
impl CallContext {
    /// A context for testing a tool without a server: [`CallSetup::for_test`].
    pub fn for_test() -> Self {
        Self::new(CallSetup::for_test())
    }
}
