//! Many clients at once, through the binary.

mod support;

use std::num::NonZeroU32;

use atd_runtime::client::ConnectOptions;
use serde_json::{Value, json};
use support::Serving;
use tokio::task::JoinSet;

const CLIENTS: usize = 100;
const CALLS: usize = 1_000;

/// 100 clients with 1,000 calls each: as many results, and as many lines in
/// the log, none dropped at the default settings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_clients_get_every_answer_and_every_call_its_line() {
    let mut serving = Serving::start(&[]);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let socket = serving.socket();
        clients.spawn(async move {
            let patient = ConnectOptions::new().attempts(NonZeroU32::MIN.saturating_add(20));
            let connection = patient.connect(socket).await.unwrap();
            for call in 0..CALLS {
                let args = json!({"client": client, "call": call});
                let answer = connection.call("ref:echo.say", &args).await.unwrap();
                assert_eq!(answer.parse::<Value>().unwrap()["echoed"], args);
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    let (status, last) = serving.end();
    assert!(status.success(), "{last}");
    assert!(
        last.contains("Calls served: 100000, on connections: 100."),
        "{last}"
    );
    assert!(!last.contains("lost"), "{last}");

    let log = serving.log();
    let mut ids: Vec<String> = log
        .lines()
        .map(|line| {
            let event: atd_audit::CallEvent = serde_json::from_str(line).unwrap();
            event.call_id
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(
        (log.lines().count(), ids.len()),
        (CLIENTS * CALLS, CLIENTS * CALLS)
    );
}
