//! What a client does with a server that knows request ids.

use std::{pin::pin, time::Duration};

use atd_client::{CallOptions, Client, ClientError, CloseCause};
use atd_proto::{Hello, Progress, Request};
use tokio::time::timeout;

use crate::support::{Peer, answered, begin, pair};

const ALL: &str =
    r#"{"type":"hello_ack","extensions":["request_id","cancel","progress","tool_list_filter"]}"#;

/// A client whose server has said what it knows.
async fn greeted(ack: &str) -> (Client, Peer) {
    let (client, mut peer) = pair().await;
    let hello = client.hello(Hello::default());
    answered(&mut peer, ack, hello).await.unwrap();
    (client, peer)
}

fn result(id: u64, result: &str) -> String {
    format!(
        r#"{{"type":"tool_result","tool_id":"a:b.c","result":{result},"success":true,"request_id":{id}}}"#
    )
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order() {
    let (client, mut peer) = greeted(ALL).await;
    let server = async {
        let first = peer.hears_tagged().await.request_id.unwrap();
        let second = peer.hears_tagged().await.request_id.unwrap();
        assert_eq!(peer.hears_tagged().await.request, Request::Ping);
        assert_ne!(first, second);
        peer.says(&result(second, "2")).await;
        peer.says(r#"{"type":"pong"}"#).await;
        peer.says(&result(first, "1")).await;
    };
    let (a, b, pinged, ()) = tokio::join!(
        client.call("a:b.c", &1),
        client.call("a:b.c", &2),
        client.ping(),
        server
    );
    pinged.unwrap();
    let results = [a, b].map(|outcome| outcome.unwrap().parse::<u8>().unwrap());
    assert_eq!(results, [1, 2]);
}

#[tokio::test]
async fn nothing_new_is_said_to_a_server_that_did_not_say_it_knows() {
    for ack in [
        r#"{"type":"hello_ack"}"#,
        r#"{"type":"hello_ack","extensions":["cancel","progress"]}"#,
    ] {
        let (client, mut peer) = greeted(ack).await;
        {
            let mut call = client
                .call_with_progress("a:b.c", &1, CallOptions::new())
                .unwrap();
            begin(&mut pin!(call.progress())).await;
            let asked = peer.hears_tagged().await;
            assert_eq!((asked.request_id, asked.progress), (None, false));
        }
        let ping = client.ping();
        let (pinged, ()) = tokio::join!(ping, async {
            assert_eq!(peer.hears().await, Request::Ping);
            peer.says(r#"{"type":"tool_result","tool_id":"a:b.c","result":1,"success":true}"#)
                .await;
            peer.says(r#"{"type":"pong"}"#).await;
        });
        pinged.unwrap();
    }
}

#[tokio::test]
async fn a_call_whose_future_is_dropped_is_cancelled() {
    let (client, mut peer) = greeted(ALL).await;
    let id = {
        let mut call = pin!(client.call("a:b.c", &1));
        begin(&mut call).await;
        peer.hears_tagged().await.request_id.unwrap()
    };
    assert_eq!(peer.hears().await, Request::Cancel { request_id: id });
    peer.says(&format!(
        r#"{{"type":"error","message":"the call was cancelled","code":1035,"request_id":{id}}}"#
    ))
    .await;
    answered(&mut peer, r#"{"type":"pong"}"#, client.ping())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_cancelled() {
    let (client, mut peer) = greeted(ALL).await;
    let options = CallOptions::new().timeout(Duration::from_secs(1));
    let late = client.call_with("a:b.c", &1, options).await;
    assert!(matches!(late, Err(ClientError::TimedOut { .. })));
    let id = peer.hears_tagged().await.request_id.unwrap();
    assert_eq!(peer.hears().await, Request::Cancel { request_id: id });
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_answered_is_not_cancelled() {
    let (client, mut peer) = greeted(ALL).await;
    let call = client.call("a:b.c", &1);
    let (outcome, ()) = tokio::join!(call, async {
        let id = peer.hears_tagged().await.request_id.unwrap();
        peer.says(&result(id, "1")).await;
    });
    outcome.unwrap();
    assert!(peer.hears_nothing().await);
}

#[tokio::test]
async fn progress_is_a_stream_that_ends_with_the_call() {
    let (client, mut peer) = greeted(ALL).await;
    let mut call = client
        .call_with_progress("a:b.c", &1, CallOptions::new())
        .unwrap();
    let listening = async {
        let mut heard = Vec::new();
        while let Some(progress) = call.progress().await {
            heard.push(progress);
        }
        (heard, call.outcome().await.unwrap())
    };
    let ((heard, outcome), ()) = tokio::join!(listening, async {
        let asked = peer.hears_tagged().await;
        assert!(asked.progress);
        let id = asked.request_id.unwrap();
        // Of another call, which nobody waits for.
        peer.says(r#"{"type":"progress","request_id":4711,"done":9}"#)
            .await;
        peer.says(&format!(
            r#"{{"type":"progress","request_id":{id},"done":1,"total":2,"message":"half"}}"#
        ))
        .await;
        peer.says(&result(id, "1")).await;
    });
    assert_eq!(heard, [Progress::new(1).of(2).saying("half")]);
    assert_eq!(outcome.parse::<u8>().unwrap(), 1);
}

#[tokio::test]
async fn a_frame_that_is_not_understood_answers_the_call_whose_id_it_has() {
    let (client, mut peer) = greeted(ALL).await;
    let (first, second, ()) =
        tokio::join!(client.call("a:b.c", &1), client.call("a:b.c", &2), async {
            let first = peer.hears_tagged().await.request_id.unwrap();
            let second = peer.hears_tagged().await.request_id.unwrap();
            peer.says(&format!(r#"{{"type":"surprise","request_id":{second}}}"#))
                .await;
            peer.says(&result(first, "1")).await;
        });
    first.unwrap();
    assert!(matches!(second, Err(ClientError::Undecodable(_))));
}

#[tokio::test]
async fn an_answer_to_a_call_that_nobody_made_ends_the_connection() {
    let (client, mut peer) = greeted(ALL).await;
    peer.says(&result(4711, "1")).await;
    let end = timeout(Duration::from_secs(10), client.ping())
        .await
        .unwrap();
    let out_of_step = |cause: &CloseCause| matches!(cause, CloseCause::OutOfStep);
    assert!(matches!(end, Err(ClientError::Closed { ref cause, .. }) if out_of_step(cause)));
}
