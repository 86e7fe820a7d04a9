//! A whole dispatch in this process: all that a call goes through but the
//! socket.
//!
//! - `dispatch/run_tool`: the seven steps of a call. `echo` is `ref:echo.say`,
//!   which takes any object and returns it as it came; `typed` is a tool from
//!   a closure, which asks for a capability, has its arguments checked against
//!   a schema, reads them into a struct and returns another.
//! - `dispatch/run_tool_audited`: the same with every call recorded in a file.
//!   The time until the last line is in the file is counted, and no event is
//!   lost.
//! - `dispatch/frames`: from a frame that has arrived to a frame that could be
//!   sent, for `echo`, and for the `tool_list` of a server of 1,000 tools.
//!
//! The caller has said hello and holds three capabilities. One task makes one
//! call after another on a runtime of one thread; a copy of the call, which
//! dispatch takes for its own, is made each time and counted.
//!
//! Left out: a broker, middleware, and tools that wait, fail or are refused.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use atd_runtime::audit::AuditSink;
use atd_runtime::proto::{FrameDecoder, Hello, JsonText, Request, Response, RunTool, ToolFilter};
use atd_runtime::server::Session;
use atd_runtime::{Dispatcher, Gate, Registry, Server, tool_fn};
use benches::{
    AuditFile, echo_call, echo_registry, echoed, frame, registry_of, small_args, time,
    time_in_batches,
};
use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use tokio::runtime::Runtime;

/// How many calls are recorded before the file is emptied: so many that the
/// wait for the last line does not count.
const BATCH: u64 = 16 * 1024;

/// How many tools the server has whose `tool_list` is asked for.
const TOOLS: usize = 1_000;

const CAPABILITIES: [&str; 3] = ["net", "read", "write"];

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Search {
    pattern: String,
    path: Option<String>,
    limit: Option<u32>,
    #[serde(default)]
    extensions: Vec<String>,
}

#[derive(serde::Serialize)]
struct Found {
    summary: String,
    looked_at: usize,
}

/// A server, and one caller of it.
struct Caller {
    runtime: Runtime,
    dispatcher: Arc<Dispatcher>,
    session: Session,
}

fn run_tool(c: &mut Criterion) {
    let mut group = c.benchmark_group("dispatch/run_tool");
    group.throughput(Throughput::Elements(1));
    for (name, call) in calls() {
        let caller = Caller::new(registry(), None);
        caller.check(&call);
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_custom(|calls| time(|| caller.call(&call, calls)));
        });
        caller.check(&call);
    }
}

fn run_tool_audited(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a directory for the file");
    let mut group = c.benchmark_group("dispatch/run_tool_audited");
    group.throughput(Throughput::Elements(1));
    for (name, call) in calls() {
        let file = AuditFile::create(&folder.path().join(name), BATCH);
        let caller = Caller::new(registry(), Some(file.sink().clone()));
        caller.check(&call);
        file.settle();
        assert_records_one_success(&folder.path().join(name));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_custom(|calls| {
                let call_and_settle = |calls| {
                    caller.call(&call, calls);
                    file.settle();
                };
                let time = time_in_batches(calls, BATCH, || file.clear(), call_and_settle);
                file.assert_lossless();
                time
            });
        });
    }
}

fn frames(c: &mut Criterion) {
    let mut group = c.benchmark_group("dispatch/frames");
    group.throughput(Throughput::Elements(1));
    let echo = Request::RunTool(echo_call(&small_args()));
    let mut caller = Caller::new(registry(), None);
    assert_eq!(caller.answer(&echo), echoed(&small_args()));
    group.bench_function(BenchmarkId::from_parameter("echo"), |b| {
        let wire = frame(|body| echo.encode(body));
        b.iter_custom(|calls| time(|| caller.exchange(&wire, calls)));
    });

    let mut caller = None;
    group.throughput(Throughput::Elements(TOOLS as u64));
    group.bench_function(BenchmarkId::new("tool_list", TOOLS), |b| {
        // So many tools take a while: made once, and only if it is asked for.
        let caller = caller.get_or_insert_with(|| caller_of_many(TOOLS));
        let wire = frame(|body| Request::ToolList(ToolFilter::default()).encode(body));
        b.iter_custom(|calls| time(|| caller.exchange(&wire, calls)));
    });
}

fn caller_of_many(tools: usize) -> Caller {
    let mut caller = Caller::new(registry_of(tools), None);
    match caller.answer(&Request::ToolList(ToolFilter::default())) {
        Response::ToolList { tools: listed } => assert_eq!(listed.len(), tools),
        other => panic!("no catalog: {other:?}"),
    }
    caller
}

impl Caller {
    fn new(registry: Registry, audit: Option<Arc<dyn AuditSink>>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime of one thread");
        let server = Server::builder(registry).gate(Gate::builder().allow(CAPABILITIES).build());
        let server = match audit {
            Some(sink) => server.audit(sink),
            None => server,
        };
        let server = server.build().expect("nothing is configured wrongly");
        let dispatcher = server.dispatcher().clone();
        let session = dispatcher.connect(None).expect("nobody is kept out");
        let mut caller = Self {
            runtime,
            dispatcher,
            session,
        };
        let answer = caller.answer(&Request::Hello(Hello {
            client_id: Some("bench".to_owned()),
            requested_capabilities: CAPABILITIES.into_iter().collect(),
            ..Hello::default()
        }));
        assert!(matches!(answer, Response::HelloAck(_)), "{answer:?}");
        caller
    }

    /// Makes this call so many times.
    fn call(&self, call: &RunTool, times: u64) {
        self.runtime.block_on(async {
            for _ in 0..times {
                let call = black_box(call).clone();
                black_box(self.dispatcher.run_tool(&self.session, call).await);
            }
        });
    }

    /// Has this frame answered so many times, in buffers that a connection
    /// would keep too.
    fn exchange(&mut self, wire: &[u8], times: u64) {
        let decoder = FrameDecoder::default();
        let (mut arrived, mut out) = (BytesMut::new(), Vec::new());
        self.runtime.block_on(async {
            for _ in 0..times {
                arrived.extend_from_slice(black_box(wire));
                let frame = decoder.decode(&mut arrived).expect("it is not too long");
                let request = Request::decode(frame.expect("it is whole"));
                let request = request.expect("it is a request");
                let answer = self.dispatcher.handle(&mut self.session, request).await;
                out.clear();
                answer.encode_frame(&mut out);
                black_box(&out);
            }
        });
    }

    fn answer(&mut self, request: &Request) -> Response {
        let answer = self.dispatcher.handle(&mut self.session, request.clone());
        let body = self.runtime.block_on(answer).to_json();
        Response::decode(body).expect("an answer is a response")
    }

    /// The call succeeds.
    fn check(&self, call: &RunTool) {
        let answer = self.dispatcher.run_tool(&self.session, call.clone());
        match self.runtime.block_on(answer) {
            Response::ToolResult(result) => assert!(result.success, "{}", result.result),
            other => panic!("no result: {other:?}"),
        }
    }
}

fn calls() -> [(&'static str, RunTool); 2] {
    let typed = serde_json::json!({
        "pattern": "fn \\w+",
        "path": "crates",
        "limit": 40,
        "extensions": ["rs", "toml"],
    });
    [
        ("echo", echo_call(&small_args())),
        (
            "typed",
            RunTool {
                tool_id: "bench:files.search".to_owned(),
                args: JsonText::from_value(&typed).expect("a tree has a JSON form"),
                dry_run: false,
                traceparent: None,
            },
        ),
    ]
}

/// Both tools that are called here.
fn registry() -> Registry {
    let registry = echo_registry();
    let search = tool_fn(
        "bench:files.search",
        "Says what it would look for",
        |search: Search, _ctx| async move {
            let path = search.path.as_deref().unwrap_or(".");
            Ok(Found {
                summary: format!("`{}` below {path}", search.pattern),
                looked_at: search.extensions.len() + search.limit.unwrap_or(0) as usize,
            })
        },
    )
    .define(|definition| definition.requires(["read"]));
    registry.register(search).expect("its id is its own");
    registry
}

/// The call that was made is on record, and as a success.
fn assert_records_one_success(file: &Path) {
    let lines = std::fs::read_to_string(file).expect("the sink has made it");
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains(r#""kind":"success""#), "{lines}");
}

criterion_group!(benches, run_tool, run_tool_audited, frames);
