//! What can be typed after `atd top`.

use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::{JsonOption, seconds};
use crate::metrics::Address;

#[derive(Args, Debug)]
#[command(
    after_help = "Keys: c calls, p latency, r refused, f failed, t tool: what it is sorted by; q quits."
)]
pub(crate) struct TopOptions {
    /// Where the server shows its metrics: what `atd serve --metrics` was given
    #[arg(long, env = "ATD_METRICS", value_name = "ADDR", value_hint = ValueHint::FilePath)]
    pub(crate) metrics: Address,
    /// Print what there is since the server's start, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// What comes first
    #[arg(long, value_name = "WHAT", default_value = "calls")]
    pub(crate) sort: SortBy,
    /// How long to wait between two looks, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) interval: Duration,
    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortBy {
    /// The most calls
    Calls,
    /// The longest p99
    Latency,
    /// The most refusals
    Refused,
    /// The most failures
    Failed,
    /// By id
    Tool,
}
