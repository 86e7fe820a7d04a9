//! The published `atd-runtime`.

use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::Value;
use their_protocol::Request;
use their_runtime::audit::BackpressureStrategy;
use their_runtime::{
    AuditSink, CapabilitySet, CursorIssuer, JsonLinesAuditSink, ReadTracker, ServerState,
    SharedServerConfig, TierPolicy, dispatch_request, run_tool,
};

use super::{Audit, Dispatch, Plan};
use crate::echo;
use crate::serve::their_registry;

pub(super) struct Theirs {
    state: Arc<ServerState>,
    tracker: Arc<ReadTracker>,
    capabilities: Arc<CapabilitySet>,
    tool: &'static str,
    args: Value,
    /// The call's JSON, where a round is from bytes to bytes.
    body: Option<Vec<u8>>,
}

impl Dispatch for Theirs {
    fn start(plan: Plan, file: &Path) -> Result<Self> {
        let strategy = match plan.audit {
            Audit::None => None,
            Audit::Dropping => Some(BackpressureStrategy::Drop),
            Audit::Lossless => Some(BackpressureStrategy::Block),
        };
        let sink = strategy.map(|strategy| sink(file, strategy)).transpose()?;
        let config = SharedServerConfig {
            granted_capabilities: vec![echo::CAPABILITY.to_owned()],
            audit_sink: sink,
            ..SharedServerConfig::for_test()
        };
        let state = ServerState {
            registry: their_registry(0)?,
            cursor_issuer: Arc::new(CursorIssuer::new(config.cursor_signing_key)),
            config,
            tier_policy: TierPolicy::default(),
            middleware: Vec::new(),
            metrics: Arc::default(),
        };
        let body = serde_json::to_vec(&echo::call(plan.echo))?;
        Ok(Self {
            state: Arc::new(state),
            tracker: Arc::default(),
            capabilities: Arc::new([echo::CAPABILITY.to_owned()].into_iter().collect()),
            tool: plan.echo.id(),
            args: echo::args(),
            body: plan.frames.then_some(body),
        })
    }

    async fn calls(&mut self, times: u64) -> Result<()> {
        match self.body.take() {
            None => self.in_values(times).await,
            Some(body) => self.in_bytes(&body, times).await,
        }
    }

    /// Dropping the state drops the sink, which joins its thread.
    fn finish(self) -> Result<()> {
        drop(self);
        Ok(())
    }
}

impl Theirs {
    async fn in_values(&self, times: u64) -> Result<()> {
        let mut last = None;
        for _ in 0..times {
            let response = run_tool(
                &self.state,
                &self.tracker,
                &self.capabilities,
                Some(echo::CALLER),
                self.tool.to_owned(),
                black_box(&self.args).clone(),
                false,
            );
            last = Some(black_box(response.await));
        }
        echo::check(&serde_json::to_value(last.context("no call was made")?)?)
    }

    async fn in_bytes(&mut self, body: &[u8], times: u64) -> Result<()> {
        let mut caller = Some(echo::CALLER.to_owned());
        let mut out = Vec::new();
        for _ in 0..times {
            let request: Request = serde_json::from_slice(black_box(body))?;
            let capabilities = &mut self.capabilities;
            let answer = dispatch_request(
                &self.state,
                &self.tracker,
                capabilities,
                &mut caller,
                request,
            );
            out.clear();
            serde_json::to_writer(&mut out, &answer.await)?;
            black_box(&out);
        }
        echo::check(&serde_json::from_slice(&out)?)
    }
}

fn sink(file: &Path, strategy: BackpressureStrategy) -> Result<Arc<dyn AuditSink>> {
    let file = File::options().append(true).create(true).open(file)?;
    let sink = JsonLinesAuditSink::with_strategy(Box::new(file), 1024, strategy);
    Ok(Arc::new(sink))
}
