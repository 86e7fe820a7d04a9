//! One hot path at a time, for its instructions to be counted: what
//! `cargo xtask bench --guard` runs under callgrind.
//!
//! - `decode/small`, `decode/64KiB`: from the bytes of a call's frame to the
//!   request, whose arguments are checked to be JSON.
//! - `admit`: three capabilities of twenty, a limit on the calls at a time and
//!   one on the calls a minute; the permit is given back.
//! - `dispatch/echo`: the seven steps of a call of a tool that takes any object.
//! - `dispatch/checked`: the same, where the arguments have a schema and the
//!   tool reads them into a struct.
//! - `encode/small`, `encode/64KiB`: from an answer to the bytes of its frame.
//! - `exchange`: from the bytes of a call's frame to those of its answer's.
//! - `sink/on_call`: what a call waits for when it is reported to a file. The
//!   thread that writes is not counted.
//!
//! Without a path it names them all. With one it does that many times, first
//! to be warm and then inside of [`counted`], and says how many times that was.
//!
//! Left out: what the kernel does, and waiting; neither is instructions of ours.

#![expect(clippy::print_stdout, reason = "what it says is read by the guard")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use atd_runtime::audit::{AuditSink, CallEvent, Outcome, SCHEMA_VERSION, now_rfc3339};
use atd_runtime::gate::{Clock, Requirement};
use atd_runtime::proto::{FrameDecoder, Hello, JsonText, Request, Response, RunTool};
use atd_runtime::proto::{ToolDefinition, encode_frame};
use atd_runtime::server::Session;
use atd_runtime::{Dispatcher, Gate, Identity, Server, tool_fn};
use benches::{AuditFile, args_of, echo_call, echo_registry, echoed, frame, small_args};
use bytes::BytesMut;

/// How often the path is gone; as many events fit the sink's queue.
const TIMES: u64 = 2_000;

/// How often before, so that what is made once is made.
const WARM: u64 = 500;

const LARGE: usize = 64 * 1024;

type Path = (&'static str, fn());

const PATHS: &[Path] = &[
    ("decode/small", || decode(&small_args())),
    ("decode/64KiB", || decode(&args_of(LARGE))),
    ("admit", admit),
    ("dispatch/echo", || dispatch(&echo_call(&small_args()))),
    ("dispatch/checked", || dispatch(&checked_call())),
    ("encode/small", || encode(&small_args())),
    ("encode/64KiB", || encode(&args_of(LARGE))),
    ("exchange", exchange),
    ("sink/on_call", on_call),
];

fn main() {
    let Some(asked) = std::env::args().nth(1) else {
        PATHS.iter().for_each(|(name, _)| println!("{name}"));
        return;
    };
    let path = PATHS.iter().find(|(name, _)| *name == asked);
    let (_, go) = path.expect("it is one of the paths that this names when it is given none");
    go();
    println!("{TIMES}");
}

/// Does the work. Callgrind counts on this thread while this function runs:
/// it is known by its name, so it must stay a function.
#[inline(never)]
fn counted(work: &mut dyn FnMut(u64)) {
    work(TIMES);
}

/// Goes the path until it is warm, and then to be counted.
fn measure(mut work: impl FnMut(u64)) {
    work(WARM);
    counted(&mut work);
}

fn decode(args: &JsonText) {
    let request = Request::RunTool(echo_call(args));
    let wire = frame(|body| request.encode(body));
    let decoder = FrameDecoder::default();
    let mut arrived = BytesMut::new();
    let mut once = || {
        arrived.extend_from_slice(black_box(&wire));
        let frame = decoder.decode(&mut arrived).expect("it is not too long");
        Request::decode(frame.expect("it is whole")).expect("it is a request")
    };
    assert_eq!(once(), request);
    measure(|times| {
        for _ in 0..times {
            black_box(once());
        }
    });
}

/// Each look at it is a millisecond later, so that a path which looks at it
/// goes the same way each time.
#[derive(Debug, Default)]
struct Steps(AtomicU64);

impl Clock for Steps {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

fn admit() {
    let held: Vec<_> = (0..20).map(|number| format!("scope{number}.use")).collect();
    let gate = Gate::builder()
        .allow(held.clone())
        .clock(Steps::default())
        .build();
    let caller = gate.hello(&Identity::anonymous(), &hello(&held));
    let caller = caller.expect("a hello like any other");
    let tool = ToolDefinition::builder("bench:gate.all", "Does nothing.")
        .requires([&held[2], &held[9], &held[19]].map(String::as_str))
        .max_concurrent(64)
        .rate_limit_per_min(u32::MAX)
        .build();
    measure(|times| {
        for _ in 0..times {
            let admitted = gate.admit(black_box(&caller), &Requirement::of(black_box(&tool)));
            assert!(black_box(admitted).is_ok(), "the call is refused");
        }
    });
}

fn hello(capabilities: &[String]) -> Hello {
    Hello {
        client_id: Some("bench".to_owned()),
        requested_capabilities: capabilities.iter().collect(),
        ..Hello::default()
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Read {
    path: String,
    offset: u64,
    limit: u32,
}

const CHECKED: &str = "bench:files.read";

fn checked_call() -> RunTool {
    RunTool {
        tool_id: CHECKED.to_owned(),
        ..echo_call(&small_args())
    }
}

/// A server of both tools, and one caller.
struct Caller {
    runtime: tokio::runtime::Runtime,
    dispatcher: Arc<Dispatcher>,
    session: Session,
}

impl Caller {
    fn new() -> Self {
        let registry = echo_registry();
        let read = tool_fn(
            CHECKED,
            "Says what it would read",
            |read: Read, _ctx| async move {
                Ok(read.path.len() as u64 + read.offset + u64::from(read.limit))
            },
        );
        let read = read.define(|definition| definition.requires(["read"]));
        registry.register(read).expect("its id is its own");
        let capabilities = ["net", "read", "write"].map(str::to_owned);
        let gate = Gate::builder().allow(&capabilities).build();
        let server = Server::builder(registry).gate(gate).build();
        let server = server.expect("nothing is configured wrongly");
        let dispatcher = server.dispatcher().clone();
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build();
        let mut caller = Self {
            runtime: runtime.expect("a runtime of one thread"),
            session: dispatcher.connect(None).expect("nobody is kept out"),
            dispatcher,
        };
        let answer = caller.answer(Request::Hello(hello(&capabilities)));
        assert!(matches!(answer, Response::HelloAck(_)), "{answer:?}");
        caller
    }

    fn answer(&mut self, request: Request) -> Response {
        let answer = self.dispatcher.handle(&mut self.session, request);
        let body = self.runtime.block_on(answer).to_json();
        Response::decode(body).expect("an answer is a response")
    }
}

fn dispatch(call: &RunTool) {
    let mut caller = Caller::new();
    match caller.answer(Request::RunTool(call.clone())) {
        Response::ToolResult(result) => assert!(result.success, "{}", result.result),
        other => panic!("no result: {other:?}"),
    }
    let Caller {
        runtime,
        dispatcher,
        session,
    } = caller;
    measure(|times| {
        runtime.block_on(async {
            for _ in 0..times {
                let call = black_box(call).clone();
                black_box(dispatcher.run_tool(&session, call).await);
            }
        });
    });
}

fn encode(args: &JsonText) {
    let response = echoed(args);
    let mut out = Vec::new();
    measure(|times| {
        for _ in 0..times {
            out.clear();
            let encoded = encode_frame(&mut out, |body| black_box(&response).encode(body));
            encoded.expect("it fits a frame");
            black_box(&out);
        }
    });
    assert_eq!(out, frame(|body| response.encode(body)));
}

fn exchange() {
    let Caller {
        runtime,
        dispatcher,
        mut session,
    } = Caller::new();
    let wire = frame(|body| Request::RunTool(echo_call(&small_args())).encode(body));
    let decoder = FrameDecoder::default();
    let (mut arrived, mut out) = (BytesMut::new(), Vec::new());
    measure(|times| {
        runtime.block_on(async {
            for _ in 0..times {
                arrived.extend_from_slice(black_box(&wire));
                let frame = decoder.decode(&mut arrived).expect("it is not too long");
                let request = Request::decode(frame.expect("it is whole"));
                let request = request.expect("it is a request");
                let answer = dispatcher.handle(&mut session, request).await;
                out.clear();
                answer.encode_frame(&mut out);
                black_box(&out);
            }
        });
    });
    assert_eq!(out, frame(|body| echoed(&small_args()).encode(body)));
}

fn on_call() {
    let folder = tempfile::tempdir().expect("a directory for the file");
    let file = AuditFile::create(&folder.path().join("log"), WARM + TIMES);
    let event = event();
    measure(|times| {
        for _ in 0..times {
            file.sink().on_call(black_box(&event));
        }
    });
    file.assert_lossless();
}

fn event() -> CallEvent {
    CallEvent {
        ts: now_rfc3339(),
        call_id: "01JZ8Q3V9N4T7W2X5Y6Z8A1B3C".to_owned(),
        tool_id: "ref:fs.read".to_owned(),
        caller_id: Some("agent-7".to_owned()),
        granted_capabilities: vec!["net".to_owned(), "read".to_owned(), "write".to_owned()],
        duration_ms: 12,
        outcome: Outcome::Success,
        tier: "warm".to_owned(),
        dry_run: false,
        schema_version: SCHEMA_VERSION,
        secrets_resolved: false,
        cursor_page: None,
    }
}
