//! Arguments, and what breaks them.

use atd_proto::JsonText;
use atd_registry::{Args, ArgumentError, CallContext, Schema, SecretBundle, ToolCallError};
use serde::Deserialize;
use serde_json::{Value, json};

fn args(text: &str) -> Args {
    Args::new(JsonText::parse(text.to_owned()).unwrap())
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only whether it parses is looked at")]
struct Deep {
    list: Vec<Inner>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only whether it parses is looked at")]
struct Inner {
    count: u8,
}

#[test]
fn parsing_names_the_path_that_was_wrong() {
    let error = args(r#"{"list":[{"count":1},{"count":300}]}"#)
        .parse::<Deep>()
        .unwrap_err();
    let ToolCallError::InvalidArgs(errors) = error else {
        panic!("{error}");
    };
    assert_eq!(errors[0].path, "/list/1/count");
    assert!(errors[0].message.contains("300"));
}

#[test]
fn a_schema_tells_every_violation_with_its_path_and_repeats_no_value() {
    let schema = Schema::compile(&json!({
        "type": "object",
        "properties": {"path": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}},
        "required": ["path", "mode"],
        "additionalProperties": false,
    }))
    .unwrap();
    assert!(schema.check(&args(r#"{"path":"a","mode":1}"#)).is_err());
    let broken = schema
        .check(&args(r#"{"path":"ok","limit":-77,"zz":"hunter2"}"#))
        .unwrap_err();
    let paths: Vec<&str> = broken.errors.iter().map(|e| e.path.as_str()).collect();
    assert!(
        paths.contains(&"/limit") && paths.contains(&""),
        "{broken:?}"
    );
    let text = broken.errors.iter().map(ArgumentError::to_string);
    let text = text.collect::<Vec<_>>().join("\n");
    assert!(text.contains("mode"), "{text}");
    assert!(!text.contains("-77") && !text.contains("hunter2"), "{text}");
    assert!(
        !broken.rules.concat().contains("zz"),
        "rules come from the schema alone"
    );
}

#[test]
fn schemas_that_take_anything_or_any_object_still_check_that_much() {
    let anything = Schema::compile(&json!({"title": "x"})).unwrap();
    assert!(anything.check(&args("1e999")).is_ok());
    let any_object =
        Schema::compile(&json!({"type": "object", "additionalProperties": true})).unwrap();
    assert!(any_object.check(&args(r#"{"n":1e999}"#)).is_ok());
    for other in ["null", "[]", "1", "\"{}\""] {
        assert!(any_object.check(&args(other)).is_err(), "{other}");
    }
    let integer = Schema::compile(&json!({"type": "integer"})).unwrap();
    assert!(integer.check(&args("{}")).is_err());
}

#[test]
fn a_number_beyond_range_is_a_violation_and_no_panic() {
    let schema = Schema::compile(&json!({"required": ["n"]})).unwrap();
    assert!(schema.check(&args(r#"{"n":1e999}"#)).is_err());
}

/// Half of a surrogate pair is JSON, and so is what nests without end.
#[test]
fn what_no_tree_holds_breaks_a_schema_that_says_something_of_its_strings_or_members() {
    let schema = Schema::compile(&json!({
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
    }))
    .unwrap();
    assert!(schema.check(&args(r#"{"text":"\ud83d\ude00"}"#)).is_ok());
    let deep = format!(
        r#"{{"text":"","more":{}{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    for text in [
        r#"{"text":"\ud83d"}"#,
        r#"{"text":"","more":["\ude00"]}"#,
        r#"{"text":"","more":{"\ud83d":1}}"#,
        &deep,
    ] {
        let args = args(text);
        assert!(args.tree().is_err());
        assert!(schema.check(&args).is_err(), "{text}");
    }
}

#[test]
fn a_pattern_that_backtracks_without_end_is_cut_short() {
    let schema = Schema::compile(&json!({"pattern": "^(a+)+(?!b)$"})).unwrap();
    let hostile = format!("\"{}c\"", "a".repeat(40));
    assert!(schema.check(&args(&hostile)).is_err());
}

#[test]
fn the_tree_is_there_for_who_asks() {
    let args = args(r#"{"a":[1]}"#);
    assert_eq!(args.tree().unwrap(), &json!({"a": [1]}));
    assert_eq!(args.parse::<Value>().unwrap()["a"][0], 1);
}

/// X1: secrets and arguments stay out of debug output.
#[test]
fn debug_output_shows_neither_secrets_nor_arguments() {
    let bundle: SecretBundle = [("bearer", "canary-1".to_owned().into())]
        .into_iter()
        .collect();
    let mut setup = atd_registry::CallSetup::for_test();
    setup.secrets = Some(bundle);
    let ctx = CallContext::new(setup);
    let read = args("\"canary-2\"");
    read.tree().unwrap();
    let shown = format!("{ctx:?} {read:?}");
    assert!(
        shown.contains("bearer") && !shown.contains("canary"),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_left_runs_out() {
    let ctx = CallContext::for_test();
    let before = ctx.time_left();
    tokio::time::advance(before / 2).await;
    assert_eq!(ctx.time_left(), before / 2);
    tokio::time::advance(before).await;
    assert!(ctx.time_left().is_zero());
}

#[test]
fn the_end_of_a_call_reaches_who_asked_before_and_who_asks_after() {
    let ctx = CallContext::for_test();
    let before = ctx.cancelled().clone();
    assert!(!before.is_cancelled());
    ctx.end();
    assert!(before.is_cancelled() && ctx.cancelled().is_cancelled());

    let unasked = CallContext::for_test();
    unasked.end();
    assert!(unasked.cancelled().is_cancelled());
}

#[test]
fn a_text_that_would_make_a_huge_tree_is_refused_unread() {
    let objects = vec![r#"{"":0}"#; 1 << 20].join(",");
    let hostile = args(&format!("[{objects}]"));
    assert!(hostile.tree().is_err());
    assert!(hostile.parse::<Value>().is_err());
    let long = format!("\"{}\"", "x".repeat(8 << 20));
    assert!(args(&long).tree().is_ok(), "a long string is no large tree");
}

#[test]
fn an_argument_that_is_not_allowed_is_named() {
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let broken = Schema::compile(&schema)
        .unwrap()
        .check(&args(r#"{"extra":1}"#));
    let told = broken.unwrap_err().errors[0].to_string();
    assert!(told.contains("extra"), "{told}");
}
