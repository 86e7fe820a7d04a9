//! Ids that tell which answer belongs to which request.

use atd_proto::{
    JsonText, RejectedFrame, Request, Response, RunTool, TaggedRequest, TaggedResponse,
};
use proptest::prelude::*;

fn decode(frame: &str) -> Result<TaggedRequest, RejectedFrame> {
    TaggedRequest::decode(frame.as_bytes().to_vec().into())
}

#[test]
fn a_request_is_read_with_its_id() {
    let check = |frame: &str, id: Option<u64>, progress: bool| {
        let read = decode(frame).unwrap();
        assert_eq!((read.request_id, read.progress), (id, progress), "{frame}");
    };
    check(r#"{"type":"ping"}"#, None, false);
    check(r#"{"type":"ping","request_id":0}"#, Some(0), false);
    check(
        r#"{"request_id":18446744073709551615,"progress":true,"type":"run_tool","tool_id":"a"}"#,
        Some(u64::MAX),
        true,
    );
    // Without an id it says nothing, whatever it is.
    check(r#"{"type":"ping","progress":"much"}"#, None, false);
    // The id of a cancel is that of the call that it ends.
    check(r#"{"type":"cancel","request_id":7}"#, None, false);
    assert_eq!(
        decode(r#"{"type":"cancel","request_id":7}"#)
            .unwrap()
            .request,
        Request::Cancel { request_id: 7 }
    );
}

#[test]
fn a_frame_that_is_no_request_keeps_the_id_that_it_can_be_answered_with() {
    let check = |frame: &str, id: Option<u64>, says: &str| {
        let rejected = decode(frame).unwrap_err();
        assert_eq!(rejected.request_id, id, "{frame}");
        assert!(rejected.to_string().contains(says), "{rejected}");
    };
    check(
        r#"{"type":"run_tool","request_id":7}"#,
        Some(7),
        "`tool_id`",
    );
    check(r#"{"type":"dance","request_id":7}"#, Some(7), "cancel");
    check(
        r#"{"type":"ping","request_id":7,"progress":1}"#,
        Some(7),
        "expected a boolean",
    );
    for id in ["-1", "1.5", "\"7\"", "null", "18446744073709551616"] {
        let frame = format!(r#"{{"type":"ping","request_id":{id}}}"#);
        check(&frame, None, "`request_id`");
    }
    check(r#"{"type":"cancel"}"#, None, "`cancel` lacks its field");
}

#[test]
fn an_answer_carries_its_id_last() {
    let mut out = b"before".to_vec();
    let answer = TaggedResponse {
        request_id: Some(7),
        response: Response::Pong,
    };
    answer.encode(&mut out);
    assert_eq!(out, br#"before{"type":"pong","request_id":7}"#);
    assert_eq!(
        TaggedResponse::decode(out.split_off(6).into()).unwrap(),
        answer
    );
    let check = |frame: &str, id: Option<u64>| {
        let wrong = TaggedResponse::decode(frame.as_bytes().to_vec().into()).unwrap_err();
        assert_eq!(wrong.request_id, id, "{frame}");
    };
    check(r#"{"type":"pong","request_id":-1}"#, None);
    check(r#"{"type":"tool_result","request_id":1}"#, Some(1));
}

proptest! {
    #[test]
    fn any_tagged_call_survives_the_wire(
        request_id: Option<u64>,
        wants_progress: bool,
        args in ".*",
    ) {
        let call = TaggedRequest {
            request_id,
            progress: wants_progress && request_id.is_some(),
            request: Request::RunTool(RunTool {
                tool_id: "a".into(),
                args: JsonText::from_value(&args).unwrap(),
                dry_run: false,
                traceparent: None,
            }),
        };
        let mut body = Vec::new();
        call.encode(&mut body);
        prop_assert_eq!(TaggedRequest::decode(body.into()).unwrap(), call);
    }
}
