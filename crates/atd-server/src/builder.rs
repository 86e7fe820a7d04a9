//! Building a server.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use atd_audit::AuditSink;
use atd_gate::Gate;
use atd_proto::Tier;
use atd_registry::{Registry, TokenBroker};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::cursor::{CursorKey, Cursors};
use crate::dispatch::{Audit, Dispatcher, Watch};
use crate::metrics::Metrics;
use crate::middleware::Middleware;
use crate::output::OutputCheck;
use crate::server::{Server, TransportLimits};
use crate::tier::{MAX_OUTPUT, TierPolicy};

/// Builds a [`Server`]. Without a word from the builder the gate grants
/// nothing and no audit is kept.
#[must_use = "a builder does nothing until it is built"]
pub struct ServerBuilder {
    registry: Arc<Registry>,
    gate: Gate,
    audit: Option<Arc<dyn AuditSink>>,
    broker: Option<Arc<dyn TokenBroker>>,
    middleware: Vec<Arc<dyn Middleware>>,
    tiers: TierPolicy,
    working_dir: PathBuf,
    name: String,
    limits: TransportLimits,
    stop_grace: Duration,
    cursor_key: Option<CursorKey>,
    cursor_lifetime: Duration,
    output_check: OutputCheck,
}

/// Why a server was not built: every mistake at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.join("; "))]
#[non_exhaustive]
pub struct BuildError {
    /// What is wrong, each with what would be right.
    pub problems: Vec<String>,
}

impl ServerBuilder {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self {
            registry,
            gate: Gate::builder().build(),
            audit: None,
            broker: None,
            middleware: Vec::new(),
            tiers: TierPolicy::default(),
            working_dir: PathBuf::from("."),
            name: concat!("atd-server ", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: TransportLimits {
                max_connections: 1024,
                max_calls: 1024,
                frame_timeout: Duration::from_secs(30),
                write_timeout: Duration::from_secs(30),
                shutdown_grace: Duration::from_secs(4),
            },
            stop_grace: Duration::from_millis(100),
            cursor_key: None,
            cursor_lifetime: Duration::from_secs(300),
            output_check: OutputCheck::Off,
        }
    }

    /// Who may, and how often.
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// Where the record of each call goes.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = Some(sink);
        self
    }

    /// Where the secrets of verified callers come from.
    pub fn broker(mut self, broker: impl TokenBroker) -> Self {
        self.broker = Some(Arc::new(broker));
        self
    }

    /// One more middleware, after those given before.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// How long calls may take, and how much they may return.
    pub fn tiers(mut self, tiers: TierPolicy) -> Self {
        self.tiers = tiers;
        self
    }

    /// The directory that tools are told the server works in; by default the
    /// current one.
    pub fn working_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.working_dir = dir.into();
        self
    }

    /// The `name version` that clients are told.
    pub fn server_version(mut self, name_and_version: impl Into<String>) -> Self {
        self.name = name_and_version.into();
        self
    }

    /// Connections at a time; by default 1024. One more is told so and closed.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.limits.max_connections = connections;
        self
    }

    /// Calls with request ids that run at a time on one connection; by default
    /// 1024. Those beyond it wait unbegun, 64 KiB of them; beyond that the
    /// server reads no more of the connection until some have ended.
    pub fn max_calls_per_connection(mut self, calls: usize) -> Self {
        self.limits.max_calls = calls;
        self
    }

    /// How long a tool that watches its cancellation token has to tidy up when
    /// its call is cancelled, its client leaves or the server shuts down; by
    /// default 100 ms. Then it is dropped. One that watches nothing is dropped
    /// at once.
    pub fn stop_grace(mut self, grace: Duration) -> Self {
        self.stop_grace = grace;
        self
    }

    /// Whether results are held against their tool's output schema; by default
    /// they are not. Dry runs never are.
    pub fn output_check(mut self, check: OutputCheck) -> Self {
        self.output_check = check;
        self
    }

    /// What cursors are sealed with, where several servers take one another's;
    /// by default a key of this server's own, so that a cursor from before a
    /// restart is refused.
    pub fn cursor_key(mut self, key: CursorKey) -> Self {
        self.cursor_key = Some(key);
        self
    }

    /// How long a cursor is good for; by default 300 s.
    pub fn cursor_lifetime(mut self, lifetime: Duration) -> Self {
        self.cursor_lifetime = lifetime;
        self
    }

    /// How long a frame may take from its first byte to its last; by default
    /// 30 s. A connection may stay idle between frames as long as it likes.
    pub fn frame_timeout(mut self, timeout: Duration) -> Self {
        self.limits.frame_timeout = timeout;
        self
    }

    /// How long a client may leave an answer unread; by default 30 s.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.limits.write_timeout = timeout;
        self
    }

    /// How long calls under way may go on when the server shuts down; by
    /// default 4 s, so that those cut then are on record within 5.
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.limits.shutdown_grace = grace;
        self
    }

    /// The server.
    ///
    /// # Errors
    /// [`BuildError`] with every mistake.
    pub fn build(self) -> Result<Server, BuildError> {
        let mut problems = self.problems();
        let key = self.cursor_key.map_or_else(CursorKey::generate, Ok);
        let key = key.map_err(|error| problems.push(error.to_string()));
        let (true, Ok(key)) = (problems.is_empty(), key) else {
            return Err(BuildError { problems });
        };
        let dispatcher = Dispatcher {
            registry: self.registry,
            gate: self.gate,
            audit: self.audit.map(Audit::new),
            broker: self.broker,
            middleware: self.middleware.into(),
            tiers: self.tiers,
            working_dir: Arc::new(self.working_dir),
            server_version: self.name,
            metrics: Metrics::default(),
            watch: Watch::default(),
            handing_over: TaskTracker::new(),
            stop_grace: self.stop_grace,
            output_check: self.output_check,
            cursors: Cursors::new(key, self.cursor_lifetime),
        };
        Ok(Server {
            dispatcher: Arc::new(dispatcher),
            limits: self.limits,
        })
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut time = |what: &str, time: Duration, least: Duration| {
            if time < least || time > LONGEST {
                problems.push(format!(
                    "the {what} is {time:?}: it should be more than nothing and a year at most"
                ));
            }
        };
        let some = Duration::from_nanos(1);
        for tier in Tier::ALL {
            let timeout = self.tiers.get(tier).timeout;
            time(&format!("timeout of tier {}", tier.as_str()), timeout, some);
        }
        time("frame timeout", self.limits.frame_timeout, some);
        time("write timeout", self.limits.write_timeout, some);
        time("lifetime of cursors", self.cursor_lifetime, some);
        time("stop grace", self.stop_grace, Duration::ZERO);
        time("shutdown grace", self.limits.shutdown_grace, Duration::ZERO);
        for tier in Tier::ALL {
            let bytes = self.tiers.get(tier).output_bytes;
            if !(1..=MAX_OUTPUT).contains(&bytes) {
                problems.push(format!(
                    "the output limit of tier {} is {bytes} bytes: it should be from 1 to \
                     {MAX_OUTPUT}, which fits a frame",
                    tier.as_str()
                ));
            }
        }
        for (what, limit) in [
            ("connection limit", self.limits.max_connections),
            ("limit of calls on a connection", self.limits.max_calls),
        ] {
            if !(1..=Semaphore::MAX_PERMITS).contains(&limit) {
                problems.push(format!(
                    "the {what} is {limit}: it should be from 1 to {}",
                    Semaphore::MAX_PERMITS
                ));
            }
        }
        problems
    }
}

/// The longest time that may be set: beyond it clocks overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("registry", &self.registry)
            .field("gate", &self.gate)
            .field("tiers", &self.tiers)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
