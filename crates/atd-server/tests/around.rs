//! What stands around a tool: the secrets before it, the middleware after it.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use atd_audit::Outcome;
use atd_proto::ErrorCode;
use atd_registry::{BrokerError, SecretBundle, SecretRequest, TokenBroker};
use atd_server::Server;
use serde_json::json;
use support::*;

struct Broker {
    asked: AtomicUsize,
    hang: bool,
}

#[async_trait]
impl TokenBroker for Broker {
    async fn resolve(
        &self,
        request: SecretRequest<'_>,
    ) -> Result<Option<SecretBundle>, BrokerError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.hang {
            std::future::pending::<()>().await;
        }
        if request.tool_id == "test:ok.typed" {
            return Err(BrokerError::new("canary-broker"));
        }
        let secret = ("bearer", format!("for {}", request.verified_id).into());
        Ok(Some([secret].into_iter().collect()))
    }
}

fn with_broker(hang: bool) -> (Server, Arc<Broker>, Arc<atd_audit::MemoryAuditSink>) {
    let broker = Arc::new(Broker {
        asked: AtomicUsize::new(0),
        hang,
    });
    let (builder, audit) = builder();
    let server = builder.broker(broker.clone()).tiers(short_tiers()).build();
    (server.unwrap(), broker, audit)
}

/// U5: a self-asserted client id alone never selects a secret.
#[tokio::test]
async fn a_name_that_a_client_gives_itself_selects_no_secret() {
    let (server, broker, audit) = with_broker(false);
    let mut session = anonymous(&server);
    hello(&server, &mut session, "uid:0").await;
    run(&server, &session, call("test:ok.echo", json!({}))).await;
    assert_eq!(broker.asked.load(Ordering::SeqCst), 0);
    assert!(!only_event(&audit).secrets_resolved);

    let known = server
        .dispatcher()
        .connect(Some(own_credentials()))
        .unwrap();
    run(&server, &known, call("test:ok.echo", json!({}))).await;
    assert!(audit.events()[1].secrets_resolved);
    let (code, body) =
        error(run(&server, &known, call("test:ok.typed", json!({"count": 1}))).await);
    assert_eq!(code, ErrorCode::BROKER_FAILED);
    assert!(!body.message.contains("canary"));
    assert!(!audit.events()[2].secrets_resolved);
}

/// D7: a secret source that hangs: answered by the deadline.
#[tokio::test(start_paused = true)]
async fn a_secret_source_that_hangs_is_cut_at_the_calls_deadline() {
    let (server, _, audit) = with_broker(true);
    let known = server
        .dispatcher()
        .connect(Some(own_credentials()))
        .unwrap();
    let (code, _) = error(run(&server, &known, call("test:bad.panics", json!({}))).await);
    assert_eq!(code, ErrorCode::BROKER_FAILED);
    // Its one permit came back.
    run(
        &server,
        &anonymous(&server),
        call("test:bad.panics", json!({"never": 1})),
    )
    .await;
    assert_eq!(audit.events()[1].outcome, Outcome::Success);
}
