//! Ours.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use ours::gate::{Clock, MonotonicClock, Requirement};
use ours::proto::{Hello, ToolDefinition};
use ours::{Gate, Identity};

use super::Admits;

/// How much faster the gate's clock runs than the machine's.
const HASTE: u32 = 10_000;

#[derive(Debug, Default)]
struct Hasty(MonotonicClock);

impl Clock for Hasty {
    fn now(&self) -> Duration {
        self.0.now() * HASTE
    }
}

/// A gate, one caller, and two tools.
pub(super) struct Ours {
    gate: Gate,
    caller: Identity,
    tools: [ToolDefinition; 2],
}

impl Ours {
    pub(super) fn new() -> Result<Self> {
        let held: Vec<_> = (0..20).map(|number| format!("scope{number}.use")).collect();
        let gate = Gate::builder()
            .allow(held.clone())
            .clock(Hasty::default())
            .build();
        let hello = Hello {
            client_id: Some("bench".to_owned()),
            requested_capabilities: held.iter().collect(),
            ..Hello::default()
        };
        let caller = gate.hello(&Identity::anonymous(), &hello)?;
        let tools = ["bench:gate.one", "bench:gate.two"].map(|id| {
            ToolDefinition::builder(id, "Does nothing.")
                .requires([&held[2], &held[9], &held[19]].map(String::as_str))
                .max_concurrent(64)
                .rate_limit_per_min(u32::MAX)
                .build()
        });
        Ok(Self {
            gate,
            caller,
            tools,
        })
    }
}

impl Admits for Ours {
    fn admit(&self, tool: usize, calls: u64) -> Result<()> {
        let tool = &self.tools[tool];
        for _ in 0..calls {
            let need = Requirement::of(black_box(tool));
            drop(black_box(self.gate.admit(&self.caller, &need)?));
        }
        Ok(())
    }
}
