//! How a connection ends well.

use std::{pin::pin, time::Duration};

use atd_client::{ClientError, CloseCause, ConnectOptions};
use tokio::time::timeout;

use crate::support::{AGES, begin, limit, pair, pair_with};

fn closed_here<T>(result: &Result<T, ClientError>) -> bool {
    matches!(
        result,
        Err(ClientError::Closed {
            cause: CloseCause::ByClient,
            ..
        })
    )
}

#[tokio::test]
async fn the_socket_closes_with_the_last_handle() {
    let (client, mut peer) = pair().await;
    let clone = client.clone();
    drop(client);
    let (pong, ()) = tokio::join!(clone.ping(), async {
        peer.hears().await;
        peer.says(r#"{"type":"pong"}"#).await;
    });
    pong.unwrap();
    drop(clone);
    assert!(peer.listen().await.is_none());
}

/// The server reads nothing, so most of what was asked cannot be sent.
#[tokio::test]
async fn the_last_handle_closes_the_socket_whatever_is_queued() {
    let (client, mut peer) = pair().await;
    {
        let long = "a".repeat(8 << 20);
        let (a, b) = (client.call("a:b.c", &long), client.call("a:b.c", &long));
        let (mut a, mut b) = (pin!(a), pin!(b));
        begin(&mut a).await;
        begin(&mut b).await;
        peer.hears_a_byte().await;
    }
    drop(client);
    let rest = peer.hears_the_rest().await;
    assert!(rest < 8 << 20, "most was not sent");
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_what_is_in_flight_and_takes_no_more() {
    let (client, mut peer) = pair().await;
    let (a, b, unanswered, late, ()) = tokio::join!(
        client.call("a:b.c", &1),
        client.call("a:b.c", &2),
        client.close(AGES),
        // Queued behind `close`.
        client.ping(),
        async {
            let a = peer.hears_call().await;
            let b = peer.hears_call().await;
            peer.echoes(a).await;
            peer.echoes(b).await;
            assert!(peer.listen().await.is_none(), "the socket is closed");
        }
    );
    assert_eq!(a.unwrap().parse::<u8>().unwrap(), 1);
    assert_eq!(b.unwrap().parse::<u8>().unwrap(), 2);
    assert_eq!(unanswered, 0);
    assert!(closed_here(&late));
    assert!(closed_here(&client.ping().await));
    assert_eq!(client.close(AGES).await, 0, "closing again changes nothing");
}

#[tokio::test(start_paused = true)]
async fn close_turns_away_at_once_who_waits_for_a_turn() {
    let one_by_one = ConnectOptions::new()
        .max_in_flight(limit(1))
        .request_timeout(None);
    let (client, mut peer) = pair_with(&one_by_one).await;
    let (first, second, unanswered) = tokio::join!(
        async {
            let (first, ()) = tokio::join!(client.call("a:b.c", &1), async {
                let call = peer.hears_call().await;
                assert!(peer.hears_nothing().await, "the second is not sent");
                peer.echoes(call).await;
            });
            first
        },
        async {
            let second = timeout(AGES / 60, client.call("a:b.c", &2)).await;
            second.expect("it should not wait for the first")
        },
        client.close(AGES * 2)
    );
    first.unwrap();
    assert!(closed_here(&second));
    assert_eq!(unanswered, 0);
}

#[tokio::test(start_paused = true)]
async fn close_says_how_many_were_left_unanswered() {
    let (client, mut peer) = pair().await;
    let (a, b, first, second, ()) = tokio::join!(
        client.call("a:b.c", &1),
        client.call("a:b.c", &2),
        client.close(AGES),
        // The shorter time counts.
        client.close(Duration::from_secs(1)),
        async {
            let a = peer.hears_call().await;
            peer.echoes(a).await;
            peer.hears_call().await;
        }
    );
    a.unwrap();
    assert!(closed_here(&b));
    assert_eq!((first, second), (1, 1));
    assert!(peer.listen().await.is_none(), "the socket is closed");
}

#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_an_answer_that_nobody_wants() {
    let (client, mut peer) = pair().await;
    {
        let mut call = pin!(client.call("a:b.c", &1));
        tokio::select! {
            _ = &mut call => panic!("nobody has answered yet"),
            _ = peer.hears_call() => {}
        }
    }
    let closed = timeout(AGES / 2, client.close(AGES)).await;
    assert_eq!(closed, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn close_goes_on_when_its_future_is_dropped() {
    let (client, mut peer) = pair().await;
    let (called, ()) = tokio::join!(client.call("a:b.c", &1), async {
        let call = peer.hears_call().await;
        {
            let mut close = pin!(client.close(AGES));
            begin(&mut close).await;
        }
        peer.echoes(call).await;
        assert!(peer.listen().await.is_none(), "the socket is closed");
    });
    called.unwrap();
    assert!(closed_here(&client.ping().await));
}

#[tokio::test]
async fn a_connection_lost_while_closing_is_told_to_those_who_waited() {
    let (client, mut peer) = pair().await;
    let (called, unanswered, ()) =
        tokio::join!(client.call("a:b.c", &1), client.close(AGES), async {
            peer.hears_call().await;
            drop(peer);
        });
    let Err(ClientError::Closed { cause, sent, .. }) = called else {
        panic!("{called:?} should say that the connection is over");
    };
    assert!(matches!(cause, CloseCause::ByServer) && sent);
    assert_eq!(unanswered, 1);
}
