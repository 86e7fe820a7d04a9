//! The wire: frames out of bytes, messages out of frames, and back.
//!
//! - `frame/split`: [`FrameDecoder`] on a buffer that has arrived whole, one
//!   read's worth of 64 small frames, and one frame of 64 KiB.
//! - `frame/decode_request` and `frame/encode_response`: what a server does
//!   for a call; `frame/encode_request` and `frame/decode_response`: what a
//!   client does. The call is one of `ref:echo.say` with small arguments, and
//!   with 64 KiB of them.
//!
//! Left out: the socket, the other messages (a server sees them once a
//! connection), and what a tool does to read its arguments: here they are
//! checked to be JSON and carried along.

use std::hint::black_box;

use atd_runtime::proto::{FrameDecoder, JsonText, Request, Response, encode_frame};
use benches::{args_of, echo_call, echoed, frame, small_args};
use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group};

/// How many buffers are made ahead at a time: enough to make the clock's own
/// time vanish, few enough to stay in the cache.
const AHEAD: BatchSize = BatchSize::NumIterations(16);

fn sizes() -> [(&'static str, JsonText); 2] {
    [("small", small_args()), ("64KiB", args_of(64 * 1024))]
}

fn split(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame/split");
    let [small, large] = sizes().map(|(_, args)| {
        let request = Request::RunTool(echo_call(&args));
        frame(|body| request.encode(body))
    });
    for (name, frames, wire) in [("64_small", 64, small.repeat(64)), ("64KiB", 1, large)] {
        assert_eq!(take_all(&mut BytesMut::from(&wire[..])), frames);
        group.throughput(Throughput::Elements(frames));
        group.bench_function(name, |b| {
            let arrived = || BytesMut::from(&wire[..]);
            b.iter_batched_ref(arrived, take_all, AHEAD);
        });
    }
}

/// Takes every frame there is, and says how many they were.
fn take_all(buffer: &mut BytesMut) -> u64 {
    let decoder = FrameDecoder::default();
    let mut frames = 0;
    while let Some(frame) = decoder.decode(buffer).expect("no frame is too long") {
        black_box(frame);
        frames += 1;
    }
    frames
}

fn requests(c: &mut Criterion) {
    for (name, args) in sizes() {
        let request = Request::RunTool(echo_call(&args));
        let body = body(&frame(|body| request.encode(body)));
        let decoded = Request::decode(body.clone()).expect("it was encoded as a request");
        assert_eq!(decoded, request);
        let size = Throughput::Bytes(body.len() as u64);

        let mut group = c.benchmark_group("frame/decode_request");
        group.throughput(size.clone());
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| Request::decode(black_box(&body).clone()));
        });
        group.finish();

        let mut group = c.benchmark_group("frame/encode_request");
        group.throughput(size);
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            let mut out = Vec::new();
            b.iter(|| {
                out.clear();
                encode_frame(&mut out, |body| black_box(&request).encode(body))
            });
        });
    }
}

fn responses(c: &mut Criterion) {
    for (name, args) in sizes() {
        let response = echoed(&args);
        let body = body(&frame(|body| response.encode(body)));
        let decoded = Response::decode(body.clone()).expect("it was encoded as a response");
        assert_eq!(decoded, response);
        let size = Throughput::Bytes(body.len() as u64);

        let mut group = c.benchmark_group("frame/encode_response");
        group.throughput(size.clone());
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            let mut out = Vec::new();
            b.iter(|| {
                out.clear();
                encode_frame(&mut out, |body| black_box(&response).encode(body))
            });
        });
        group.finish();

        let mut group = c.benchmark_group("frame/decode_response");
        group.throughput(size);
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| Response::decode(black_box(&body).clone()));
        });
    }
}

fn body(wire: &[u8]) -> Bytes {
    let body = FrameDecoder::default().decode(&mut BytesMut::from(wire));
    body.expect("it fits a frame").expect("it is whole")
}

criterion_group!(benches, split, requests, responses);
