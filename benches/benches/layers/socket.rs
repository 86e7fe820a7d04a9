//! The whole: calls of `ref:echo.say` over a Unix socket, and pings.
//!
//! - `socket/one`: one connection, one request at a time; `raw_with_id` has an
//!   id in each, so that the call may run beside others.
//! - `socket/pipelined`: one connection, 64 requests in flight. For `client`,
//!   64 tasks share it, and each makes one call after another; for `raw`, 64
//!   frames are written at once and their answers read before the next 64;
//!   `raw_with_ids` has an id in each of them, which `client` has too. The echo
//!   is done at once, so the answers come in the order of the calls.
//! - `socket/connections`: 8 connections, each with one request at a time.
//! - `socket/connect`: connect, say hello, call once, close.
//!
//! `client` is [`Client`], with its tasks on a runtime of their own. `raw` is a
//! thread with blocking reads and writes of frames that were made before: the
//! least that a client can cost, so that what is left is the server and the
//! system. The server runs on a runtime of its own with one worker a core, and
//! all are in one process: on few cores they take time from each other.
//!
//! One iteration is one round: a request of each task or connection, so its
//! throughput is in requests. Every answer is compared with what it should be.
//!
//! Left out: audit, capabilities and limits (see `dispatch`), large arguments
//! (see `frame`), and more connections than 8.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use atd_runtime::proto::{Hello, JsonText, Request, Response, TaggedRequest, TaggedResponse};
use atd_runtime::{Client, Server, ServerHandle};
use benches::{ECHO, echo_call, echo_registry, echoed, frame, small_args, time};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const PIPELINED: usize = 64;
const CONNECTIONS: usize = 8;

fn one(c: &mut Criterion) {
    let served = Served::start();
    let mut group = c.benchmark_group("socket/one");
    group.throughput(Throughput::Elements(1));

    let mut raw = Raw::connect(served.path());
    for (name, exchange) in [("ping", Exchange::ping()), ("echo", Exchange::echo())] {
        group.bench_function(BenchmarkId::new(name, "raw"), |b| {
            b.iter(|| raw.make(&exchange));
        });
    }
    let exchange = Exchange::echo_with_ids(1);
    group.bench_function(BenchmarkId::new("echo", "raw_with_id"), |b| {
        b.iter(|| raw.make(&exchange));
    });
    let client = served.connect();
    group.bench_function(BenchmarkId::new("ping", "client"), |b| {
        b.iter_custom(|rounds| time(|| served.at_once([ping(client.clone(), rounds)])));
    });
    group.bench_function(BenchmarkId::new("echo", "client"), |b| {
        b.iter_custom(|rounds| time(|| served.at_once([echo(client.clone(), rounds)])));
    });
    group.finish();
    served.end();
}

fn pipelined(c: &mut Criterion) {
    let served = Served::start();
    let mut group = c.benchmark_group("socket/pipelined");
    group.throughput(Throughput::Elements(PIPELINED as u64));

    let mut raw = Raw::connect(served.path());
    let exchange = Exchange::echo().times(PIPELINED);
    group.bench_function(BenchmarkId::new("raw", PIPELINED), |b| {
        b.iter(|| raw.make(&exchange));
    });
    let exchange = Exchange::echo_with_ids(PIPELINED as u64);
    group.bench_function(BenchmarkId::new("raw_with_ids", PIPELINED), |b| {
        b.iter(|| raw.make(&exchange));
    });
    let client = served.connect();
    group.bench_function(BenchmarkId::new("client", PIPELINED), |b| {
        b.iter_custom(|rounds| {
            let tasks = (0..PIPELINED).map(|_| echo(client.clone(), rounds));
            time(|| served.at_once(tasks))
        });
    });
    group.finish();
    served.end();
}

fn connections(c: &mut Criterion) {
    let served = Served::start();
    let mut group = c.benchmark_group("socket/connections");
    group.throughput(Throughput::Elements(CONNECTIONS as u64));

    let mut raws: Vec<_> = (0..CONNECTIONS)
        .map(|_| Raw::connect(served.path()))
        .collect();
    let exchange = Exchange::echo();
    group.bench_function(BenchmarkId::new("raw", CONNECTIONS), |b| {
        b.iter_custom(|rounds| time(|| make_in_threads(&mut raws, &exchange, rounds)));
    });
    let clients: Vec<_> = (0..CONNECTIONS).map(|_| served.connect()).collect();
    group.bench_function(BenchmarkId::new("client", CONNECTIONS), |b| {
        b.iter_custom(|rounds| {
            let tasks = clients.iter().map(|client| echo(client.clone(), rounds));
            time(|| served.at_once(tasks))
        });
    });
    group.finish();
    served.end();
}

fn connect(c: &mut Criterion) {
    let served = Served::start();
    let mut group = c.benchmark_group("socket/connect");
    group.throughput(Throughput::Elements(1));
    group.bench_function("client", |b| {
        b.iter(|| served.clients.block_on(connect_and_call(served.path())));
    });
    group.finish();
    served.end();
}

/// A server on a socket, and a runtime for its clients.
struct Served {
    clients: Runtime,
    server: Runtime,
    handle: ServerHandle,
    _folder: TempDir,
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a directory for the socket");
        let server = Runtime::new().expect("a runtime for the server");
        let tools = Server::builder(echo_registry());
        let tools = tools.build().expect("nothing is configured wrongly");
        let handle = server.block_on(tools.serve_unix(folder.path().join("atd.sock")));
        Self {
            clients: Runtime::new().expect("a runtime for the clients"),
            server,
            handle: handle.expect("the socket is free"),
            _folder: folder,
        }
    }

    fn path(&self) -> &Path {
        self.handle.path()
    }

    fn connect(&self) -> Client {
        let client = self.clients.block_on(Client::connect(self.path()));
        client.expect("it is served")
    }

    /// Runs these tasks of clients, all at the same time, to their ends.
    fn at_once<T>(&self, tasks: impl IntoIterator<Item = T>)
    where
        T: Future<Output = ()> + Send + 'static,
    {
        self.clients.block_on(async {
            let tasks: JoinSet<_> = tasks.into_iter().collect();
            tasks.join_all().await;
        });
    }

    fn end(self) {
        let report = self.server.block_on(self.handle.shutdown());
        assert_eq!((report.cut_calls, report.stuck_connections), (0, 0));
    }
}

async fn ping(client: Client, times: u64) {
    for _ in 0..times {
        client.ping().await.expect("a pong");
    }
}

async fn echo(client: Client, times: u64) {
    let (args, expected) = (tree(&small_args()), result(&echoed(&small_args())));
    for _ in 0..times {
        let outcome = client.call(ECHO, &args).await.expect("an echo");
        assert_eq!(*outcome.result(), expected);
    }
}

async fn connect_and_call(path: &Path) {
    let client = Client::connect(path).await.expect("it is served");
    let hello = Hello {
        client_id: Some("bench".to_owned()),
        ..Hello::default()
    };
    client.hello(hello).await.expect("it is welcome");
    echo(client.clone(), 1).await;
    assert_eq!(client.close(Duration::from_secs(1)).await, 0);
}

/// Arguments as a program has them that did not get them as text.
fn tree(args: &JsonText) -> Value {
    args.to_value().expect("it is JSON")
}

fn result(response: &Response) -> JsonText {
    match response {
        Response::ToolResult(result) => result.result.clone(),
        other => panic!("no result: {other:?}"),
    }
}

/// Bytes that are sent, and those that should come back.
struct Exchange {
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Exchange {
    fn of(request: &Request, response: &Response) -> Self {
        Self {
            request: frame(|body| request.encode(body)),
            answer: frame(|body| response.encode(body)),
        }
    }

    fn ping() -> Self {
        Self::of(&Request::Ping, &Response::Pong)
    }

    fn echo() -> Self {
        let args = small_args();
        Self::of(&Request::RunTool(echo_call(&args)), &echoed(&args))
    }

    /// So many echo calls, numbered.
    fn echo_with_ids(calls: u64) -> Self {
        let args = small_args();
        let (mut request, mut answer) = (Vec::new(), Vec::new());
        for id in 1..=calls {
            let tagged = TaggedRequest {
                request_id: Some(id),
                progress: false,
                request: Request::RunTool(echo_call(&args)),
            };
            request.extend(frame(|body| tagged.encode(body)));
            let tagged = TaggedResponse {
                request_id: Some(id),
                response: echoed(&args),
            };
            answer.extend(frame(|body| tagged.encode(body)));
        }
        Self { request, answer }
    }

    fn times(&self, times: usize) -> Self {
        Self {
            request: self.request.repeat(times),
            answer: self.answer.repeat(times),
        }
    }
}

/// A connection with no more around it than it needs.
struct Raw {
    stream: UnixStream,
    answer: Vec<u8>,
}

impl Raw {
    fn connect(path: &Path) -> Self {
        Self {
            stream: UnixStream::connect(path).expect("it is served"),
            answer: Vec::new(),
        }
    }

    fn make(&mut self, exchange: &Exchange) {
        let (stream, answer) = (&mut self.stream, &mut self.answer);
        stream.write_all(&exchange.request).expect("it is read");
        answer.resize(exchange.answer.len(), 0);
        stream.read_exact(answer).expect("it is answered");
        assert!(*answer == exchange.answer, "another answer");
    }
}

/// Has each connection make this exchange so many times, all at the same time.
fn make_in_threads(connections: &mut [Raw], exchange: &Exchange, times: u64) {
    thread::scope(|threads| {
        for connection in connections {
            threads.spawn(move || (0..times).for_each(|_| connection.make(exchange)));
        }
    });
}

criterion_group!(benches, one, pipelined, connections, connect);
