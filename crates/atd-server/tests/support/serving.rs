//! A server on a socket of its own.

use std::sync::Arc;

use atd_audit::MemoryAuditSink;
use atd_proto::Request;
use atd_server::{ServerBuilder, ServerHandle};
use tempfile::TempDir;

use super::peer::Peer;
use super::{builder, call};

pub(crate) struct Serving {
    pub(crate) handle: ServerHandle,
    pub(crate) audit: Arc<MemoryAuditSink>,
    _folder: TempDir,
}

impl Serving {
    pub(crate) async fn connect(&self) -> Peer {
        Peer::connect(self.handle.path()).await
    }
}

pub(crate) async fn serve() -> Serving {
    serve_with(|builder| builder).await
}

pub(crate) async fn serve_with(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Serving {
    let folder = tempfile::tempdir().unwrap();
    let (builder, audit) = builder();
    let server = change(builder).build().unwrap();
    let handle = server.serve_unix(folder.path().join("atd.sock")).await;
    Serving {
        handle: handle.unwrap(),
        audit,
        _folder: folder,
    }
}

pub(crate) fn run_tool(tool_id: &str, args: serde_json::Value) -> Request {
    Request::RunTool(call(tool_id, args))
}

/// Until the server has recorded this many calls.
pub(crate) async fn recorded(serving: &Serving, count: usize) {
    while serving.audit.events().len() < count {
        tokio::task::yield_now().await;
    }
}

/// Until this many calls are under way.
pub(crate) async fn in_flight(serving: &Serving, count: u64) {
    while serving.handle.server().metrics_snapshot().calls_in_flight != count {
        tokio::task::yield_now().await;
    }
}

/// A tool that ends when it is told to, and says which call it was.
pub(crate) struct Gated {
    open: Arc<tokio::sync::Semaphore>,
}

impl Gated {
    /// Registers it as `test:gate.waits`.
    pub(crate) fn register(serving: &Serving) -> Self {
        let open = Arc::new(tokio::sync::Semaphore::new(0));
        let waits = open.clone();
        let tool =
            atd_registry::tool_fn("test:gate.waits", "", move |args: serde_json::Value, _| {
                let waits = waits.clone();
                async move {
                    waits.acquire().await.unwrap().forget();
                    Ok(args)
                }
            })
            .define(|definition| definition.tier(atd_proto::Tier::Cold));
        let registry = serving.handle.server().registry();
        registry.register(tool).unwrap();
        Self { open }
    }

    /// Lets so many calls end.
    pub(crate) fn let_end(&self, calls: usize) {
        self.open.add_permits(calls);
    }
}
