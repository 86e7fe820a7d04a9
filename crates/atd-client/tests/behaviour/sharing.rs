//! One connection under many tasks.

use std::{pin::pin, time::Duration};

use atd_client::{CallOptions, ClientError, ConnectOptions};
use atd_proto::Request;
use tokio::{task::JoinSet, time::timeout};

use crate::support::{AGES, begin, limit, pair, pair_with};

#[tokio::test]
async fn requests_are_sent_without_waiting_for_answers() {
    let (client, mut peer) = pair().await;
    let server = async {
        let mut calls = Vec::new();
        for _ in 0..3 {
            calls.push(peer.hears_call().await);
        }
        for call in calls {
            peer.echoes(call).await;
        }
    };
    let (a, b, c, ()) = tokio::join!(
        client.call("a:b.c", &1),
        client.call("a:b.c", &2),
        client.call("a:b.c", &3),
        server
    );
    let results = [a, b, c].map(|outcome| outcome.unwrap().parse::<u8>().unwrap());
    assert_eq!(results, [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_many_tasks_gets_the_answer_to_its_own_question() {
    let (client, peer) = pair_with(&ConnectOptions::new().max_in_flight(limit(50))).await;
    let server = tokio::spawn(peer.echoes_on());
    let mut tasks = JoinSet::new();
    for task in 0..200_u32 {
        let client = client.clone();
        tasks.spawn(async move {
            for turn in 0..20_u32 {
                let asked = [task, turn];
                let outcome = client.call("a:b.c", &asked).await.unwrap();
                assert_eq!(outcome.parse::<[u32; 2]>().unwrap(), asked);
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    drop(client);
    server.await.unwrap();
}

#[tokio::test]
async fn a_dropped_call_leaves_the_connection_in_step() {
    let (client, mut peer) = pair().await;
    let dropped = {
        let mut call = pin!(client.call("a:b.c", &"dropped"));
        tokio::select! {
            _ = &mut call => panic!("nobody has answered yet"),
            heard = peer.hears_call() => heard,
        }
    };
    let (kept, ()) = tokio::join!(client.call("a:b.c", &"kept"), async {
        let kept = peer.hears_call().await;
        peer.echoes(dropped).await;
        peer.echoes(kept).await;
    });
    assert_eq!(kept.unwrap().parse::<String>().unwrap(), "kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_dropped_at_any_moment_mix_nothing_up() {
    let (client, peer) = pair_with(&ConnectOptions::new().max_in_flight(limit(8))).await;
    let server = tokio::spawn(peer.echoes_on());
    let mut tasks = JoinSet::new();
    for task in 0..40_u64 {
        let client = client.clone();
        tasks.spawn(async move {
            for turn in 0..50_u64 {
                let asked = [task, turn];
                let patience = Duration::from_micros((task * 7 + turn * 13) % 400);
                if let Ok(outcome) = timeout(patience, client.call("a:b.c", &asked)).await {
                    assert_eq!(outcome.unwrap().parse::<[u64; 2]>().unwrap(), asked);
                }
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    // Every permit came back.
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        calls.spawn(async move { client.call("a:b.c", &()).await.unwrap() });
    }
    assert_eq!(calls.join_all().await.len(), 8);
    drop(client);
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_timed_out_leaves_the_connection_in_step() {
    let (client, mut peer) = pair().await;
    let after = Duration::from_secs(5);
    let options = CallOptions::new().timeout(after);
    let (late, call) = tokio::join!(
        client.call_with("a:b.c", &"late", options),
        peer.hears_call()
    );
    let late = late.unwrap_err();
    assert!(matches!(late, ClientError::TimedOut { after: a } if a == after));
    assert!(!late.is_retryable(), "it may have been carried out");

    peer.echoes(call).await;
    let (next, ()) = tokio::join!(client.call("a:b.c", &"next"), async {
        let call = peer.hears_call().await;
        peer.echoes(call).await;
    });
    assert_eq!(next.unwrap().parse::<String>().unwrap(), "next");
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_holds_for_every_request_or_for_none() {
    let limited = ConnectOptions::new().request_timeout(Duration::from_secs(1));
    let (client, _peer) = pair_with(&limited).await;
    let unlimited = CallOptions::new().timeout(None);
    assert!(matches!(
        client.list().await,
        Err(ClientError::TimedOut { .. })
    ));
    let patient = client.call_with("a:b.c", &(), unlimited);
    assert!(timeout(AGES, patient).await.is_err(), "it waits on");

    let (client, _peer) = pair_with(&limited.request_timeout(None)).await;
    assert!(timeout(AGES, client.ping()).await.is_err(), "it waits on");
}

#[tokio::test]
async fn a_call_dropped_before_it_was_sent_never_is() {
    let (client, mut peer) = pair().await;
    {
        let mut call = pin!(client.call("a:b.c", &"changed my mind"));
        begin(&mut call).await;
    }
    let (pong, ()) = tokio::join!(client.ping(), async {
        assert_eq!(peer.hears().await, Request::Ping);
        peer.says(r#"{"type":"pong"}"#).await;
    });
    pong.unwrap();
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_in_flight_a_request_waits() {
    let (client, mut peer) = pair_with(&ConnectOptions::new().max_in_flight(limit(2))).await;
    let server = async {
        let first = peer.hears_call().await;
        let second = peer.hears_call().await;
        assert!(peer.hears_nothing().await, "two are in flight");
        peer.echoes(first).await;
        let third = peer.hears_call().await;
        peer.echoes(second).await;
        peer.echoes(third).await;
    };
    let patient = || CallOptions::new().timeout(None);
    let (a, b, c, ()) = tokio::join!(
        client.call_with("a:b.c", &1, patient()),
        client.call_with("a:b.c", &2, patient()),
        client.call_with("a:b.c", &3, patient()),
        server
    );
    let results = [a, b, c].map(|outcome| outcome.unwrap().parse::<u8>().unwrap());
    assert_eq!(results, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_call_given_up_on_counts_as_in_flight_until_its_answer_comes() {
    let (client, mut peer) = pair_with(&ConnectOptions::new().max_in_flight(limit(1))).await;
    let first = {
        let mut call = pin!(client.call("a:b.c", &1));
        tokio::select! {
            _ = &mut call => panic!("nobody has answered yet"),
            heard = peer.hears_call() => heard,
        }
    };
    let options = CallOptions::new().timeout(None);
    let (second, ()) = tokio::join!(client.call_with("a:b.c", &2, options), async {
        assert!(peer.hears_nothing().await, "the first is in flight");
        peer.echoes(first).await;
        let second = peer.hears_call().await;
        peer.echoes(second).await;
    });
    assert_eq!(second.unwrap().parse::<u8>().unwrap(), 2);
}

/// The server reads no further before its answer is taken, and both are more
/// than any socket holds.
#[tokio::test]
async fn large_requests_and_answers_do_not_wait_for_each_other() {
    let (client, peer) = pair().await;
    let server = tokio::spawn(peer.echoes_on());
    let mut calls = JoinSet::new();
    for n in 0..10_u8 {
        let client = client.clone();
        calls.spawn(async move {
            let long = String::from_utf8(vec![b'a' + n % 26; 1 << 20]).unwrap();
            let outcome = client.call("a:b.c", &long).await.unwrap();
            assert!(outcome.parse::<String>().unwrap() == long);
        });
    }
    let all = timeout(Duration::from_secs(60), calls.join_all()).await;
    all.expect("it should not hang");
    drop(client);
    server.await.unwrap();
}
