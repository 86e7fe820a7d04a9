//! The published `atd-server`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use their_protocol::ToolDefinition;
use their_runtime::registry::CallFuture;
use their_runtime::{CallContext, Registry, Tool};
use their_server::{Server, ServerConfig};

use crate::echo::{CAPABILITY, Echo, others};

/// Both echoes and so many other tools.
pub(crate) fn their_registry(tools: usize) -> Result<Registry> {
    let mut registry = Registry::new();
    let echoes = [Echo::Any, Echo::Checked].map(Echo::definition);
    for definition in echoes.into_iter().chain(others(tools)) {
        // The same definition, by way of its JSON.
        let definition = serde_json::from_value(serde_json::to_value(definition)?)?;
        registry.register(Arc::new(Returns(definition)));
    }
    Ok(registry)
}

/// Serves for ever.
pub(super) async fn serve(socket: &Path, tools: usize) -> Result<()> {
    let config = ServerConfig {
        socket_path: socket.to_owned(),
        granted_capabilities: vec![CAPABILITY.to_owned()],
        ..ServerConfig::default()
    };
    let server = Server::new(their_registry(tools)?, config);
    server.run().await.map_err(|error| anyhow!("{error}"))
}

/// Returns its arguments.
struct Returns(ToolDefinition);

impl Tool for Returns {
    fn definition(&self) -> &ToolDefinition {
        &self.0
    }

    fn call<'a>(&'a self, args: Value, _: &'a CallContext) -> CallFuture<'a> {
        Box::pin(async move { Ok(json!({"echoed": args})) })
    }
}
