//! Calls that programs carry out.

use std::sync::Arc;

use atd_process::{CliBinding, Supervisor};
use atd_proto::{CliConfig, JsonText};
use atd_registry::{Args, Binding, CallContext, CallSetup, Surroundings, ToolCallError};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{Folder, both_ways, supervisor};

fn binding(config: Value, supervisor: Option<Supervisor>) -> CliBinding {
    let config: CliConfig = serde_json::from_value(config).expect("a configuration");
    let binding = CliBinding::new("demo:text.say", config).expect("no mistake");
    binding.supervised_by(supervisor)
}

async fn call_with(
    binding: &CliBinding,
    args: &str,
    setup: CallSetup,
) -> Result<String, ToolCallError> {
    let args = Args::new(JsonText::parse(args.to_owned()).expect("JSON"));
    let reply = binding.invoke(args, &CallContext::new(setup)).await?;
    Ok(reply.body().to_string())
}

/// Calls it with a supervisor.
async fn call(config: Value, args: &str) -> Result<String, ToolCallError> {
    let binding = binding(config, Some(supervisor()));
    call_with(&binding, args, CallSetup::for_test()).await
}

/// What it fails with: the code, and the message.
async fn failure(config: Value) -> (String, String) {
    match call(config, "{}").await {
        Err(ToolCallError::ExecutionFailed { code, message, .. }) => (code, message),
        other => panic!("no failure: {other:?}"),
    }
}

/// A shell that shows its arguments, one a line.
const SHOW: [&str; 3] = ["-c", "printf '%s\\n' \"$@\"", "sh"];

/// A server that works in this folder.
fn in_folder(folder: &Folder) -> Arc<Surroundings> {
    Arc::new(Surroundings {
        working_dir: Arc::new(folder.path().into()),
        ..Surroundings::default()
    })
}

#[tokio::test]
async fn each_entry_of_the_template_is_one_argument_at_most() {
    let config = json!({
        "cmd": "sh",
        "args": [SHOW[0], SHOW[1], SHOW[2], "{tool_id} is no placeholder here"],
        "args_template": [
            "{tool_id}", "--params={params_json};", "{dry_run}", "{page_all}", "", "{tool_id}{tool_id}",
        ],
        "output_format": "lines",
        "dry_run_flag": "--dry run",
        "page_all_flag": "--page all",
    });
    for supervisor in both_ways() {
        let binding = binding(config.clone(), supervisor);
        let shown = |args, dry_run| {
            let setup = CallSetup {
                dry_run,
                ..CallSetup::for_test()
            };
            let binding = &binding;
            async move {
                let shown = call_with(binding, args, setup).await.expect("it is run");
                serde_json::from_str::<Vec<String>>(&shown).expect("an array of lines")
            }
        };
        let twice = "demo:text.saydemo:text.say";
        let fixed = "{tool_id} is no placeholder here";
        let plain = r#"{ "text" : "a b; $(x)" }"#;
        assert_eq!(
            shown(plain, false).await,
            [
                fixed,
                "demo:text.say",
                &format!("--params={plain};"),
                "",
                twice
            ]
        );
        let paged = r#"{"page_all":true}"#;
        let params = &format!("--params={paged};");
        assert_eq!(
            shown(paged, true).await,
            [
                fixed,
                "demo:text.say",
                params,
                "--dry run",
                "--page all",
                "",
                twice
            ]
        );
    }
}

#[tokio::test]
async fn pages_are_asked_for_with_true_alone() {
    let config = json!({
        "cmd": "sh", "args": SHOW, "args_template": ["{page_all}"],
        "output_format": "lines", "page_all_flag": "--all",
    });
    assert_eq!(
        call(config.clone(), r#"{"page_all":true}"#)
            .await
            .as_deref(),
        Ok(r#"["--all"]"#)
    );
    assert_eq!(
        call(config.clone(), r#"{"page_all":false}"#)
            .await
            .as_deref(),
        Ok(r#"[""]"#)
    );
    let error = call(config, r#"{"page_all":"yes"}"#)
        .await
        .expect_err("no boolean");
    let expected = matches!(&error, ToolCallError::InvalidArgs(at) if at[0].path == "/page_all");
    assert!(expected, "{error}");
}

#[tokio::test]
async fn a_dry_run_without_a_flag_is_refused_and_nothing_is_run() {
    let folder = Folder::new();
    let config = json!({"cmd": "touch", "args": ["ran"], "output_format": "lines"});
    let binding = binding(config, None);
    let setup = |dry_run| CallSetup {
        dry_run,
        surroundings: in_folder(&folder),
        ..CallSetup::for_test()
    };
    let error = call_with(&binding, "{}", setup(true))
        .await
        .expect_err("it is refused");
    assert!(
        error.to_string().starts_with("DRY_RUN_UNSUPPORTED"),
        "{error}"
    );
    assert_eq!(folder.count("ran"), 0);
    // A call that is none does it, in the server's directory.
    call_with(&binding, "{}", setup(false))
        .await
        .expect("it runs");
    assert_eq!(folder.count("ran"), 1);
}

/// What a program writes, and the result or the failure that it makes.
#[tokio::test]
async fn what_is_written_is_the_result() {
    let result = |format: &'static str, writes: &'static str| async move {
        let config = json!({
            "cmd": "printf", "args": ["%b", writes], "output_format": format,
        });
        call(config, "{}").await.map_err(|error| error.to_string())
    };
    for (format, writes, expected) in [
        (
            "json",
            " {\"n\": 123456789012345678901234567890} \\n",
            "{\"n\": 123456789012345678901234567890}",
        ),
        ("json", "null", "null"),
        (
            "ndjson",
            "1\\n\\n {\"a\": 2} \\r\\n\"x\"",
            "[1,{\"a\": 2},\"x\"]",
        ),
        ("ndjson", "", "[]"),
        ("lines", "", "[]"),
        ("lines", "\\n", "[\"\"]"),
        (
            "lines",
            "a\\nb\\r\\n\\nc\\td",
            "[\"a\",\"b\",\"\",\"c\\td\"]",
        ),
        ("lines", "\\0303\\0250\\0377", "[\"\u{e8}\u{fffd}\"]"),
    ] {
        assert_eq!(
            result(format, writes).await.as_deref(),
            Ok(expected),
            "{format}: {writes}"
        );
    }
    for (format, writes, says) in [
        (
            "json",
            "",
            "wrote nothing to its standard output, where one JSON value is expected",
        ),
        ("json", " \\n", "wrote nothing"),
        (
            "json",
            "{} {}",
            "is not one JSON value: trailing characters",
        ),
        ("json", "{", "is not one JSON value: EOF"),
        (
            "json",
            "\"\\0377\"",
            "is not one JSON value: invalid unicode",
        ),
        (
            "ndjson",
            "1\\n1,2\\n",
            "line 2 of the program's standard output is not one JSON value",
        ),
        ("ndjson", "[\\n]", "line 1 of"),
        // What no reader of the answer could take, the published ones among them.
        ("json", "[1e999]", "number out of range"),
        ("json", "{\"a\": \"\\\\ud800\"}", "hex escape"),
        ("json", "{\"\\\\ud800\": 1}", "hex escape"),
        ("ndjson", "1\\n-1e999\\n", "line 2 of"),
        ("ndjson", "1\\n\"\\0377\"\\n", "line 2 of"),
    ] {
        let error = result(format, writes).await.expect_err(says);
        assert!(error.starts_with("OUTPUT_INVALID: "), "{error}");
        assert!(error.contains(says), "{error}");
    }
}

/// D3: the result keeps to the call's budget, and a newline is no part of it.
#[tokio::test]
async fn a_result_over_the_budget_is_an_error() {
    for (format, fits, over) in [
        ("json", "123456789\\n", "1234567890"),
        ("lines", "a\\nb\\n", "aa\\nb\\n"),
        ("lines", "\\t\\n", "\\0001\\n"),
        ("ndjson", "1\\n234\\n5\\n", "1\\n2345\\n6\\n"),
    ] {
        for (writes, expected) in [(fits, true), (over, false)] {
            let config = json!({
                "cmd": "printf", "args": ["%b", writes], "output_format": format,
            });
            let setup = CallSetup {
                output_budget: 9,
                ..CallSetup::for_test()
            };
            let binding = binding(config, None);
            let ended = call_with(&binding, "{}", setup).await;
            let fits = ended.is_ok();
            let limit = matches!(ended, Err(ToolCallError::OutputTooLarge { limit: 9 }));
            assert_eq!((fits, limit), (expected, !expected), "{format}: {writes}");
        }
    }
}

#[tokio::test]
async fn an_exit_is_a_failure_with_its_code_and_what_was_said() {
    let fails = |script: &str| {
        let map = json!({"2": "auth_required", "255": "odd"});
        failure(json!({"cmd": "sh", "args": ["-c", script], "exit_code_map": map}))
    };
    let failed = |code: &str, says: &str| (code.to_owned(), says.to_owned());
    assert_eq!(
        fails("echo not for you >&2; echo no; exit 2").await,
        failed("auth_required", "`sh` exited with code 2: not for you")
    );
    assert_eq!(
        fails("echo on the wrong pipe; exit 3").await,
        failed("TOOL_FAILED", "`sh` exited with code 3: on the wrong pipe")
    );
    assert_eq!(
        fails("exit 255").await,
        failed("odd", "`sh` exited with code 255")
    );
    assert_eq!(
        fails("kill -KILL $$").await,
        failed("TOOL_FAILED", "`sh` was ended by signal 9")
    );
    let (_, long) = fails("seq 1 100000 >&2; exit 1").await;
    assert!(long.starts_with("`sh` exited with code 1: …"), "{long}");
    assert!(
        long.ends_with("\n99999\n100000") && long.len() < 5_000,
        "{}",
        long.len()
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said() {
    let (code, says) = failure(json!({"cmd": "no-such-program"})).await;
    assert_eq!(code, "PROGRAM_NOT_FOUND");
    assert!(
        says.starts_with("the program \"no-such-program\" was not found"),
        "{says}"
    );
    let (code, _) = failure(json!({"cmd": "/etc/passwd"})).await;
    assert_eq!(code, "PROGRAM_NOT_EXECUTABLE");
}

#[tokio::test]
async fn arguments_that_no_program_can_be_given_are_refused() {
    let config = json!({"cmd": "true", "args_template": ["{params_json}"]});
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(200_000));
    let error = call(config, &long).await.expect_err("it is too long");
    assert!(matches!(error, ToolCallError::InvalidArgs(_)), "{error}");
    let says = "argument 1 has 200011 bytes, and the system takes at most 131071 in one";
    assert!(error.to_string().ends_with(says), "{error}");
}

/// P3: what is hostile in the arguments of a call arrives as it is.
#[tokio::test]
async fn hostile_arguments_of_a_call_arrive_as_they_are() {
    let config = json!({
        "cmd": "sh",
        "args": ["-c", "printf '[%s,%s]' \"$1\" \"$2\"", "sh"],
        "args_template": ["{params_json}", "{params_json}"],
    });
    let mut runner = TestRunner::deterministic();
    let binding = binding(config, None);
    for _ in 0..200 {
        let texts = prop::collection::vec(any::<String>(), 10);
        let texts = texts
            .new_tree(&mut runner)
            .expect("nothing is refused")
            .current();
        let args = json!({ "texts": texts }).to_string();
        let arrived = call_with(&binding, &args, CallSetup::for_test()).await;
        assert_eq!(arrived, Ok(format!("[{args},{args}]")));
    }
}

/// A call that is not there any more has its place until its program is gone.
#[tokio::test]
async fn a_program_keeps_the_place_of_its_call_until_it_is_gone() {
    for supervisor in both_ways() {
        let folder = Folder::new();
        let script = r#"trap "" TERM; : > began; while :; do sleep 0.01; done"#;
        let config = json!({"cmd": "sh", "args": ["-c", script, "sh", folder.path()]});
        let binding = Arc::new(binding(config, supervisor));
        assert!(binding.may_outlive_its_call());
        let (held, gone) = std::sync::mpsc::sync_channel::<()>(1);
        let setup = CallSetup {
            surroundings: in_folder(&folder),
            held: Some(atd_registry::Held::new(held)),
            ..CallSetup::for_test()
        };
        let running = tokio::spawn({
            let binding = binding.clone();
            async move { call_with(&binding, "{}", setup).await }
        });
        crate::support::eventually("it began", || folder.count("began") == 1).await;
        running.abort();
        running.await.expect_err("it was dropped");
        let running = || !folder.processes().is_empty();
        let released = || gone.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected);
        crate::support::eventually("its place is free", || {
            let there = running();
            let released = released();
            assert!(
                !(released && there && running()),
                "released before it was gone"
            );
            released
        })
        .await;
        assert!(!running());
    }
}
