//! A connection and everything a client may do to it.

mod support;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atd_proto::{ErrorCode, Hello, MAX_FRAME_BODY, Request, Response, ToolFilter};
use serde_json::json;
use support::peer::{frame, framed};
use support::serving::{in_flight, recorded, run_tool, serve, serve_with};
use support::*;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let serving = serve().await;
    let mut peer = serving.connect().await;
    let mut all = Vec::new();
    for n in 0..500 {
        all.extend(frame(&run_tool("test:ok.echo", json!({"n": n}))));
        all.extend(frame(&Request::Ping));
    }
    let (mut read, mut write) = peer.stream.split();
    let mut arrived = bytes::BytesMut::new();
    let send = async { write.write_all(&all).await.unwrap() };
    let receive = async {
        for n in 0..500 {
            let mut next = async || {
                let frame = atd_proto::io::read_frame(&mut read, &mut arrived).await;
                Response::decode(frame.unwrap().unwrap()).unwrap()
            };
            assert_eq!(result(next().await), json!({"n": n}));
            assert_eq!(next().await, Response::Pong);
        }
    };
    tokio::join!(send, receive);
    assert_eq!(serving.audit.events().len(), 500);
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_slow_call_behind_it() {
    let serving = serve().await;
    let mut peer = serving.connect().await;
    let mut both = frame(&Request::Ping);
    both.extend(frame(&run_tool("test:bad.waits", json!({}))));
    peer.bytes(&both).await;
    assert_eq!(peer.answer().await, Some(Response::Pong));
}

/// A gate's clock by which the second hello is slow, and the third takes until
/// somebody says that an answer has come.
#[derive(Debug)]
struct Slow {
    hellos: AtomicU32,
    answered: Mutex<Receiver<()>>,
    waited_in_vain: Arc<AtomicBool>,
}

impl atd_gate::Clock for Slow {
    fn now(&self) -> Duration {
        let answered = self.answered.lock().unwrap();
        match self.hellos.fetch_add(1, Ordering::SeqCst) {
            1 => drop(answered.recv_timeout(Duration::from_millis(10))),
            2 => {
                let heard = answered.recv_timeout(Duration::from_secs(10));
                self.waited_in_vain.store(heard.is_err(), Ordering::SeqCst);
            }
            _ => {}
        }
        Duration::ZERO
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_does_not_wait_for_all_the_slow_hellos_behind_it() {
    let (answers, answered) = std::sync::mpsc::channel();
    let waited_in_vain = Arc::<AtomicBool>::default();
    let clock = Slow {
        hellos: AtomicU32::default(),
        answered: Mutex::new(answered),
        waited_in_vain: waited_in_vain.clone(),
    };
    let gate = atd_gate::Gate::builder().clock(clock).build();
    let serving = serve_with(|builder| builder.gate(gate)).await;
    let mut peer = serving.connect().await;
    let hello = frame(&Request::Hello(Hello::default()));
    peer.bytes(&hello.repeat(3)).await;
    peer.answer().await.unwrap();
    // Nobody hears of it any more where it came too late.
    let _ = answers.send(());
    peer.answer().await.unwrap();
    peer.answer().await.unwrap();
    assert!(!waited_in_vain.load(Ordering::SeqCst));
}

/// One connection that goes on after a panic, a call that never returns and
/// arguments that do not fit: three typed answers, three records.
#[tokio::test]
async fn a_connection_outlives_every_failure_of_a_tool() {
    let serving = serve().await;
    let mut peer = serving.connect().await;
    let mut ask = async |tool_id: &str, args| {
        peer.send(&run_tool(tool_id, args)).await;
        peer.answer().await.unwrap()
    };
    assert_eq!(
        failure(ask("test:bad.panics", json!({})).await).code,
        "PANICKED"
    );
    assert_eq!(
        failure(ask("test:bad.hangs", json!({})).await).code,
        "DEADLINE_EXCEEDED"
    );
    let refused = error(ask("test:ok.typed", json!({"count": "x"})).await);
    assert_eq!(refused.0, ErrorCode::INVALID_ARGUMENTS);
    assert_eq!(result(ask("test:ok.typed", json!({"count": 1})).await), 1);
    assert_eq!(serving.audit.events().len(), 4);
}

/// D2: 10,000 panics in tools: the connection goes on.
#[tokio::test]
async fn a_connection_outlives_ten_thousand_panics() {
    std::panic::set_hook(Box::new(|_| {}));
    let serving = serve().await;
    let mut peer = serving.connect().await;
    for _ in 0..10_000 {
        peer.send(&run_tool("test:bad.panics", json!({}))).await;
        assert_eq!(failure(peer.answer().await.unwrap()).code, "PANICKED");
    }
    peer.ping().await;
    assert_eq!(serving.audit.events().len(), 10_000);
}

/// F2: length 0, and whole frames that are no request: a typed answer, and the
/// connection lives on.
#[tokio::test]
async fn a_frame_that_is_no_request_is_answered_and_the_connection_lives_on() {
    let serving = serve().await;
    let mut peer = serving.connect().await;
    let bodies: [&[u8]; 8] = [
        b"",
        b"nonsense",
        b"{}",
        b"[]",
        b"{\"type\":\"nonsense\"}",
        b"{\"type\":\"run_tool\"}",
        b"{\"type\":\"ping\",\"type\":\"ping\"}",
        b"\xff\xfe",
    ];
    for body in bodies {
        peer.bytes(&framed(body)).await;
        let (code, _) = error(peer.answer().await.unwrap());
        assert_eq!(code, ErrorCode::BAD_REQUEST);
    }
    peer.ping().await;
    assert_eq!(serving.audit.events(), []);
}

/// F2: length max is taken.
#[tokio::test]
async fn the_longest_frame_is_taken() {
    let serving = serve().await;
    let mut peer = serving.connect().await;
    let mut body = br#"{"type":"ping","padding":""#.to_vec();
    body.resize(MAX_FRAME_BODY - 2, b' ');
    body.extend_from_slice(b"\"}");
    assert_eq!(body.len(), MAX_FRAME_BODY);
    peer.bytes(&framed(&body)).await;
    assert_eq!(peer.answer().await, Some(Response::Pong));
    peer.ping().await;
}

/// F2: length max + 1 and 2³²−1: answered, then closed.
#[tokio::test]
async fn a_frame_over_the_limit_is_answered_and_then_closed() {
    let serving = serve().await;
    for length in [u32::try_from(MAX_FRAME_BODY).unwrap() + 1, u32::MAX] {
        let mut peer = serving.connect().await;
        let mut all = frame(&Request::Ping);
        all.extend(length.to_be_bytes());
        all.extend([b' '; 100_000]);
        peer.bytes(&all).await;
        assert_eq!(peer.answer().await, Some(Response::Pong));
        let (code, body) = error(peer.answer().await.unwrap());
        assert_eq!(code, ErrorCode::FRAME_TOO_LARGE);
        assert!(body.message.contains(&length.to_string()));
        peer.closed().await;
    }
}

/// F2: end of stream at every offset.
#[tokio::test]
async fn a_stream_that_ends_inside_a_frame_is_told_so() {
    let serving = serve().await;
    let whole = frame(&Request::Ping);
    for cut in 0..=whole.len() {
        let mut peer = serving.connect().await;
        peer.bytes(&whole[..cut]).await;
        peer.stream.shutdown().await.unwrap();
        match peer.answer().await {
            None => assert_eq!(cut, 0),
            Some(Response::Pong) => assert_eq!(cut, whole.len()),
            Some(other) => assert_eq!(error(other).0, ErrorCode::BAD_REQUEST, "at {cut}"),
        }
        peer.closed().await;
    }
}

#[tokio::test]
async fn a_client_that_sends_no_more_still_gets_its_answers() {
    let serving = serve_with(|builder| builder.tiers(short_tiers())).await;
    let mut peer = serving.connect().await;
    peer.send(&run_tool("test:bad.waits", json!({}))).await;
    peer.send(&Request::Ping).await;
    peer.stream.shutdown().await.unwrap();
    assert_eq!(
        failure(peer.answer().await.unwrap()).code,
        "DEADLINE_EXCEEDED"
    );
    assert_eq!(peer.answer().await, Some(Response::Pong));
    assert_eq!(peer.answer().await, None);
}

/// A4: 1,000 clients that leave mid-call leave 1,000 events.
#[tokio::test]
async fn clients_that_leave_mid_call_leave_one_event_each() {
    let serving = serve().await;
    for round in 0..20 {
        let mut peers = Vec::new();
        for _ in 0..50 {
            let mut peer = serving.connect().await;
            peer.send(&run_tool("test:bad.waits", json!({}))).await;
            peers.push(peer);
        }
        in_flight(&serving, 50).await;
        drop(peers);
        recorded(&serving, (round + 1) * 50).await;
    }
    in_flight(&serving, 0).await;
    let events = serving.audit.events();
    assert_eq!(events.len(), 1_000);
    assert!(
        events
            .iter()
            .all(|e| e.outcome == failed("CLIENT_GONE", false))
    );
}

#[tokio::test]
async fn a_client_that_leaves_after_it_sent_too_much_is_noticed_too() {
    let serving = serve().await;
    let mut peer = serving.connect().await;
    peer.send(&run_tool("test:bad.waits", json!({}))).await;
    in_flight(&serving, 1).await;
    // More than the server reads ahead, so that it does not see the end.
    let flood = framed(&vec![b' '; 120_000]);
    peer.bytes(&flood).await;
    drop(peer);
    recorded(&serving, 1).await;
}

#[tokio::test]
async fn a_frame_that_takes_too_long_is_told_so_and_an_idle_client_is_not() {
    let serving = serve_with(|builder| builder.frame_timeout(SHORT)).await;
    let mut idle = serving.connect().await;
    let mut slow = serving.connect().await;
    slow.bytes(&[0, 0]).await;
    let (code, body) = error(slow.answer().await.unwrap());
    assert_eq!(code, ErrorCode::BAD_REQUEST);
    assert!(body.message.contains("20 ms"), "{}", body.message);
    slow.closed().await;
    idle.ping().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_let_go() {
    let serving = serve_with(|builder| builder.write_timeout(SHORT)).await;
    let mut peer = serving.connect().await;
    let flood = frame(&Request::ToolList(ToolFilter::default())).repeat(2_000);
    // The server stops reading when it cannot write, so this may not all go.
    let _ = peer.stream.write_all(&flood).await;
    while serving.handle.server().metrics_snapshot().connections_open > 0 {
        tokio::task::yield_now().await;
    }
}

/// N7: one connection above the cap gets 1033.
#[tokio::test]
async fn one_connection_above_the_cap_is_told_so() {
    let serving = serve_with(|builder| builder.max_connections(2)).await;
    let mut first = serving.connect().await;
    let mut second = serving.connect().await;
    first.ping().await;
    second.ping().await;
    let mut third = serving.connect().await;
    let (code, body) = error(third.answer().await.unwrap());
    assert_eq!(code, ErrorCode::OVERLOADED);
    assert!(body.details.unwrap()["retry_after_ms"].is_u64());
    assert_eq!(third.answer().await, None);

    drop(first);
    while serving.handle.server().metrics_snapshot().connections_open > 1 {
        tokio::task::yield_now().await;
    }
    serving.connect().await.ping().await;
    assert_eq!(
        serving
            .handle
            .server()
            .metrics_snapshot()
            .connections_refused,
        1
    );
}

/// A client that never stops asking leaves room for others, on a runtime with
/// one worker as well.
#[tokio::test]
async fn a_client_that_never_stops_asking_leaves_room_for_others() {
    let serving = serve().await;
    let path = serving.handle.path().to_owned();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let flooding = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let mut write = std::os::unix::net::UnixStream::connect(path).unwrap();
        let mut read = write.try_clone().unwrap();
        let answers = std::thread::spawn(move || {
            let mut scratch = vec![0; 1 << 16];
            while read.read(&mut scratch).is_ok_and(|count| count > 0) {}
        });
        let pings = frame(&Request::Ping).repeat(1_000);
        while !stopped.load(std::sync::atomic::Ordering::SeqCst) {
            write.write_all(&pings).unwrap();
        }
        write.shutdown(std::net::Shutdown::Both).unwrap();
        answers.join().unwrap();
    });
    let mut peer = serving.connect().await;
    for _ in 0..20 {
        tokio::time::timeout(Duration::from_secs(20), peer.ping())
            .await
            .unwrap();
    }
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    tokio::task::spawn_blocking(move || flooding.join().unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_connection_whose_tool_panics_as_it_is_dropped_is_counted_out() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("as asked");
        }
    }
    let serving = serve().await;
    let tool = atd_registry::tool_fn("test:bad.bomb", "", |_: serde_json::Value, _| async {
        let _bomb = Bomb;
        std::future::pending::<Result<(), _>>().await
    });
    serving.handle.server().registry().register(tool).unwrap();
    let mut peer = serving.connect().await;
    peer.send(&run_tool("test:bad.bomb", json!({}))).await;
    in_flight(&serving, 1).await;
    drop(peer);
    while serving.handle.server().metrics_snapshot().connections_open > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        only_event(&serving.audit).outcome,
        failed("CLIENT_GONE", false)
    );
}

/// D1: an async tool that spins without saying so is named by the watchdog,
/// and other connections go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_holds_its_worker_is_named_and_others_go_on() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let serving = serve().await;
    let tool = atd_registry::tool_fn("test:bad.holds", "", move |_: serde_json::Value, _| {
        let held = held.clone();
        async move {
            let _ = held.lock().unwrap().recv();
            Ok(())
        }
    });
    serving.handle.server().registry().register(tool).unwrap();
    let mut holding = serving.connect().await;
    holding.send(&run_tool("test:bad.holds", json!({}))).await;
    let stalls = || serving.handle.server().metrics_snapshot().stalls;
    let mut other = serving.connect().await;
    while !stalls().contains_key("test:bad.holds") {
        other.ping().await;
    }
    release.send(()).unwrap();
    result(holding.answer().await.unwrap());
    assert_eq!(stalls()["test:bad.holds"], 1, "one stall is told once");
    tokio::time::timeout(Duration::from_secs(10), serving.handle.shutdown())
        .await
        .unwrap();
}
