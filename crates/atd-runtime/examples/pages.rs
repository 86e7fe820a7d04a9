//! A tool whose result comes in pages, served and walked from end to end.
//!
//! ```sh
//! cargo run -p atd-runtime --example pages            # serves, walks, and ends
//! cargo run -p atd-runtime --example pages -- SOCKET  # serves there until it is ended
//! ```
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;

use atd_runtime::client::{CallAllOptions, MergePolicy};
use atd_runtime::prelude::*;
use serde_json::json;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Count {
    to: u32,
}

/// Counts, ten numbers a page. What the next page goes on from is the tool's
/// own business: no caller sees it.
fn registry() -> Result<Registry, Box<dyn Error>> {
    let registry = Registry::new();
    registry.register(tool_fn(
        "demo:math.count",
        "Counts from 1, ten numbers a page",
        |count: Count, ctx| async move {
            let from = ctx.page_state().and_then(|state| state.try_into().ok());
            let from = from.map_or(1, u32::from_be_bytes);
            let last = count.to.min(from.saturating_add(9));
            let numbers: Vec<u32> = (from..=last).collect();
            if last < count.to {
                Reply::page(&numbers, (last + 1).to_be_bytes().to_vec())
            } else {
                Reply::json(&numbers)
            }
        },
    ))?;
    Ok(registry)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder(registry()?).build()?;
    if let Some(socket) = std::env::args_os().nth(1) {
        let serving = server.serve_unix(&socket).await?;
        println!("listening on {}", serving.path().display());
        tokio::signal::ctrl_c().await?;
        serving.shutdown().await;
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let serving = server.serve_unix(folder.path().join("atd.sock")).await?;
    let client = Client::connect(serving.path()).await?;
    let all = CallAllOptions::new(MergePolicy::ConcatArray);
    let numbers = client
        .call_all("demo:math.count", &json!({"to": 25}), all)
        .await?;
    println!("{numbers}");
    serving.shutdown().await;
    Ok(())
}
