//! Programs as tools, behind a server, with `atd` as their supervisor.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atd_runtime::process::{CliBinding, Supervisor};
use atd_runtime::proto::{CliConfig, Hello, ToolDefinition};
use atd_runtime::registry::{MemoryTokenBroker, SecretBundle};
use atd_runtime::server::ServerHandle;
use atd_runtime::{Client, ClientError, JsonLinesAuditSink, Registry, Server, Tier};
use serde_json::json;

/// Has a minute.
const TOOL: &str = "demo:shell.run";

/// Has less time than what does not end by itself takes.
const BRIEF: &str = "demo:shell.run_briefly";

/// A server with two tools: a shell that runs the `script` of its arguments.
async fn serve(folder: &Path, broker: MemoryTokenBroker, env: serde_json::Value) -> ServerHandle {
    let config: CliConfig = serde_json::from_value(json!({
        "cmd": "sh",
        "args": ["-c", r#"eval "$(printf %s "$1" | sed 's/^{"script":"//; s/"}$//')""#, "sh"],
        "args_template": ["{params_json}"],
        "output_format": "lines",
        "env": env,
    }))
    .expect("a configuration");
    let registry = Registry::new();
    for (id, time) in [(TOOL, 60_000), (BRIEF, 500)] {
        let binding = CliBinding::new(id, config.clone()).expect("no mistake");
        let supervisor = Supervisor::at(env!("CARGO_BIN_EXE_atd"));
        let definition = ToolDefinition::builder(id, "Runs a script")
            .tier(Tier::Cold)
            .timeout(Duration::from_millis(time));
        registry
            .register_binding(definition.build(), binding.supervised_by(supervisor))
            .expect("it is the first");
    }
    let audit = JsonLinesAuditSink::file(&folder.join("audit.jsonl")).expect("a log");
    let server = Server::builder(registry)
        .broker(broker)
        .working_dir(folder)
        .audit(Arc::new(audit))
        .build()
        .expect("no mistake");
    let serving = server.serve_unix(folder.join("atd.sock")).await;
    serving.expect("nobody else serves there")
}

async fn run(client: &Client, tool: &str, script: &str) -> Result<String, ClientError> {
    let outcome = client.call(tool, &json!({"script": script})).await?;
    Ok(outcome.result().to_string())
}

/// How many processes there are in a working directory, and may be looked at.
fn processes_in(folder: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let directories = processes.filter_map(|it| std::fs::read_link(it.path().join("cwd")).ok());
    directories.filter(|it| it == folder).count()
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        let pause = Duration::from_millis(10);
        let _ = tokio::time::timeout(pause, std::future::pending::<()>()).await;
    }
    panic!("never came true: {what}");
}

/// Does not hear that it is to end, and has another of its kind in a session of
/// its own.
const ATTACK: &str = r#"
    trap '' TERM; mkfifo fifo 2> /dev/null; : > began;
    setsid sh -c 'trap : TERM; read line < fifo' & read line < fifo
"#;

/// P1: a call whose time is up is answered, and so is the next; a client that
/// has left leaves nothing behind.
#[tokio::test]
async fn a_call_that_is_ended_leaves_no_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().canonicalize().expect("it is there");
    let serving = serve(&path, MemoryTokenBroker::default(), json!({})).await;
    let attack = ATTACK.replace('\n', " ");

    let client = Client::connect(serving.path()).await.expect("it serves");
    while !path.join("began").exists() {
        let late = run(&client, BRIEF, &attack)
            .await
            .expect_err("its time is up");
        assert!(late.to_string().contains("DEADLINE_EXCEEDED"), "{late}");
    }
    eventually("nothing is left", || processes_in(&path) == 0).await;
    let fine = run(&client, TOOL, "echo fine").await.expect("it runs");
    assert_eq!(fine, r#"["fine"]"#);

    std::fs::remove_file(path.join("began")).expect("it is there");
    let leaving = tokio::spawn(async move { run(&client, TOOL, &attack).await });
    eventually("it began", || path.join("began").exists()).await;
    leaving.abort();
    eventually("nothing is left", || processes_in(&path) == 0).await;
    serving.shutdown().await;
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("nobody panics")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// X1: 20 canaries, and none in any log, error or event, whatever the program
/// does with it.
#[tokio::test]
async fn no_log_error_or_event_holds_a_bearer() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let scripts = [
        "echo $TOKEN >&2; exit 1",
        "echo $TOKEN; exit 1",
        "echo $TOKEN >&2; kill -KILL $$",
        "echo $TOKEN >&2; kill -STOP $$",
        "yes $TOKEN",
        "yes $TOKEN >&2",
        "$TOKEN",
        "exec $TOKEN",
        "cat $TOKEN",
        "set -x; : $TOKEN; exit 9",
        "env >&2; exit 2",
        "cat /proc/$$/environ >&2; exit 2",
        "cat /proc/$PPID/environ >&2; exit 2",
        "yes $TOKEN | head -c 50001 >&2; exit 1",
        "yes x$TOKEN | head -c 50001 >&2; exit 1",
        "yes xx$TOKEN | head -c 50001; exit 1",
        "echo $TOKEN >&2; kill -KILL $PPID",
        "echo $TOKEN >&2; kill -STOP $PPID; exit 1",
        "exec 2>&-; echo $TOKEN; exit 4",
        "echo $TOKEN >&2; exec sh -c 'exit 1'",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let broker = MemoryTokenBroker::default();
    let env = json!({"TOKEN": "$ATD_BEARER"});
    let serving = serve(folder.path(), broker.clone(), env).await;
    let client = Client::connect(serving.path()).await.expect("it serves");
    client.hello(Hello::default()).await.expect("anybody may");
    let caller = format!("uid:{}", rustix::process::getuid().as_raw());
    let canary = |number: usize| format!("canary-{number:02}-0123456789abcdefghijklmnop");
    let mut told = String::new();
    for (number, script) in scripts.iter().enumerate() {
        let bearer = (SecretBundle::BEARER, canary(number).into());
        broker.insert(caller.clone(), [bearer].into_iter().collect());
        // It is there, and the caller's own.
        let own = run(&client, TOOL, "echo $TOKEN").await.expect("it runs");
        assert_eq!(own, json!([canary(number)]).to_string());
        let endless = script.contains("-STOP") || *script == "yes $TOKEN >&2";
        let tool = if endless { BRIEF } else { TOOL };
        let error = run(&client, tool, script).await.expect_err("none succeeds");
        told.push_str(&format!("{error} {error:?}\n"));
    }
    serving.shutdown().await;
    let logged = String::from_utf8_lossy(&log.0.lock().expect("nobody panics")).into_owned();
    let recorded = std::fs::read_to_string(folder.path().join("audit.jsonl")).expect("a log");
    assert_eq!(recorded.lines().count(), 2 * scripts.len());
    assert!(told.contains("TOOL_FAILED") && logged.contains("supervisor"));
    for number in 0..scripts.len() {
        let canary = canary(number);
        for (place, text) in [("error", &told), ("log", &logged), ("event", &recorded)] {
            assert!(!text.contains(&canary[..18]), "X1: {canary} in an {place}");
        }
    }
    for (place, text) in [("error", &told), ("log", &logged), ("event", &recorded)] {
        assert!(
            !text.contains("ghijklmnop"),
            "X1: the end of a canary in an {place}"
        );
    }
}
