//! What becomes of a caller's bearer.

use atd_process::{CliBinding, Program};
use atd_proto::{CliConfig, JsonText};
use atd_registry::{Args, Binding, CallContext, CallSetup, SecretBundle, ToolCallError};
use serde_json::{Value, json};

use crate::support::both_ways;

fn binding(config: Value) -> CliBinding {
    let config: CliConfig = serde_json::from_value(config).expect("a configuration");
    CliBinding::new("demo:text.say", config).expect("no mistake")
}

fn setup(bearer: &str) -> CallSetup {
    let secrets = [(SecretBundle::BEARER, bearer.to_owned().into())];
    CallSetup {
        secrets: Some(secrets.into_iter().collect()),
        ..CallSetup::for_test()
    }
}

async fn call(binding: &CliBinding, setup: CallSetup) -> Result<String, ToolCallError> {
    let args = Args::new(JsonText::EMPTY_OBJECT);
    let reply = binding.invoke(args, &CallContext::new(setup)).await?;
    Ok(reply.body().to_string())
}

#[tokio::test]
async fn the_bearer_is_passed_where_it_is_asked_for_and_nowhere_else() {
    for supervisor in both_ways() {
        let asks = json!({
            "cmd": "env", "output_format": "lines",
            "env": {"TOKEN": "$ATD_BEARER", "HEADER": "Bearer $ATD_BEARER", "HOME": "$HOME"},
        });
        let binding_that_asks = binding(asks).supervised_by(supervisor.clone());
        let path = "PATH=/usr/local/bin:/usr/bin:/bin";
        let mut seen: Vec<String> = serde_json::from_str(
            &call(&binding_that_asks, setup("s3cret"))
                .await
                .expect("it runs"),
        )
        .expect("lines");
        seen.sort_unstable();
        assert_eq!(
            seen,
            [
                "HEADER=Bearer $ATD_BEARER",
                "HOME=$HOME",
                path,
                "TOKEN=s3cret"
            ]
        );

        let does_not = json!({
            "cmd": "env", "output_format": "lines", "args": ["A=$ATD_BEARER", "env"],
        });
        let binding = binding(does_not).supervised_by(supervisor);
        let seen = call(&binding, setup("s3cret")).await.expect("it runs");
        assert!(!seen.contains("s3cret"), "{seen}");
    }
}

#[tokio::test]
async fn a_call_without_the_bearer_that_is_asked_for_is_not_run() {
    let folder = crate::support::Folder::new();
    let ran = folder.join("ran");
    let config = json!({"cmd": "touch", "args": [ran], "env": {"TOKEN": "$ATD_BEARER"}});
    let binding = binding(config);
    let other = [("other", "secret".to_owned().into())]
        .into_iter()
        .collect();
    let without = [None, Some(SecretBundle::default()), Some(other)];
    for secrets in without {
        let setup = CallSetup {
            secrets,
            ..CallSetup::for_test()
        };
        let error = call(&binding, setup).await.expect_err("there is none");
        assert!(error.to_string().starts_with("BEARER_MISSING"), "{error}");
    }
    assert_eq!(folder.count("ran"), 0);
}

/// X1: 20 canaries, and none in any error or any `Debug`, whatever the program
/// does with it.
#[tokio::test]
async fn no_error_and_no_debug_output_holds_the_bearer() {
    let says = [
        "echo $TOKEN >&2; exit 1",
        "echo $TOKEN; exit 1",
        "echo \"bad token: '$TOKEN', try again\" >&2; exit 2",
        "printf %s%s%s $TOKEN $TOKEN $TOKEN >&2; exit 1",
        "echo $TOKEN >&2; seq 1 100000 >&2; echo $TOKEN >&2; exit 1",
        "echo $TOKEN >&2; kill -KILL $$",
        "echo $TOKEN",
        "echo \\\"$TOKEN",
        "env; exit 3",
        "yes $TOKEN",
        "yes $TOKEN | head -n 1000 >&2; exit 1",
        "cat /proc/$$/environ; exit 1",
        "tr '\\000' '\\n' < /proc/$$/environ >&2; exit 1",
        "set -x; : $TOKEN; exit 1",
        "$TOKEN",
        "exec $TOKEN",
        "cat $TOKEN",
        ". $TOKEN",
    ];
    // Each cut that the last of what is written can begin with.
    let cuts = ["x", "xx"]
        .map(|more| format!("yes $TOKEN{more} | tr -d '\\n' | head -c 100003 >&2; exit 1"));
    let scripts: Vec<String> = says.map(str::to_owned).into_iter().chain(cuts).collect();
    assert_eq!(scripts.len(), 20);
    for (number, script) in scripts.iter().enumerate() {
        let canary = format!("canary-{number:02}-0123456789abcdefghijklmnop");
        for supervisor in both_ways() {
            let config = json!({
                "cmd": "sh", "args": ["-c", script], "env": {"TOKEN": "$ATD_BEARER"},
            });
            let binding = binding(config).supervised_by(supervisor);
            let ctx = CallContext::new(setup(&canary));
            let args = Args::new(JsonText::EMPTY_OBJECT);
            let ended = binding.invoke(args, &ctx).await;
            let error = ended.as_ref().expect_err("each of them fails");
            let shown = format!("{error} {ended:?} {binding:?} {ctx:?}");
            for end in 0..canary.len() - 8 {
                let part = &canary[end..];
                assert!(!shown.contains(part), "X1: {script}: {part} in {shown}");
            }
        }
    }
}

/// X1: what a program is given, and what it says, stay out of its `Debug`.
#[tokio::test]
async fn a_program_shows_nothing_that_it_is_given() {
    let program = || Program::new("sh").args(["-c", "cat; echo $TOKEN >&2", "canary-arg"]);
    let program = || program().env("TOKEN", "canary-env").stdin("canary-in");
    assert!(!format!("{:?}", program()).contains("canary"));
    let finished = program().run().await.expect("it runs");
    assert_eq!(finished.stdout, b"canary-in");
    assert!(!format!("{finished:?}").contains("canary"));
    let long = program().arg("canary-long".repeat(20_000)).run().await;
    let error = long.expect_err("it is too long");
    assert!(!format!("{error} {error:?}").contains("canary"));
}
