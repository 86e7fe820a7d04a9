//! Each method, and what its answer becomes.

use std::collections::HashMap;

use atd_client::{CallOptions, ClientError, ProofAsked};
use atd_proto::{
    CapabilitySet, ErrorCode, Hello, JsonText, Request, RunTool, RunToolContinue, Tier,
    ToolDefinition, ToolFailure,
};
use serde_json::json;

use crate::support::{answered, pair};

#[tokio::test]
async fn ping_is_answered() {
    let (client, mut peer) = pair().await;
    let (pong, request) = tokio::join!(client.ping(), async {
        let request = peer.hears().await;
        peer.says(r#"{"type":"pong"}"#).await;
        request
    });
    pong.unwrap();
    assert_eq!(request, Request::Ping);
}

#[tokio::test]
async fn hello_says_who_it_is_and_hears_what_it_may() {
    let (client, mut peer) = pair().await;
    let hello = Hello {
        client_id: Some("me".to_owned()),
        requested_capabilities: CapabilitySet::from_iter(["read"]),
        ucan_tokens: vec!["a.b.c".to_owned()],
        proof: None,
    };
    let (ack, request) = tokio::join!(client.hello(hello.clone()), async {
        let request = peer.hears().await;
        peer.says(
            r#"{"type":"hello_ack","granted_capabilities":["read"],
                "server_version":"s 1","supported_tiers":["hot"],"extensions":["request_id"]}"#,
        )
        .await;
        request
    });
    let ack = ack.unwrap();
    assert_eq!(request, Request::Hello(hello));
    assert!(ack.granted_capabilities.contains("read"));
    assert_eq!(
        (&*ack.server_version, &*ack.supported_tiers),
        ("s 1", &[Tier::Hot][..])
    );
}

fn with_a_token() -> Hello {
    Hello {
        ucan_tokens: vec!["a.b.c".to_owned()],
        ..Hello::default()
    }
}

const CHALLENGED: &str =
    r#"{"type":"error","message":"prove it","code":1010,"details":{"challenge":"C"}}"#;

#[tokio::test]
async fn a_challenge_is_answered_by_a_hello_with_a_proof() {
    let (client, mut peer) = pair().await;
    let prove = |asked: ProofAsked<'_>| {
        assert!(asked.channel.starts_with("unix:"), "{}", asked.channel);
        Some(format!("{} for {}", asked.challenge, asked.tokens[0]))
    };
    let (ack, hellos) = tokio::join!(client.hello_proving(with_a_token(), prove), async {
        let first = peer.hears().await;
        peer.says(CHALLENGED).await;
        let second = peer.hears().await;
        peer.says(r#"{"type":"hello_ack","server_version":"s 1"}"#)
            .await;
        [first, second]
    });
    ack.unwrap();
    let proven = Hello {
        proof: Some("C for a.b.c".to_owned()),
        ..with_a_token()
    };
    assert_eq!(
        hellos,
        [Request::Hello(with_a_token()), Request::Hello(proven)]
    );
}

#[tokio::test]
async fn nothing_is_proved_that_nobody_asked_for_or_can_prove() {
    let (client, mut peer) = pair().await;
    let never = |_: ProofAsked<'_>| unreachable!("no challenge came");
    let proving = client.hello_proving(with_a_token(), never);
    let says = r#"{"type":"hello_ack","server_version":"s 1"}"#;
    answered(&mut peer, says, proving).await.unwrap();
    let proving = client.hello_proving(with_a_token(), never);
    let says = r#"{"type":"error","message":"expired","code":1011}"#;
    assert!(answered(&mut peer, says, proving).await.is_err());

    let proving = client.hello_proving(with_a_token(), |_| None);
    let refused = answered(&mut peer, CHALLENGED, proving).await.unwrap_err();
    assert!(refused.to_string().contains("prove it"), "{refused}");
}

#[tokio::test]
async fn the_catalog_and_a_definition_are_read() {
    let (client, mut peer) = pair().await;
    let definition = ToolDefinition::builder("a:b.c", "Does c").build();

    let says = json!({"type": "tool_list", "tools": [definition.summary()]}).to_string();
    let tools = answered(&mut peer, &says, client.list()).await.unwrap();
    assert_eq!(tools, [definition.summary()]);

    let says = json!({"type": "tool_schema", "schema": definition}).to_string();
    let (schema, request) = tokio::join!(client.schema("a:b.c"), async {
        let request = peer.hears().await;
        peer.says(&says).await;
        request
    });
    assert_eq!(schema.unwrap(), definition);
    let tool_id = "a:b.c".to_owned();
    assert_eq!(request, Request::ToolSchema { tool_id });
}

#[tokio::test]
async fn a_call_keeps_its_result_as_it_came_and_reads_it_when_asked() {
    let (client, mut peer) = pair().await;
    let args = json!({"n": 1});
    let (outcome, call) = tokio::join!(client.call("a:b.c", &args), async {
        let call = peer.hears_call().await;
        peer.says(
            r#"{"type":"tool_result","tool_id":"a:b.c","success":true,"dry_run":false,
                "result":{"n": 123456789012345678901234567890, "n": 2},"next_cursor":"more"}"#,
        )
        .await;
        call
    });
    assert_eq!(call, RunTool::new("a:b.c", &args).unwrap());

    let outcome = outcome.unwrap();
    assert_eq!(
        outcome.result().as_bytes(),
        br#"{"n": 123456789012345678901234567890, "n": 2}"#
    );
    assert_eq!(
        (outcome.tool_id(), outcome.next_cursor()),
        ("a:b.c", Some("more"))
    );
    assert!(!outcome.is_dry_run());
    let misfit = outcome.parse::<Vec<u8>>().unwrap_err();
    assert!(matches!(&misfit, ClientError::ResultShape { tool_id, .. } if tool_id == "a:b.c"));
    assert!(outcome.into_result().is_object());
}

#[tokio::test]
async fn a_dry_run_is_asked_for_and_told() {
    let (client, mut peer) = pair().await;
    let options = CallOptions::new().dry_run(true);
    let (outcome, call) = tokio::join!(client.call_with("a:b.c", &[1], options), async {
        let call = peer.hears_call().await;
        peer.says(
            r#"{"type":"tool_result","tool_id":"a:b.c","success":true,"dry_run":true,
                "result":{"dry_run":true,"tool_id":"a:b.c","args_preview":[1]}}"#,
        )
        .await;
        call
    });
    assert!(call.dry_run && outcome.unwrap().is_dry_run());
}

#[tokio::test]
async fn the_next_page_is_fetched() {
    let (client, mut peer) = pair().await;
    let (outcome, request) = tokio::join!(client.continue_call("a:b.c", "more"), async {
        let request = peer.hears().await;
        peer.says(r#"{"type":"tool_result","tool_id":"a:b.c","success":true,"result":[2]}"#)
            .await;
        request
    });
    let page = RunToolContinue {
        tool_id: "a:b.c".to_owned(),
        cursor: "more".to_owned(),
        traceparent: None,
    };
    assert_eq!(request, Request::RunToolContinue(page));
    let outcome = outcome.unwrap();
    assert_eq!(outcome.parse::<Vec<u8>>().unwrap(), [2]);
    assert_eq!(outcome.next_cursor(), None);
}

#[tokio::test]
async fn a_tool_that_failed_is_an_error_that_says_how() {
    let (client, mut peer) = pair().await;
    let mut check = async |result: &str, code: &str, message: &str, retryable: bool| {
        let says = format!(
            r#"{{"type":"tool_result","tool_id":"a:b.c","success":false,"result":{result}}}"#
        );
        let failed = answered(&mut peer, &says, client.call("a:b.c", &())).await;
        let Err(error) = failed else {
            panic!("{result} is a failure");
        };
        assert_eq!(error.is_retryable(), retryable, "{result}");
        let ClientError::ToolFailed {
            tool_id,
            failure,
            result: raw,
        } = error
        else {
            panic!("{error} should be a failure of the tool");
        };
        assert_eq!(tool_id, "a:b.c");
        assert_eq!(raw.as_bytes(), result.as_bytes());
        let (code, message) = (code.to_owned(), message.to_owned());
        let expected = ToolFailure {
            code,
            message,
            retryable,
        };
        assert_eq!(failure, expected, "{result}");
    };
    check(
        r#"{"code":"NOT_FOUND","message":"no such file","retryable":true}"#,
        "NOT_FOUND",
        "no such file",
        true,
    )
    .await;
    // What others have sent, and might.
    check(
        r#"{"message":"half","retryable":true}"#,
        "TOOL_FAILED",
        "half",
        true,
    )
    .await;
    check(
        r#"{"code":7,"error":"x"}"#,
        "TOOL_FAILED",
        r#"{"code":7,"error":"x"}"#,
        false,
    )
    .await;
    check(r#""in words""#, "TOOL_FAILED", "in words", false).await;
    check("null", "TOOL_FAILED", "null", false).await;
    let long = format!("[{}1]", "1,".repeat(1000));
    check(&long, "TOOL_FAILED", &long[..256], false).await;
}

#[tokio::test]
async fn a_refusal_keeps_code_advice_and_details() {
    let (client, mut peer) = pair().await;
    let says =
        r#"{"type":"error","message":"slow down","code":1002,"details":{"retry_after_ms":9}}"#;
    let refused = answered(&mut peer, says, client.call("a:b.c", &())).await;
    let error = refused.unwrap_err();
    assert!(error.is_retryable(), "the code says so");
    let body = error.server_error().unwrap();
    assert_eq!(body.code, Some(ErrorCode::RATE_LIMITED));
    assert_eq!(body.details, Some(json!({"retry_after_ms": 9})));
    assert_eq!(
        error.to_string(),
        "the server refused: slow down [rate limited (1002)]"
    );

    // Any request may be refused, and what the server says of retrying counts.
    let says = r#"{"type":"error","message":"no","code":1002,"retryable":false}"#;
    let refused = answered(&mut peer, says, client.list()).await.unwrap_err();
    assert!(matches!(&refused, ClientError::Refused(_)) && !refused.is_retryable());
    let says = r#"{"type":"error","message":"tool not found"}"#;
    let refused = answered(&mut peer, says, client.schema("x")).await;
    assert_eq!(refused.unwrap_err().server_error().unwrap().code, None);
}

#[tokio::test]
async fn arguments_without_a_json_form_are_not_sent() {
    let (client, mut peer) = pair().await;
    let no_json = HashMap::from([((1, 2), 3)]);
    let error = client.call("a:b.c", &no_json).await.unwrap_err();
    assert!(matches!(error, ClientError::Arguments { tool_id, .. } if tool_id == "a:b.c"));
    answered(&mut peer, r#"{"type":"pong"}"#, client.ping())
        .await
        .unwrap();
}

#[tokio::test]
async fn arguments_that_are_text_already_are_sent_as_they_are() {
    let (client, mut peer) = pair().await;
    let text = r#"{"n": 1e999}"#;
    let args = JsonText::parse(text).unwrap();
    let (outcome, ()) = tokio::join!(client.call("a:b.c", &args), async {
        let call = peer.hears_call().await;
        peer.echoes(call).await;
    });
    assert_eq!(outcome.unwrap().result().as_bytes(), text.as_bytes());
}

/// X2: what the other side says adds no line to a log.
#[tokio::test]
async fn errors_stay_on_one_line_whatever_the_server_says() {
    let (client, mut peer) = pair().await;
    let check = |error: &ClientError| {
        let shown = error.to_string();
        let nasty = ['\n', '\u{2028}', '\u{1b}', '\u{202e}'];
        assert!(!shown.contains(nasty), "{shown:?}");
        assert!(shown.contains(r"a\nb\u{2028}c"), "{shown}");
    };
    let nasty = r"a\nb\u2028c\u001b[31m\u202ed";
    for says in [
        format!(r#"{{"type":"error","message":"{nasty}"}}"#),
        format!(r#"{{"type":"{nasty}"}}"#),
        format!(
            r#"{{"type":"tool_result","tool_id":"{nasty}","success":false,
                "result":{{"code":"{nasty}","message":"{nasty}","retryable":false}}}}"#
        ),
    ] {
        let error = answered(&mut peer, &says, client.call("a:b.c", &())).await;
        check(&error.unwrap_err());
    }
    let says = format!(
        r#"{{"type":"tool_list","tools":[{{"id":"","description":"","tier":"{nasty}"}}]}}"#
    );
    check(&answered(&mut peer, &says, client.list()).await.unwrap_err());
    let says =
        format!(r#"{{"type":"tool_result","tool_id":"","result":"{nasty}","success":true}}"#);
    let outcome = answered(&mut peer, &says, client.call("a:b.c", &())).await;
    check(&outcome.unwrap().parse::<Tier>().unwrap_err());
}
