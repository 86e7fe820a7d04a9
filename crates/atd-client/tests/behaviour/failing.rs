//! Connections that end badly, and answers that are none.

use std::{pin::pin, time::Duration};

use atd_client::{Client, ClientError, CloseCause, ConnectOptions};
use atd_proto::{ErrorBody, ErrorCode, FrameError, MAX_FRAME_BODY};
use tokio::net::UnixListener;

use crate::support::{Peer, answered, begin, limit, pair, pair_with, socket_in};

const PONG: &str = r#"{"type":"pong"}"#;
const FULL: &str =
    r#"{"type":"error","message":"too many connections","code":1033,"retryable":true}"#;

/// How the connection ended, as `result` has it, and whether its request may
/// have been carried out.
fn closed<T: std::fmt::Debug>(
    result: Result<T, ClientError>,
) -> (CloseCause, Option<ErrorBody>, bool) {
    match result {
        Err(ClientError::Closed { cause, said, sent }) => {
            (cause, said.map(|said| (*said).clone()), sent)
        }
        other => panic!("{other:?} should say that the connection is over"),
    }
}

#[tokio::test]
async fn a_lost_connection_fails_what_is_in_flight_and_all_that_comes_later() {
    let (client, mut peer) = pair_with(&ConnectOptions::new().max_in_flight(limit(2))).await;
    let (a, b, c, ()) = tokio::join!(
        client.call("a:b.c", &1),
        client.call("a:b.c", &2),
        // This one has not had its turn.
        client.call("a:b.c", &3),
        async {
            peer.hears_call().await;
            peer.hears_call().await;
            drop(peer);
        }
    );
    for (result, may_have_run) in [(a, true), (b, true), (c, false)] {
        let (cause, said, sent) = closed(result);
        assert!(matches!(cause, CloseCause::ByServer), "{cause:?}");
        assert_eq!((said, sent), (None, may_have_run));
    }
    for _ in 0..3 {
        let (cause, _, sent) = closed(client.ping().await);
        assert!(matches!(cause, CloseCause::ByServer) && !sent);
    }
    assert_eq!(client.close(Duration::MAX).await, 0);
    assert_eq!(
        client.ping().await.unwrap_err().to_string(),
        "the connection is over: the server closed it; the request was not sent"
    );
}

#[tokio::test]
async fn a_server_that_leaves_requests_unread_has_closed_the_connection() {
    let (client, mut peer) = pair().await;
    let (called, ()) = tokio::join!(client.call("a:b.c", &1), async {
        peer.hears_a_byte().await;
        drop(peer);
    });
    let (cause, _, sent) = closed(called);
    assert!(matches!(cause, CloseCause::ByServer), "{cause:?}");
    assert!(sent);
}

#[tokio::test]
async fn what_was_still_queued_when_the_connection_ended_was_not_sent() {
    let (client, mut peer) = pair().await;
    let long = "a".repeat(8 << 20);
    let (begun, queued, ()) = tokio::join!(
        client.call("a:b.c", &long),
        client.call("a:b.c", &2),
        async {
            peer.hears_a_byte().await;
            drop(peer);
        }
    );
    let (.., begun_sent) = closed(begun);
    let (.., queued_sent) = closed(queued);
    assert_eq!((begun_sent, queued_sent), (true, false));
}

#[tokio::test]
async fn an_answer_cut_short_says_where() {
    let (client, mut peer) = pair().await;
    let (called, ()) = tokio::join!(client.ping(), async {
        peer.hears().await;
        peer.says_bytes(b"\0\0\0\x0f{\"type\"").await;
        drop(peer);
    });
    let (cause, ..) = closed(called);
    let cut = FrameError::Truncated {
        got: 11,
        expected: 19,
    };
    assert!(
        matches!(cause, CloseCause::Frame(error) if error == cut),
        "{cause:?}"
    );
}

#[tokio::test]
async fn whole_answers_before_the_end_still_count() {
    let (client, mut peer) = pair().await;
    let (a, b, c, ()) = tokio::join!(client.ping(), client.ping(), client.ping(), async {
        for _ in 0..3 {
            peer.hears().await;
        }
        peer.says(PONG).await;
        peer.says(PONG).await;
        drop(peer);
    });
    a.unwrap();
    b.unwrap();
    closed(c);
}

/// As a server does that has no room for another connection.
#[tokio::test]
async fn a_server_that_closes_on_connect_is_heard_out() {
    for first_word_before_request in [true, false] {
        let (client, mut peer) = pair().await;
        let error = if first_word_before_request {
            peer.says(FULL).await;
            drop(peer);
            client.ping().await.unwrap_err()
        } else {
            let mut ping = pin!(client.ping());
            begin(&mut ping).await;
            peer.says(FULL).await;
            drop(peer);
            ping.await.unwrap_err()
        };
        let said = error.server_error().expect("the server gave a reason");
        assert_eq!(said.code, Some(ErrorCode::OVERLOADED));
        assert!(error.is_retryable());
        assert!(
            error.to_string().contains("too many connections"),
            "{error}"
        );

        let (cause, said, sent) = closed(client.ping().await);
        assert!(matches!(cause, CloseCause::ByServer) && !sent);
        assert_eq!(said.unwrap().message, "too many connections");
    }
}

#[tokio::test]
async fn those_behind_a_request_that_ended_the_connection_hear_why() {
    let (client, mut peer) = pair().await;
    let (first, second, ()) = tokio::join!(client.ping(), client.ping(), async {
        peer.hears().await;
        peer.says(r#"{"type":"error","message":"frame too large","code":1031}"#)
            .await;
        drop(peer);
    });
    assert!(matches!(first, Err(ClientError::Refused(_))));
    let (_, said, _) = closed(second);
    assert_eq!(said.unwrap().code, Some(ErrorCode::FRAME_TOO_LARGE));
}

#[tokio::test]
async fn an_ordinary_refusal_is_not_taken_for_the_reason_of_a_later_end() {
    let (client, mut peer) = pair().await;
    let says = r#"{"type":"error","message":"tool not found","code":1041}"#;
    let refused = answered(&mut peer, says, client.call("a:b.c", &())).await;
    assert!(matches!(refused, Err(ClientError::Refused(_))));
    drop(peer);
    let (_, said, _) = closed(client.ping().await);
    assert_eq!(said, None);
}

#[tokio::test]
async fn a_frame_that_is_no_answer_fails_its_request_alone() {
    let (client, mut peer) = pair().await;
    for garbage in [
        "",
        "nonsense",
        "[]",
        "{}",
        r#"{"type":"tidings"}"#,
        r#"{"type":"tool_list"}"#,
        &"[".repeat(1000),
    ] {
        let error = answered(&mut peer, garbage, client.list()).await;
        let error = error.unwrap_err();
        assert!(matches!(error, ClientError::Undecodable(_)), "{error}");
        answered(&mut peer, PONG, client.ping()).await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_of_the_wrong_type_ends_the_connection() {
    let (client, mut peer) = pair().await;
    let (list, ping, ()) = tokio::join!(client.list(), client.ping(), async {
        peer.hears().await;
        peer.hears().await;
        peer.says(PONG).await;
        peer.says(r#"{"type":"tool_list","tools":[]}"#).await;
    });
    assert!(matches!(
        list,
        Err(ClientError::Unexpected {
            expected: "tool_list",
            got: "pong"
        })
    ));
    let (cause, ..) = closed(ping);
    assert!(matches!(cause, CloseCause::OutOfStep), "{cause:?}");
    assert!(peer.listen().await.is_none(), "the socket is closed");
}

#[tokio::test]
async fn an_answer_to_no_question_ends_the_connection() {
    for unasked in [PONG, "nonsense"] {
        let (client, mut peer) = pair().await;
        peer.says(unasked).await;
        assert!(peer.listen().await.is_none(), "the socket is closed");
        let (cause, ..) = closed(client.ping().await);
        assert!(matches!(cause, CloseCause::OutOfStep), "{cause:?}");
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_ends_the_connection() {
    let small = ConnectOptions::new().max_answer(std::num::NonZeroUsize::new(100).unwrap());
    for (options, length, limit) in [
        (
            ConnectOptions::new(),
            MAX_FRAME_BODY as u32 + 1,
            MAX_FRAME_BODY,
        ),
        (
            ConnectOptions::new(),
            u32::from_be_bytes(*b"HTTP"),
            MAX_FRAME_BODY,
        ),
        (small, 101, 100),
    ] {
        let (client, mut peer) = pair_with(&options).await;
        let (called, ()) = tokio::join!(client.ping(), async {
            peer.hears().await;
            peer.says_bytes(&length.to_be_bytes()).await;
        });
        let (cause, ..) = closed(called);
        let length = length as usize;
        let too_large = FrameError::TooLarge { length, limit };
        assert!(
            matches!(cause, CloseCause::Frame(error) if error == too_large),
            "{cause:?}"
        );
    }
}

#[tokio::test]
async fn a_request_over_the_limit_is_not_sent_and_harms_no_other() {
    let (client, mut peer) = pair().await;
    let long = "a".repeat(MAX_FRAME_BODY);
    let (before, refused, after, ()) = tokio::join!(
        client.ping(),
        client.call("a:b.c", &long),
        client.ping(),
        async {
            for _ in 0..2 {
                peer.hears().await;
                peer.says(PONG).await;
            }
        }
    );
    before.unwrap();
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, ClientError::RequestTooLarge(_)),
        "{refused}"
    );
    after.unwrap();
}

#[test]
fn a_client_outlives_its_runtime_and_says_so() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let dir = tempfile::tempdir().unwrap();
    let one = ConnectOptions::new().max_in_flight(limit(1));
    let (client, _peer) = first.block_on(async {
        let listener = UnixListener::bind(socket_in(&dir)).unwrap();
        let client: Client = one.connect(socket_in(&dir)).await.unwrap();
        let mut peer = Peer::new(listener.accept().await.unwrap().0);
        let mut ping = pin!(client.ping());
        tokio::select! {
            _ = &mut ping => panic!("nobody has answered yet"),
            _ = peer.hears() => {}
        }
        (client.clone(), peer)
    });
    // The one permit is with the driver.
    let second = runtime();
    let waiting = {
        let client = client.clone();
        second.spawn(async move { client.ping().await })
    };
    drop(first);
    let (cause, _, sent) = closed(second.block_on(waiting).unwrap());
    assert!(matches!(cause, CloseCause::RuntimeGone) && !sent);
    let (cause, _, sent) = closed(second.block_on(client.ping()));
    assert!(matches!(cause, CloseCause::RuntimeGone) && !sent);
}
