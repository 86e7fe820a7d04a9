//! What becomes of frames that are not what they should be.

use atd_proto::{DecodeError, Hello, JsonText, MAX_NESTING, Request, Response, RunTool};
use proptest::prelude::*;

fn decode(frame: impl AsRef<[u8]>) -> Result<Request, DecodeError> {
    Request::decode(frame.as_ref().to_vec().into())
}

fn nested(levels: usize) -> String {
    // The request's own object is the first level.
    let inner = levels - 1;
    format!(
        r#"{{"type":"run_tool","tool_id":"a","args":{}{}}}"#,
        "[".repeat(inner),
        "]".repeat(inner)
    )
}

fn check(frame: impl AsRef<[u8]>, message: &str) {
    let error = decode(&frame).expect_err("the frame is no request");
    assert!(
        error.to_string().contains(message),
        "`{error}` should say `{message}`"
    );
}

/// F2: a typed error for every frame that is whole and no request.
#[test]
fn a_frame_that_is_no_request_says_what_is_wrong_and_what_would_be_right() {
    check("", "empty");
    check("   ", "JSON object");
    check("nonsense", "JSON object");
    check("[]", "JSON object");
    check(r#"["ping"]"#, "JSON object");
    check("\"ping\"", "JSON object");
    check(r#"{"type":"ping""#, "EOF");
    check(r#"{"type":"ping"} {}"#, "trailing characters");
    check(
        b"{\"type\":\"ping\",\"x\":\"\xff\"}",
        "not UTF-8 from byte 20",
    );
    check("{}", "run_tool_continue");
    check(r#"{"type":null}"#, "ping, hello");
    check(r#"{"type":7}"#, "expected a string");
    check(r#"{"type":"PING"}"#, "`PING` is not known");
    check(r#"{"type":"ping","type":"ping"}"#, "duplicate field `type`");
    check(r#"{"type":"run_tool"}"#, "lacks its field `tool_id`");
    check(
        r#"{"type":"run_tool","tool_id":null}"#,
        "`tool_id` of `run_tool`",
    );
    check(
        r#"{"type":"run_tool","tool_id":"a","dry_run":null}"#,
        "`dry_run` of `run_tool`",
    );
    check(
        r#"{"type":"run_tool","tool_id":"a","dry_run":"yes"}"#,
        "expected a boolean",
    );
    check(
        r#"{"type":"run_tool","tool_id":"a","args":1,"args":2}"#,
        "duplicate field `args`",
    );
    check(r#"{"type":"run_tool","tool_id":"a","args":01}"#, "invalid");
    check(
        r#"{"type":"tool_schema","tool_id":["a"]}"#,
        "expected a string",
    );
    check(r#"{"type":"run_tool_continue","tool_id":"a"}"#, "`cursor`");
    check(
        r#"{"type":"hello","requested_capabilities":"read"}"#,
        "expected a sequence",
    );
    check(
        r#"{"type":"hello","client_id":1}"#,
        "`client_id` of `hello`",
    );
}

/// F2: nesting 127, 128, 129, 200,000.
#[test]
fn nesting_is_taken_to_the_limit_and_refused_beyond() {
    assert!(decode(nested(MAX_NESTING)).is_ok());
    for levels in [MAX_NESTING + 1, MAX_NESTING + 2, 200_000] {
        assert!(matches!(decode(nested(levels)), Err(DecodeError::TooDeep)));
    }
    let brackets_in_a_string = format!(
        r#"{{"type":"run_tool","tool_id":"a","args":"\"{}"}}"#,
        "[".repeat(1000)
    );
    assert!(decode(brackets_in_a_string).is_ok());
}

/// F2: 1e999, 2⁵³+1 and a 30-digit integer.
#[test]
fn numbers_of_any_size_arrive_as_they_were_sent() {
    for number in [
        "1e999",
        "9007199254740993",
        "123456789012345678901234567890",
    ] {
        let frame = format!(r#"{{"type":"run_tool","tool_id":"a","args":[{number}]}}"#);
        let Ok(Request::RunTool(call)) = decode(frame) else {
            panic!("{number} is JSON");
        };
        assert_eq!(call.args.as_bytes(), format!("[{number}]").as_bytes());
    }
}

/// F2: missing, null and extra fields.
#[test]
fn absent_fields_have_their_defaults_and_unknown_ones_are_ignored() {
    let call = Request::RunTool(RunTool::new("a", &serde_json::json!({})).unwrap());
    assert_eq!(
        decode(r#"{"tool_id":"a","type":"run_tool"}"#).unwrap(),
        call
    );
    assert_eq!(
        decode(r#"{"type":"ping","tool_id":5,"x":{"y":[]}}"#).unwrap(),
        Request::Ping
    );
    assert_eq!(
        decode(r#"{"type":"hello","client_id":null}"#).unwrap(),
        Request::Hello(Hello::default())
    );
    let Ok(Request::RunTool(call)) = decode(r#"{"type":"run_tool","tool_id":"a","args":null}"#)
    else {
        panic!("null is an argument");
    };
    assert_eq!(call.args.as_bytes(), b"null");
}

#[test]
fn an_unknown_type_is_cut_before_it_is_shown() {
    let error = decode(format!(r#"{{"type":"{}"}}"#, "x".repeat(1_000_000))).unwrap_err();
    assert!(error.to_string().len() < 300);
    let error = decode("{\"type\":\"a\\nb\"}").unwrap_err();
    assert!(!error.to_string().contains('\n'));
}

#[test]
fn arguments_never_show_in_debug_output() {
    let call = RunTool::new("a", &["secret"]).unwrap();
    assert!(!format!("{call:?}").contains("secret"));
}

#[test]
fn json_text_is_exactly_one_value() {
    assert!(JsonText::parse("{} {}").is_err());
    assert!(JsonText::parse("").is_err());
    assert!(JsonText::parse(vec![b'"', 0xff, b'"']).is_err());
    assert_eq!(JsonText::parse(" [1] ").unwrap().as_bytes(), b"[1]");
}

#[test]
fn a_value_is_written_up_to_the_limit_and_no_further() {
    let check = |value: &str, limit: usize, fits: bool| {
        let written = JsonText::from_value_within(value, limit).unwrap();
        assert_eq!(written.is_some(), fits, "{value:?} in {limit}");
    };
    check("abc", 5, true);
    check("abc", 4, false);
    check("\n", 4, true);
    check("\n", 3, false);
    check("", 0, false);
    // A value may not take the writer's word for it and go on.
    struct Stubborn;
    impl serde::Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut all = serializer.serialize_seq(None)?;
            while all.serialize_element("on and on").is_ok() {}
            all.end()
        }
    }
    assert_eq!(JsonText::from_value_within(&Stubborn, 1_000).unwrap(), None);
}

proptest! {
    #[test]
    fn decoding_never_panics(frame in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&frame);
        let _ = Response::decode(frame.into());
    }

    #[test]
    fn any_call_survives_the_wire(tool_id in ".*", args in ".*", dry_run: bool) {
        let call = Request::RunTool(RunTool {
            tool_id,
            args: JsonText::from_value(&args).unwrap(),
            dry_run,
            traceparent: None,
        });
        let mut body = Vec::new();
        call.encode(&mut body);
        prop_assert_eq!(decode(body).unwrap(), call);
    }
}

/// A trace that is not valid is none, as the W3C says: no call fails for it.
#[test]
fn a_trace_is_read_where_it_is_valid() {
    let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (field, is_read) in [
        (format!("{valid:?}"), true),
        (format!("{:?}", valid.to_uppercase()), false),
        ("7".to_owned(), false),
        ("null".to_owned(), false),
    ] {
        for message in [
            r#""type":"run_tool","args":{}"#,
            r#""type":"run_tool_continue","cursor":"c""#,
        ] {
            let frame = format!(r#"{{{message},"tool_id":"a:b.c","traceparent":{field}}}"#);
            let trace = match Request::decode(frame.clone().into_bytes().into()) {
                Ok(Request::RunTool(call)) => call.traceparent,
                Ok(Request::RunToolContinue(next)) => next.traceparent,
                other => panic!("{frame}: {other:?}"),
            };
            assert_eq!(trace.is_some(), is_read, "{frame}");
            let mut again = Vec::new();
            Request::decode(frame.into_bytes().into())
                .unwrap()
                .encode(&mut again);
            let text = String::from_utf8(again).unwrap();
            assert_eq!(text.contains(valid), is_read, "{text}");
        }
    }
}
