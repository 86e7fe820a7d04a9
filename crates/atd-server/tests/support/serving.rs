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
