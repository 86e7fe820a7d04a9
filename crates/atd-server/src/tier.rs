//! How long the calls of each tier may take, and how much they may return.

use std::time::Duration;

use atd_proto::{MAX_FRAME_BODY, Tier, ToolDefinition};

/// What a call of one tier may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierLimits {
    /// The longest that a call may take.
    pub timeout: Duration,
    /// The longest result, in bytes of JSON.
    pub output_bytes: usize,
}

/// The limits of each tier: by default 500 ms and 64 KiB for hot, 5 s and
/// 1 MiB for warm, 60 s and 8 MiB for cold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierPolicy {
    hot: TierLimits,
    warm: TierLimits,
    cold: TierLimits,
}

/// What stands around a result in its frame is shorter than this.
const FRAME_OVERHEAD: usize = 4 * 1024;

/// The longest result that any tier may allow, in bytes: what fits a frame.
pub(crate) const MAX_OUTPUT: usize = MAX_FRAME_BODY - FRAME_OVERHEAD;

impl TierLimits {
    /// The most that `output_bytes` may be: what fits a frame.
    pub const MAX_OUTPUT_BYTES: usize = MAX_OUTPUT;
}

impl Default for TierPolicy {
    fn default() -> Self {
        let limits = |millis, kib: usize| TierLimits {
            timeout: Duration::from_millis(millis),
            output_bytes: kib * 1024,
        };
        Self {
            hot: limits(500, 64),
            warm: limits(5_000, 1024),
            cold: limits(60_000, 8 * 1024),
        }
    }
}

impl TierPolicy {
    /// The limits of a tier.
    pub fn get(&self, tier: Tier) -> TierLimits {
        match tier {
            Tier::Hot => self.hot,
            Tier::Warm => self.warm,
            Tier::Cold => self.cold,
        }
    }

    /// Sets the limits of a tier.
    #[must_use]
    pub fn with(mut self, tier: Tier, limits: TierLimits) -> Self {
        match tier {
            Tier::Hot => self.hot = limits,
            Tier::Warm => self.warm = limits,
            Tier::Cold => self.cold = limits,
        }
        self
    }

    /// The limits of a tool's calls: its tier's, and no more time than it asks
    /// for itself.
    pub fn limits_of(&self, definition: &ToolDefinition) -> TierLimits {
        let tier = self.get(definition.effective_tier());
        let timeout = match definition.resources.timeout_ms {
            0 => tier.timeout,
            own => tier.timeout.min(Duration::from_millis(own)),
        };
        TierLimits { timeout, ..tier }
    }
}
