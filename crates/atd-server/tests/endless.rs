//! D3: an output over the budget, up to endless. A program of its own, since it
//! looks at the memory of the whole process.

use atd_proto::{Response, RunTool, Tier};
use atd_registry::{Registry, Reply, ToolCallError, tool_fn};
use atd_server::Server;
use serde::ser::SerializeSeq;
use serde_json::json;

/// A list that never ends.
struct Endless;

impl serde::Serialize for Endless {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(None)?;
        loop {
            all.serialize_element("on and on")?;
        }
    }
}

fn server() -> Server {
    let registry = Registry::new();
    let endless = tool_fn("test:out.endless", "", |(): (), _| async { Ok(Endless) });
    registry
        .register(endless.define(|d| d.tier(Tier::Cold)))
        .unwrap();
    let cut = tool_fn("test:out.cut", "", |(): (), _| async {
        Ok(Reply::json(&"x".repeat(100_000))?.may_be_cut())
    });
    registry
        .register(cut.define(|d| d.tier(Tier::Hot)))
        .unwrap();
    let long = tool_fn("test:out.long", "", |(): (), ctx| async move {
        // By itself it may be longer than the server allows.
        assert!(Reply::json_within(&"x".repeat(100_000), ctx.output_budget()).is_err());
        Reply::json(&"x".repeat(100_000))
    });
    registry
        .register(long.define(|d| d.tier(Tier::Hot)))
        .unwrap();
    let blocking = atd_registry::blocking_fn("test:out.blocking", "", |(): (), _| {
        Ok::<_, ToolCallError>(Endless)
    });
    registry
        .register_blocking(blocking.define(|d| d.tier(Tier::Cold)))
        .unwrap();
    Server::builder(registry).build().unwrap()
}

/// The most memory that this process has had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

async fn answer(server: &Server, tool_id: &str) -> Response {
    let session = server.dispatcher().connect(None).unwrap();
    let call = RunTool::new(tool_id, &json!(null)).unwrap();
    server.dispatcher().run_tool(&session, call).await
}

fn failure(answer: &Response) -> serde_json::Value {
    match answer {
        Response::ToolResult(failed) if !failed.success => failed.result.to_value().unwrap(),
        other => panic!("{other:?} is no failure"),
    }
}

/// D3: a typed error, and memory at most twice the cap.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_endless_output_is_a_typed_error_and_takes_no_more_than_twice_the_cap() {
    const CAP: usize = 8 << 20;
    let server = server();
    // What a call takes by itself is there already.
    answer(&server, "test:out.long").await;
    let before = peak();
    for tool_id in ["test:out.endless", "test:out.blocking", "test:out.endless"] {
        let failed = failure(&answer(&server, tool_id).await);
        assert_eq!(failed["code"], "OUTPUT_TOO_LARGE");
        assert!(failed["message"].as_str().unwrap().contains("8388608"));
    }
    let grown = peak() - before;
    assert!(grown <= 2 * CAP, "{grown} bytes");
}

#[tokio::test]
async fn a_long_output_is_cut_where_its_tool_allows_it_and_refused_elsewhere() {
    let server = server();
    let Response::ToolResult(cut) = answer(&server, "test:out.cut").await else {
        panic!("a result");
    };
    assert!(cut.success && cut.result.as_bytes().len() <= 64 * 1024);
    let text: String = cut.result.to_value().unwrap();
    assert!(
        text.ends_with("of 100000 bytes]"),
        "{}",
        &text[text.len() - 50..]
    );
    let failed = failure(&answer(&server, "test:out.long").await);
    assert_eq!(failed["code"], "OUTPUT_TOO_LARGE");
}
