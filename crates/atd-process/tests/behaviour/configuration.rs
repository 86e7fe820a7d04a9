//! Configurations, and what can be wrong with them.

use std::path::Path;

use atd_process::{CliBinding, ProgramError};
use atd_proto::CliConfig;
use serde_json::json;

fn config(json: serde_json::Value) -> CliConfig {
    serde_json::from_value(json).expect("a configuration")
}

fn mistakes(json: serde_json::Value) -> Vec<String> {
    let binding = CliBinding::new("demo:a.b", config(json));
    let mistakes = binding.expect_err("it has mistakes");
    mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn every_mistake_is_told_at_once() {
    let told = mistakes(json!({
        "cmd": "",
        "args": ["fine", "a\u{0}"],
        "args_template": ["{params}", "--x={dry_run}", "{page_all}x", "\u{0}", "{tool_id}{no}"],
        "env": {"": "a", "B=C": "d", "E/~": "\u{0}"},
        "page_all_flag": "--all",
        "dry_run_flag": "",
        "exit_code_map": {"0": "ok", "256": "a", "-1": "b", "02": "c", "x": "d", "3": ""},
    }));
    let placeholder = |it: &str| {
        format!(
            "has the unknown placeholder {it}; there are {{tool_id}}, {{params_json}}, \
             {{dry_run}} and {{page_all}}, and text with braces may stand in `args`"
        )
    };
    let within =
        |it: &str| format!("has {it} within a longer text; it is to be an entry of its own");
    let no_code = "is no exit code; those of a failure are \"1\" to \"255\"";
    let no_name = "cannot name a variable: a name is not empty and has no `=`";
    let nul = "holds a NUL byte, which no program can be given";
    let unused = |it: &str| format!("is passed nowhere: `args_template` has no entry {it}");
    let expected = [
        ("/cmd", "is empty; it is to name the program".to_owned()),
        ("/args/1", nul.to_owned()),
        ("/args_template/0", placeholder("{params}")),
        ("/args_template/1", within("{dry_run}")),
        ("/args_template/2", within("{page_all}")),
        ("/args_template/3", nul.to_owned()),
        ("/args_template/4", placeholder("{no}")),
        ("/env/", no_name.to_owned()),
        ("/env/B=C", no_name.to_owned()),
        ("/env/E~1~0", nul.to_owned()),
        ("/page_all_flag", unused("{page_all}")),
        (
            "/dry_run_flag",
            "is empty; leave it out, or say the flag".to_owned(),
        ),
        ("/dry_run_flag", unused("{dry_run}")),
        ("/exit_code_map/-1", no_code.to_owned()),
        (
            "/exit_code_map/0",
            "maps the exit code 0, which is success and no failure".to_owned(),
        ),
        ("/exit_code_map/02", no_code.to_owned()),
        ("/exit_code_map/256", no_code.to_owned()),
        (
            "/exit_code_map/3",
            "maps to an empty code; name the failure, such as \"auth_required\"".to_owned(),
        ),
        ("/exit_code_map/x", no_code.to_owned()),
    ];
    let expected: Vec<String> = expected
        .iter()
        .map(|(path, says)| format!("{path} {says}"))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn one_error_holds_all_of_them() {
    let binding = CliBinding::new("demo:a.b", config(json!({"cmd": "", "args": ["\u{0}"]})));
    assert_eq!(
        binding.expect_err("two mistakes").to_string(),
        "/cmd is empty; it is to name the program; /args/0 holds a NUL byte, which no program \
         can be given"
    );
}

#[test]
fn a_flag_without_an_entry_would_make_a_dry_run_a_real_one() {
    let told = mistakes(json!({"cmd": "rm", "dry_run_flag": "--dry-run"}));
    assert_eq!(
        told,
        ["/dry_run_flag is passed nowhere: `args_template` has no entry {dry_run}"]
    );
}

#[test]
fn braces_around_anything_but_a_name_are_text() {
    let json = json!({
        "cmd": "jq",
        "args_template": ["{}", "{\"a\": 1}", "{ .a }", "{", "}", "{A}", "{{}}", "{1}"],
    });
    CliBinding::new("demo:a.b", config(json)).expect("there is no placeholder");
}

#[test]
fn a_binding_says_what_it_can() {
    let with = json!({"cmd": "sh", "args_template": ["{dry_run}"], "dry_run_flag": "-n"});
    let binding = CliBinding::new("demo:a.b", config(with)).expect("a configuration");
    assert!(binding.has_dry_run());
    let here = Path::new("/");
    assert!(binding.find(here).is_ok_and(|path| path.ends_with("sh")));
    let without = json!({"cmd": "sh", "env": {"PATH": "/no/such/directory"}});
    let binding = CliBinding::new("demo:a.b", config(without)).expect("a configuration");
    assert!(!binding.has_dry_run());
    let expected = matches!(binding.find(here), Err(ProgramError::NotFound { .. }));
    assert!(expected, "it is looked for where it would be run");
}
