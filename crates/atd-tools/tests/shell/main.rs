//! `ref:shell.exec`, as the registry runs it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atd_proto::{JsonText, SafetyLevel, Visibility};
use atd_registry::{Args, CallContext, CallSetup, RegisteredTool, Registry, ToolCallError};
use atd_tools::ShellExec;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A root with `sub` in it, and the tool.
struct Place {
    root: TempDir,
    tool: Arc<RegisteredTool>,
}

impl Place {
    fn new() -> Self {
        Self::with(|tool| tool)
    }

    fn with(change: impl FnOnce(ShellExec) -> ShellExec) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join("sub")).expect("a folder in it");
        let registry = Registry::new();
        let tool = change(ShellExec::new(root.path()).expect("it is there"));
        registry.register(tool).expect("it is the first");
        let tool = registry.get("ref:shell.exec").expect("registered above");
        Self { root, tool }
    }

    async fn exec(&self, args: Value) -> Result<Value, ToolCallError> {
        self.exec_in(args, CallSetup::for_test()).await
    }

    async fn exec_in(&self, args: Value, setup: CallSetup) -> Result<Value, ToolCallError> {
        let args = Args::new(JsonText::from_value(&args).expect("JSON"));
        self.tool.input_schema().check(&args).expect("it fits");
        let ctx = CallContext::new(setup);
        let budget = ctx.output_budget();
        let reply = self.tool.binding().invoke(args, &ctx).await?;
        assert!(reply.body().as_bytes().len() <= budget);
        let checked = self
            .tool
            .output_schema()
            .check(&Args::new(reply.body().clone()));
        checked.expect("the result fits the schema");
        Ok(reply.body().to_value().expect("JSON"))
    }

    async fn stdout(&self, command: &str) -> String {
        let result = self
            .exec(json!({"command": command}))
            .await
            .expect("it is run");
        result["stdout"].as_str().expect("text").to_owned()
    }
}

#[test]
fn it_says_how_dangerous_it_is_and_needs_a_capability_of_its_own() {
    let definition = Place::new().tool.definition().clone();
    assert_eq!(
        definition.required_capabilities,
        ["shell.exec"].into_iter().collect()
    );
    assert_eq!(definition.safety.level, SafetyLevel::Destructive);
    assert_eq!(definition.visibility, Visibility::Dangerous);
    assert!(!definition.safety.dry_run);
}

#[test]
fn a_root_that_is_no_directory_is_refused() {
    ShellExec::new("/no/such/directory").expect_err("it is not there");
    ShellExec::new("/etc/passwd").expect_err("it is a file");
}

#[tokio::test]
async fn a_command_is_what_one_types_into_a_shell() {
    let place = Place::new();
    let command = "for i in 1 2 3; do echo \"line $i\"; done | tail -n 1 > \"a b\"; cat 'a b'";
    assert_eq!(place.stdout(command).await, "line 3\n");
    let result = place.exec(json!({"command": "cat; echo oops >&2; exit 3", "stdin": "in"}));
    assert_eq!(
        result.await.expect("an exit is a result"),
        json!({"exit_code": 3, "timed_out": false, "stdout": "in", "stderr": "oops\n"})
    );
    let result = place.exec(json!({"command": "kill -KILL $$"}));
    assert_eq!(
        result.await.expect("a signal is a result"),
        json!({"signal": 9, "timed_out": false, "stdout": "", "stderr": ""})
    );
}

/// P2: the environment is what is listed.
#[tokio::test]
async fn the_environment_is_what_is_listed() {
    let place = Place::with(|tool| tool.env("LANG", "C.UTF-8"));
    let mut lines: Vec<String> = place
        .stdout("env")
        .await
        .lines()
        .map(str::to_owned)
        .collect();
    // The shell's own.
    lines.retain(|line| {
        !["PWD=", "SHLVL=", "OLDPWD=", "_="]
            .iter()
            .any(|it| line.starts_with(it))
    });
    lines.sort_unstable();
    assert_eq!(lines, ["LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin"]);
}

#[tokio::test]
async fn it_starts_in_the_root_or_below_it() {
    let place = Place::new();
    let root = place.root.path().canonicalize().expect("it is there");
    let root = root.to_str().expect("UTF-8");
    assert_eq!(place.stdout("pwd -P").await.trim_end(), root);
    for below in ["sub", "./sub/../sub", "sub/"] {
        let result = place
            .exec(json!({"command": "pwd -P", "directory": below}))
            .await;
        let result = result.expect("it is below");
        assert_eq!(result["stdout"], format!("{root}/sub\n"), "{below}");
    }
    std::os::unix::fs::symlink("/", place.root.path().join("out")).expect("a link");
    fs::write(place.root.path().join("file"), "").expect("a file");
    for outside in ["..", "/", "sub/../..", "out", "out/tmp", "file", "none"] {
        let result = place
            .exec(json!({"command": "echo ran", "directory": outside}))
            .await;
        let error = result.expect_err(outside).to_string();
        assert!(
            error.starts_with("DIRECTORY_NOT_FOUND"),
            "{outside}: {error}"
        );
        assert!(!error.contains(root), "{error}");
    }
}

/// P4: any amount may be written, and the answer keeps to its budget.
#[tokio::test]
async fn output_is_cut_and_says_how_much_is_missing() {
    let place = Place::new();
    let command = "head -c 1000000 /dev/zero; seq 1 200000 >&2";
    for budget in [1 << 20, 10_000, 600] {
        let setup = CallSetup {
            output_budget: budget,
            ..CallSetup::for_test()
        };
        let result = place.exec_in(json!({"command": command}), setup).await;
        let result = result.expect("it is cut");
        for (stream, left_out, whole) in [
            ("stdout", "stdout_left_out", 1_000_000),
            ("stderr", "stderr_left_out", 1_288_895),
        ] {
            let kept = result[stream].as_str().expect("text").len() as u64;
            let left_out = result[left_out].as_u64().expect("a number");
            assert_eq!(kept + left_out, whole, "{stream} of {budget}");
        }
        let stderr = result["stderr"].as_str().expect("text");
        assert!("\n199999\n200000\n".ends_with(stderr) || stderr.ends_with("\n200000\n"));
    }
}

#[tokio::test]
async fn a_command_whose_time_is_up_is_ended_and_its_output_comes_back() {
    let place = Place::new();
    let command = "echo early; while :; do :; done";
    let asked = json!({"command": command, "timeout_ms": 1_000});
    let clamped = json!({"command": command, "timeout_ms": 600_000});
    for args in [asked, clamped] {
        loop {
            let deadline = CallContext::for_test().deadline() - Duration::from_secs(58);
            let setup = CallSetup {
                deadline,
                ..CallSetup::for_test()
            };
            let result = place.exec_in(args.clone(), setup).await;
            let result = result.expect("what there was comes back");
            assert_eq!(
                (&result["timed_out"], &result["exit_code"]),
                (&json!(true), &json!(null))
            );
            // On a busy machine it may not have come that far.
            if result["stdout"] == "early\n" {
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_is_left_in_the_background_ends_with_the_call() {
    let place = Place::new();
    let root = place.root.path().canonicalize().expect("it is there");
    let script = "mkfifo fifo; (trap '' TERM; read line < fifo) & echo done";
    assert_eq!(place.stdout(script).await, "done\n");
    for _ in 0..3_000 {
        if processes_in(&root) == 0 {
            return;
        }
        let pause = Duration::from_millis(10);
        let _ = tokio::time::timeout(pause, std::future::pending::<()>()).await;
    }
    panic!("something is left");
}

/// How many processes work in a directory.
fn processes_in(directory: &Path) -> usize {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let directories = processes.filter_map(|it| fs::read_link(it.path().join("cwd")).ok());
    directories.filter(|it| it == directory).count()
}

#[tokio::test]
async fn a_command_that_no_shell_can_be_given_is_refused() {
    let place = Place::new();
    let error = place.exec(json!({"command": "echo a\u{0}b"})).await;
    let error = error.expect_err("it holds a NUL").to_string();
    assert!(
        error.contains("/command: a command holds no NUL byte"),
        "{error}"
    );
}

/// X1: what the operator lists stays out of `Debug`.
#[test]
fn no_debug_output_holds_a_value_of_the_environment() {
    let root = tempfile::tempdir().expect("a folder");
    let tool = ShellExec::new(root.path())
        .expect("it is there")
        .env("KEY", "canary");
    let shown = format!("{tool:?}");
    assert!(
        shown.contains("KEY") && !shown.contains("canary"),
        "{shown}"
    );
}
