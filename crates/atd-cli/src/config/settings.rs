//! What a server is made of: the defaults, which a file and then flags change.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use atd_runtime::TierPolicy;
use atd_runtime::gate::{CallLimits, Grantee};
use atd_runtime::server::OutputCheck;
use tracing_subscriber::filter::LevelFilter;

use super::tools::ToolSettings;
use crate::cli::{BesideField, LogFormat, SyncWhen, TrustedRoot, WhenFull};
use crate::metrics::Address;

/// All that `atd serve` can be told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where it listens; `None` for the place where clients look.
    pub(crate) socket: Option<PathBuf>,
    pub(crate) root: PathBuf,
    pub(crate) log: LevelFilter,
    pub(crate) log_format: LogFormat,
    /// Where the metrics page is shown, if it is.
    pub(crate) metrics: Option<Address>,
    pub(crate) secrets: Option<PathBuf>,
    pub(crate) gate: GateSettings,
    pub(crate) tiers: TierPolicy,
    pub(crate) transport: TransportSettings,
    pub(crate) output: OutputSettings,
    pub(crate) audit: AuditSettings,
    pub(crate) tools: ToolSettings,
}

/// Who may, and how often.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GateSettings {
    pub(crate) grants: Vec<(Grantee, Vec<String>)>,
    pub(crate) users: Vec<u32>,
    pub(crate) roots: Vec<TrustedRoot>,
    /// Whether tokens are taken only from who proves to hold their key.
    pub(crate) demand_proof: bool,
    pub(crate) revoked: Option<PathBuf>,
    pub(crate) limits: CallLimits,
}

/// What connections keep to; the server's own defaults where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TransportSettings {
    pub(crate) max_connections: Option<NonZeroU32>,
    pub(crate) max_calls_per_connection: Option<NonZeroU32>,
    pub(crate) frame_timeout: Option<Duration>,
    pub(crate) write_timeout: Option<Duration>,
    pub(crate) stop_grace: Option<Duration>,
    pub(crate) shutdown_grace: Option<Duration>,
    pub(crate) cursor_lifetime: Option<Duration>,
}

/// What becomes of results before they go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputSettings {
    pub(crate) check: OutputCheck,
    pub(crate) truncate: Option<NonZeroU64>,
    /// Directories and what is shown instead of them.
    pub(crate) redact_paths: BTreeMap<String, String>,
    pub(crate) redact_patterns: Vec<String>,
    pub(crate) redact_instead: String,
}

/// Where records go, and what they are worth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuditSettings {
    /// `None` for the file beside the socket.
    pub(crate) to: Option<AuditTo>,
    pub(crate) when_full: WhenFull,
    pub(crate) sync: SyncWhen,
    pub(crate) strict: bool,
    pub(crate) chain: bool,
    pub(crate) key: Option<PathBuf>,
    pub(crate) sign_every: Option<NonZeroU64>,
    pub(crate) max_size: Option<NonZeroU64>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) keep: Option<NonZeroUsize>,
    pub(crate) keep_size: Option<NonZeroU64>,
    pub(crate) with: Vec<BesideField>,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuditTo {
    File(PathBuf),
    Stdout,
    Stderr,
    Nowhere,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            socket: None,
            root: ".".into(),
            log: LevelFilter::WARN,
            log_format: LogFormat::default(),
            metrics: None,
            secrets: None,
            gate: GateSettings::default(),
            tiers: TierPolicy::default(),
            transport: TransportSettings::default(),
            output: OutputSettings::default(),
            audit: AuditSettings::default(),
            tools: ToolSettings::default(),
        }
    }
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            grants: vec![(Grantee::Everybody, vec!["read".to_owned()])],
            users: Vec::new(),
            roots: Vec::new(),
            demand_proof: false,
            revoked: None,
            limits: CallLimits::default(),
        }
    }
}

impl GateSettings {
    /// What whoever asks for it may hold.
    pub(crate) fn granted_to_everybody(&self) -> impl Iterator<Item = &str> {
        let everybody = self.grants.iter();
        let everybody = everybody.filter(|(grantee, _)| *grantee == Grantee::Everybody);
        everybody.flat_map(|(_, granted)| granted.iter().map(String::as_str))
    }
}

impl Default for OutputSettings {
    fn default() -> Self {
        Self {
            check: OutputCheck::Off,
            truncate: None,
            redact_paths: BTreeMap::new(),
            redact_patterns: Vec::new(),
            redact_instead: "[redacted]".to_owned(),
        }
    }
}

impl AuditTo {
    /// What a word means that is not a file's path.
    pub(crate) fn word(text: &str) -> Option<Self> {
        match text {
            "stdout" => Some(Self::Stdout),
            "stderr" => Some(Self::Stderr),
            "none" => Some(Self::Nowhere),
            _ => None,
        }
    }
}

impl Settings {
    /// What of this takes effect at a start alone, and differs in `other`.
    pub(crate) fn fixed_that_differ(&self, other: &Self) -> Vec<&'static str> {
        let (gate, others) = (&self.gate, &other.gate);
        let (tools, other_tools) = (&self.tools.builtin_settings, &other.tools.builtin_settings);
        let differ = [
            ("socket", self.socket != other.socket),
            ("root", self.root != other.root),
            ("log", self.log != other.log),
            ("log_format", self.log_format != other.log_format),
            ("metrics", self.metrics != other.metrics),
            ("secrets", self.secrets != other.secrets),
            ("allow_uid", gate.users != others.users),
            ("revoked", gate.revoked != others.revoked),
            ("grants", gate.grants != others.grants),
            ("trust", gate.roots != others.roots),
            ("demand_proof", gate.demand_proof != others.demand_proof),
            ("tiers", self.tiers != other.tiers),
            ("limits of connections", self.transport != other.transport),
            ("output", self.output != other.output),
            ("audit", self.audit != other.audit),
            ("settings of built-in tools", tools != other_tools),
        ];
        let differ = differ.into_iter().filter(|(_, differs)| *differs);
        differ.map(|(name, _)| name).collect()
    }
}
