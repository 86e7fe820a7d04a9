//! Many calls in flight on one connection.

mod support;

use atd_audit::Outcome;
use atd_proto::{ErrorCode, Hello, MAX_FRAME_BODY, Request, Response, extension};
use serde_json::json;
use support::peer::{cancel, frame, framed, tagged};
use support::serving::{Gated, in_flight, recorded, run_tool, serve, serve_with};
use support::*;
use tokio::io::AsyncWriteExt;

fn hello_as(client_id: &str) -> Request {
    Request::Hello(Hello {
        client_id: Some(client_id.to_owned()),
        ..Hello::default()
    })
}

#[tokio::test]
async fn a_hello_is_told_what_the_server_understands() {
    let serving = serve().await;
    let mut peer = serving.connect().await;
    peer.send(&hello_as("a")).await;
    let Some(Response::HelloAck(ack)) = peer.answer().await else {
        panic!("a hello is acknowledged");
    };
    assert_eq!(ack.extensions, extension::ALL);
    // In this process there is no connection to carry ids.
    let server = serving.handle.server();
    let ack = hello(server, &mut anonymous(server), "a").await;
    let Response::HelloAck(ack) = ack else {
        panic!("a hello is acknowledged");
    };
    assert_eq!(ack.extensions, [extension::TOOL_LIST_FILTER]);
}

#[tokio::test]
async fn part_of_the_catalog_may_be_asked_for() {
    let serving = serve().await;
    let mut peer = serving.connect().await;
    let filter = r#"{"type":"tool_list","query":"echo","omit_schemas":true,"request_id":1}"#;
    peer.bytes(&framed(filter.as_bytes())).await;
    let Response::ToolList { tools } = peer.answer_to(1).await else {
        panic!("a list");
    };
    assert_eq!(tools.len(), 1);
    assert_eq!(
        (tools[0].id.as_str(), &tools[0].input_schema),
        ("test:ok.echo", &None)
    );
    for wrong in [r#""tier":"lukewarm""#, r#""limit":-1"#, r#""domain":7"#] {
        let body = format!(r#"{{"type":"tool_list",{wrong}}}"#);
        peer.bytes(&framed(body.as_bytes())).await;
        assert_eq!(
            error(peer.answer().await.unwrap()).0,
            ErrorCode::BAD_REQUEST
        );
    }
    let long = "x".repeat(2_000);
    let body = format!(r#"{{"type":"tool_list","query":"{long}"}}"#);
    peer.bytes(&framed(body.as_bytes())).await;
    assert_eq!(
        error(peer.answer().await.unwrap()).0,
        ErrorCode::BAD_REQUEST
    );
}

/// A catalog that fits no frame is told, and can be had in parts.
#[tokio::test]
async fn a_catalog_that_fits_no_frame_can_be_had_in_parts() {
    let serving = serve().await;
    let description = "x".repeat(1 << 20);
    for n in 0..11 {
        let tool =
            atd_registry::tool_fn(format!("test:big.n{n}"), &description, |(): (), _| async {
                Ok(())
            })
            .define(|definition| definition.input_schema(json!({"title": description})));
        serving.handle.server().registry().register(tool).unwrap();
    }
    let mut peer = serving.connect().await;
    peer.send(&Request::ToolList(atd_proto::ToolFilter::default()))
        .await;
    let (code, body) = error(peer.answer().await.unwrap());
    assert_eq!(code, ErrorCode::UNCLASSIFIED);
    assert!(body.message.contains("limit"), "{}", body.message);
    let bare = atd_proto::ToolFilter {
        query: Some("test:big".into()),
        limit: Some(5),
        omit_schemas: true,
        ..atd_proto::ToolFilter::default()
    };
    peer.send(&Request::ToolList(bare)).await;
    let Some(Response::ToolList { tools }) = peer.answer().await else {
        panic!("a list");
    };
    assert_eq!(tools.len(), 5);
}

#[tokio::test]
async fn calls_with_ids_are_answered_as_they_end() {
    let serving = serve().await;
    let gate = Gated::register(&serving);
    let mut peer = serving.connect().await;
    peer.ask(1, run_tool("test:gate.waits", json!("slow")))
        .await;
    peer.ask(2, run_tool("test:ok.echo", json!("fast"))).await;
    peer.ask(3, Request::Ping).await;
    assert_eq!(result(peer.answer_to(2).await), "fast");
    assert_eq!(peer.answer_to(3).await, Response::Pong);
    gate.let_end(1);
    assert_eq!(result(peer.answer_to(1).await), "slow");
    assert_eq!(serving.audit.events().len(), 2);
}

#[tokio::test]
async fn requests_without_ids_keep_their_turn_and_are_passed_by_those_with_ids() {
    let serving = serve().await;
    let gate = Gated::register(&serving);
    let mut peer = serving.connect().await;
    let mut all = frame(&run_tool("test:gate.waits", json!("first")));
    all.extend(frame(&Request::Ping));
    all.extend(framed(b"nonsense"));
    all.extend(tagged(7, run_tool("test:ok.echo", json!("by"))));
    all.extend(tagged(8, Request::Ping));
    all.extend(framed(br#"{"type":"run_tool","request_id":9}"#));
    peer.bytes(&all).await;
    assert_eq!(result(peer.answer_to(7).await), "by");
    assert_eq!(peer.answer_to(8).await, Response::Pong);
    assert_eq!(error(peer.answer_to(9).await).0, ErrorCode::BAD_REQUEST);
    gate.let_end(1);
    assert_eq!(result(peer.answer().await.unwrap()), "first");
    assert_eq!(peer.answer().await, Some(Response::Pong));
    let (code, _) = error(peer.answer().await.unwrap());
    assert_eq!(code, ErrorCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_id_that_is_in_flight_is_refused_and_free_again_after_the_answer() {
    let serving = serve().await;
    let gate = Gated::register(&serving);
    let mut peer = serving.connect().await;
    peer.ask(5, run_tool("test:gate.waits", json!(1))).await;
    peer.ask(5, run_tool("test:ok.echo", json!(2))).await;
    let (code, body) = error(peer.answer_to(5).await);
    assert_eq!(code, ErrorCode::BAD_REQUEST);
    assert!(body.message.contains("request_id"), "{}", body.message);
    gate.let_end(1);
    assert_eq!(result(peer.answer_to(5).await), 1);
    peer.ask(5, run_tool("test:ok.echo", json!(3))).await;
    assert_eq!(result(peer.answer_to(5).await), 3);
    let outcomes: Vec<_> = serving.audit.events();
    let outcomes: Vec<_> = outcomes.into_iter().map(|event| event.outcome).collect();
    let refused = failed("DUPLICATE_REQUEST_ID", false);
    assert_eq!(outcomes, [refused, Outcome::Success, Outcome::Success]);
}

#[tokio::test]
async fn a_call_that_is_cancelled_is_answered_and_recorded_so() {
    let serving = serve().await;
    let mut peer = serving.connect().await;
    peer.ask(1, run_tool("test:bad.waits", json!({}))).await;
    in_flight(&serving, 1).await;
    peer.bytes(&cancel(1)).await;
    assert_eq!(error(peer.answer_to(1).await).0, ErrorCode::CANCELLED);
    assert_eq!(
        only_event(&serving.audit).outcome,
        failed("CANCELLED", false)
    );
    // One that has ended, or never was, is cancelled in vain.
    peer.bytes(&cancel(1)).await;
    peer.bytes(&cancel(99)).await;
    peer.ping().await;
}

/// A tool that watches its token has the grace to tidy up, and one that does
/// not stop even so is dropped when the grace is over.
#[tokio::test]
async fn a_cancelled_tool_is_told_and_has_a_grace_before_it_is_dropped() {
    let serving = serve_with(|builder| builder.stop_grace(SHORT)).await;
    let (tidied, mut told) = tokio::sync::mpsc::unbounded_channel();
    let tool = atd_registry::tool_fn("test:ok.tidies", "", move |stays: bool, ctx| {
        let tidied = tidied.clone();
        async move {
            ctx.cancelled().cancelled().await;
            tokio::task::yield_now().await;
            tidied.send(stays).unwrap();
            if stays {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    });
    serving.handle.server().registry().register(tool).unwrap();
    let mut peer = serving.connect().await;
    for (id, stays) in [(1, false), (2, true)] {
        peer.ask(id, run_tool("test:ok.tidies", json!(stays))).await;
        in_flight(&serving, 1).await;
        peer.bytes(&cancel(id)).await;
        assert_eq!(told.recv().await, Some(stays));
        assert_eq!(error(peer.answer_to(id).await).0, ErrorCode::CANCELLED);
    }
    in_flight(&serving, 0).await;
    let outcomes = serving.audit.events().into_iter().map(|e| e.outcome);
    assert!(outcomes.eq([failed("CANCELLED", false), failed("CANCELLED", false)]));
}

/// A4: the record says that the client left, for calls with ids and for the one
/// whose turn it was.
#[tokio::test]
async fn a_client_that_leaves_ends_all_of_its_calls() {
    let serving = serve_with(|builder| builder.max_calls_per_connection(10)).await;
    let mut peer = serving.connect().await;
    for id in 0..20 {
        peer.ask(id, run_tool("test:bad.waits", json!({}))).await;
    }
    for _ in 0..2 {
        peer.send(&run_tool("test:bad.waits", json!({}))).await;
    }
    in_flight(&serving, 11).await;
    drop(peer);
    recorded(&serving, 22).await;
    in_flight(&serving, 0).await;
    let events = serving.audit.events();
    assert_eq!(events.len(), 22);
    let gone = failed("CLIENT_GONE", false);
    assert!(
        events.iter().all(|event| event.outcome == gone),
        "{events:?}"
    );
    while serving.handle.server().metrics_snapshot().connections_open > 0 {
        tokio::task::yield_now().await;
    }
    let waiting = serving.handle.server().metrics_snapshot().calls_waiting;
    assert_eq!(waiting, 0);
}

#[tokio::test]
async fn a_client_that_sends_no_more_gets_its_answers() {
    let serving = serve().await;
    let gate = Gated::register(&serving);
    let mut peer = serving.connect().await;
    peer.ask(1, run_tool("test:gate.waits", json!(1))).await;
    in_flight(&serving, 1).await;
    peer.stream.shutdown().await.unwrap();
    gate.let_end(1);
    assert_eq!(result(peer.answer_to(1).await), 1);
    peer.closed().await;
}

/// F2: what is under way is answered before the connection is closed.
#[tokio::test]
async fn a_frame_over_the_limit_waits_for_the_calls_before_it() {
    let serving = serve().await;
    let gate = Gated::register(&serving);
    let mut peer = serving.connect().await;
    peer.ask(1, run_tool("test:gate.waits", json!(1))).await;
    let length = u32::try_from(MAX_FRAME_BODY).unwrap() + 1;
    peer.bytes(&length.to_be_bytes()).await;
    in_flight(&serving, 1).await;
    gate.let_end(1);
    assert_eq!(result(peer.answer_to(1).await), 1);
    let (code, _) = error(peer.answer().await.unwrap());
    assert_eq!(code, ErrorCode::FRAME_TOO_LARGE);
}

#[tokio::test]
async fn calls_that_outlast_the_grace_are_told_under_their_ids() {
    let serving = serve_with(|builder| builder.shutdown_grace(SHORT)).await;
    let audit = serving.audit.clone();
    let mut peer = serving.connect().await;
    for id in 0..3 {
        peer.ask(id, run_tool("test:bad.waits", json!({}))).await;
    }
    peer.send(&run_tool("test:bad.waits", json!({}))).await;
    in_flight(&serving, 4).await;
    let reading = tokio::spawn(async move {
        let mut told = Vec::new();
        for _ in 0..4 {
            let (id, answer) = peer.tagged().await;
            assert_eq!(error(answer).0, ErrorCode::SHUTTING_DOWN);
            told.push(id);
        }
        told.sort_unstable();
        assert_eq!(told, [None, Some(0), Some(1), Some(2)]);
        assert_eq!(peer.answer().await, None);
    });
    let report = serving.handle.shutdown().await;
    assert_eq!((report.cut_calls, report.stuck_connections), (4, 0));
    reading.await.unwrap();
    let cut = failed("SHUT_DOWN", true);
    assert!(audit.events().iter().all(|event| event.outcome == cut));
    assert_eq!(audit.events().len(), 4);
}

/// U4: a call runs as who was said before it, whatever is said while it runs.
#[tokio::test]
async fn a_call_keeps_the_identity_that_it_was_made_with() {
    let serving = serve().await;
    let gate = Gated::register(&serving);
    let mut peer = serving.connect().await;
    let mut all = frame(&hello_as("a"));
    all.extend(tagged(1, run_tool("test:gate.waits", json!(1))));
    all.extend(frame(&run_tool("test:gate.waits", json!(2))));
    // Waits for the call before it, and those behind wait for it.
    all.extend(tagged(3, hello_as("b")));
    all.extend(tagged(4, run_tool("test:gate.waits", json!(4))));
    all.extend(frame(&run_tool("test:gate.waits", json!(5))));
    peer.bytes(&all).await;
    assert!(matches!(peer.answer().await, Some(Response::HelloAck(_))));
    in_flight(&serving, 2).await;
    gate.let_end(4);
    for _ in 0..5 {
        peer.tagged().await;
    }
    let mut callers: Vec<_> = serving.audit.events();
    callers.sort_by(|a, b| a.call_id.cmp(&b.call_id));
    let callers: Vec<_> = callers.iter().map(|e| e.caller_id.as_deref()).collect();
    assert_eq!(callers.len(), 4);
    let of = |name| {
        callers
            .iter()
            .filter(|caller| **caller == Some(name))
            .count()
    };
    assert_eq!((of("a"), of("b")), (2, 2), "{callers:?}");
}

#[tokio::test]
async fn beyond_the_limit_calls_wait_for_a_place_and_can_be_cancelled_there() {
    let serving = serve_with(|builder| builder.max_calls_per_connection(2)).await;
    let gate = Gated::register(&serving);
    let mut peer = serving.connect().await;
    for id in 0..5 {
        peer.ask(id, run_tool("test:gate.waits", json!(id))).await;
    }
    peer.bytes(&cancel(3)).await;
    assert_eq!(error(peer.answer_to(3).await).0, ErrorCode::CANCELLED);
    in_flight(&serving, 2).await;
    let waiting = || serving.handle.server().metrics_snapshot().calls_waiting;
    assert_eq!(waiting(), 2);
    gate.let_end(4);
    let mut answered = Vec::new();
    for _ in 0..4 {
        let (id, answer) = peer.tagged().await;
        assert_eq!(result(answer), id.unwrap());
        answered.push(id.unwrap());
    }
    answered.sort_unstable();
    assert_eq!(answered, [0, 1, 2, 4]);
    assert_eq!(waiting(), 0);
    assert_eq!(serving.audit.events().len(), 5);
}

/// What is read and not begun is bounded: then the server reads no more, and
/// goes on where it stopped.
#[tokio::test]
async fn a_flood_of_calls_waits_in_the_socket_and_loses_none() {
    let serving = serve_with(|builder| builder.max_calls_per_connection(1)).await;
    let gate = Gated::register(&serving);
    let mut peer = serving.connect().await;
    let padding = "x".repeat(1_000);
    let mut all = Vec::new();
    for id in 0..2_000 {
        let tool = if id == 0 {
            "test:gate.waits"
        } else {
            "test:ok.echo"
        };
        all.extend(tagged(id, run_tool(tool, json!([id, padding]))));
    }
    let (mut read, mut write) = peer.stream.split();
    let send = async { write.write_all(&all).await.unwrap() };
    let receive = async {
        in_flight(&serving, 1).await;
        gate.let_end(1);
        let mut arrived = bytes::BytesMut::new();
        let mut seen = vec![false; 2_000];
        for _ in 0..2_000 {
            let frame = atd_proto::io::read_frame(&mut read, &mut arrived).await;
            let answer = atd_proto::TaggedResponse::decode(frame.unwrap().unwrap()).unwrap();
            let id = answer.request_id.unwrap();
            assert_eq!(result(answer.response)[0], id);
            assert!(!std::mem::replace(
                &mut seen[usize::try_from(id).unwrap()],
                true
            ));
        }
    };
    tokio::join!(send, receive);
    assert_eq!(serving.audit.events().len(), 2_000);
}
