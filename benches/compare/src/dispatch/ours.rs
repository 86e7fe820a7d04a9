//! Ours.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ours::audit::{AuditSink, Backpressure, JsonLinesAuditSink};
use ours::proto::{Request, Response, RunTool};
use ours::server::Session;
use ours::{Dispatcher, JsonText};

use super::{Audit, Dispatch, Plan};
use crate::echo;
use crate::serve::our_server;

/// Far longer than any file takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Ours {
    dispatcher: Arc<Dispatcher>,
    session: Session,
    sink: Option<Arc<JsonLinesAuditSink>>,
    call: RunTool,
    /// The call's JSON, where a round is from bytes to bytes.
    body: Option<Vec<u8>>,
}

impl Dispatch for Ours {
    fn start(plan: Plan, file: &Path) -> Result<Self> {
        let builder = JsonLinesAuditSink::builder();
        let builder = match plan.audit {
            Audit::None => None,
            Audit::Dropping => Some(builder.backpressure(Backpressure::Drop)),
            Audit::Lossless => Some(builder.backpressure(Backpressure::Block { at_most: None })),
        };
        let sink = builder.map(|builder| builder.capacity(1024).file(file));
        let sink = sink.transpose()?.map(Arc::new);
        let mut server = our_server(0)?;
        if let Some(sink) = &sink {
            server = server.audit(Arc::clone(sink) as Arc<dyn AuditSink>);
        }
        let dispatcher = Arc::clone(server.build()?.dispatcher());
        let mut session = dispatcher.connect(None)?;
        let hello = serde_json::to_vec(&echo::hello())?;
        let hello = dispatcher.handle(&mut session, Request::decode(hello.into())?);
        let answer = tokio::runtime::Handle::current().block_on(hello).to_json();
        match Response::decode(answer)? {
            Response::HelloAck(_) => {}
            other => bail!("hello was answered with {other:?}"),
        }
        let body = serde_json::to_vec(&echo::call(plan.echo))?;
        Ok(Self {
            dispatcher,
            session,
            sink,
            call: RunTool {
                tool_id: plan.echo.id().to_owned(),
                args: JsonText::from_value(&echo::args())?,
                dry_run: false,
                traceparent: None,
            },
            body: plan.frames.then_some(body),
        })
    }

    async fn calls(&mut self, times: u64) -> Result<()> {
        match self.body.take() {
            None => self.in_values(times).await,
            Some(body) => self.in_bytes(&body, times).await,
        }
    }

    fn finish(self) -> Result<()> {
        if let Some(sink) = self.sink {
            sink.shutdown(PATIENCE)?;
        }
        Ok(())
    }
}

impl Ours {
    async fn in_values(&self, times: u64) -> Result<()> {
        let mut last = None;
        for _ in 0..times {
            let call = black_box(&self.call).clone();
            last = Some(black_box(
                self.dispatcher.run_tool(&self.session, call).await,
            ));
        }
        let mut body = Vec::new();
        last.context("no call was made")?.encode(&mut body);
        echo::check(&serde_json::from_slice(&body)?)
    }

    async fn in_bytes(&mut self, body: &[u8], times: u64) -> Result<()> {
        let mut out = Vec::new();
        for _ in 0..times {
            let request = Request::decode(black_box(body).to_vec().into())?;
            let answer = self.dispatcher.handle(&mut self.session, request).await;
            out.clear();
            answer.encode_frame(&mut out);
            black_box(&out);
        }
        echo::check(&serde_json::from_slice(&out[4..])?)
    }
}
