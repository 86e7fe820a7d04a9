//! Our server.

use std::path::Path;

use anyhow::Result;
use ours::registry::CallFuture;
use ours::server::ServerBuilder;
use ours::{Args, Binding, CallContext, Gate, JsonText, Registry, Reply, Server};
use serde::Serialize;

use crate::echo::{CAPABILITY, Echo, others};

/// Both echoes and so many other tools.
pub(crate) fn our_server(tools: usize) -> Result<ServerBuilder> {
    let registry = Registry::new();
    for echo in [Echo::Any, Echo::Checked] {
        registry.register_binding(echo.definition(), Returns)?;
    }
    for definition in others(tools) {
        registry.register_binding(definition, Returns)?;
    }
    let gate = Gate::builder().allow([CAPABILITY]).build();
    Ok(Server::builder(registry).gate(gate))
}

/// Serves for ever.
pub(super) async fn serve(socket: &Path, tools: usize) -> Result<()> {
    // The default is a thousand, and more are measured.
    let server = our_server(tools)?.max_connections(100_000).build()?;
    let _serving = server.serve_unix(socket).await?;
    std::future::pending().await
}

/// Returns its arguments.
struct Returns;

#[derive(Serialize)]
struct Echoed<'a> {
    echoed: &'a JsonText,
}

impl Binding for Returns {
    fn invoke<'a>(&'a self, args: Args, _: &'a CallContext) -> CallFuture<'a> {
        Box::pin(async move {
            Reply::json(&Echoed {
                echoed: args.text(),
            })
        })
    }
}
