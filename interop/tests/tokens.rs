//! Capability tokens made by `atd token`, presented by the published SDK.

use std::path::Path;
use std::process::Command;

use atd_sdk::{AtdClient, CallOptions, Endpoint};
use interop::Serving;
use serde_json::json;

/// The keys of a root, alice and an agent, in a directory of their own.
struct Keys(tempfile::TempDir);

impl Keys {
    fn make() -> Self {
        let keys = Self(tempfile::tempdir().expect("a temporary directory"));
        for name in ["root", "alice", "agent"] {
            keys.token(&["key", name]);
        }
        keys
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn token(&self, args: &[&str]) -> String {
        let atd = std::env::var_os("ATD_BIN").expect("ATD_BIN names the binary");
        let mut command = Command::new(atd);
        let output = command.arg("token").args(args).current_dir(self.path());
        let output = output.output().expect("atd runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let printed = String::from_utf8(output.stdout).expect("text");
        printed.trim_end().to_owned()
    }

    fn did(&self, name: &str) -> String {
        self.token(&["did", name])
    }

    fn issue(&self, from: &str, to: &str, time: &str) -> String {
        let to = self.did(to);
        let args = [
            "--key",
            from,
            "--to",
            &to,
            "--cap",
            "read",
            "--expires-in",
            time,
        ];
        self.token(&[&["issue"], &args[..]].concat())
    }

    fn pass_on(&self, token: &str, from: &str, to: &str) -> String {
        let to = self.did(to);
        let args = [
            "--key",
            from,
            "--to",
            &to,
            "--cap",
            "read",
            "--expires-in",
            "1m",
        ];
        self.token(&[&["attenuate", token], &args[..]].concat())
    }

    /// A server that trusts the root for `read`, and grants nothing else.
    fn serving(&self) -> Serving {
        let trust = format!("{}=read", self.did("root"));
        Serving::start(&["--grant", "none", "--trust", &trust])
    }
}

/// What a hello with this token is granted, or the text of its refusal.
async fn present(serving: &Serving, client_id: &str, token: &str) -> Result<Vec<String>, String> {
    let client = AtdClient::connect(Endpoint::unix(serving.socket())).await;
    let client = client.expect("the SDK connects");
    let tokens = vec![token.to_owned()];
    let granted = client.hello_with_ucan_tokens(Some(client_id), vec![], tokens);
    granted.await.map_err(|error| format!("{error:?} {error}"))
}

fn check_code(presented: Result<Vec<String>, String>, code: u16) {
    let refused = presented.expect_err("a refusal");
    assert!(refused.contains(&code.to_string()), "{refused}");
}

#[tokio::test]
async fn a_chain_from_a_trusted_root_lets_the_sdk_call() {
    let keys = Keys::make();
    let serving = keys.serving();
    let root = keys.issue("root", "alice", "1h");
    let token = keys.pass_on(&root, "alice", "agent");
    let client = AtdClient::connect(Endpoint::unix(serving.socket())).await;
    let client = client.expect("the SDK connects");
    let agent = keys.did("agent");
    let granted = client
        .hello_with_ucan_tokens(Some(&agent), vec![], vec![token])
        .await;
    assert_eq!(granted.expect("a good chain"), ["read"]);
    let path = json!({"path": "notes.txt"});
    let read = client
        .call("ref:fs.read", path, CallOptions::default())
        .await;
    assert!(format!("{:?}", read.expect("a result")).contains("one"));
}

#[tokio::test]
async fn the_sdk_sees_the_code_of_each_refusal() {
    let keys = Keys::make();
    let serving = keys.serving();
    let agent = keys.did("agent");

    let self_made = keys.issue("agent", "agent", "1h");
    check_code(present(&serving, &agent, &self_made).await, 1010);

    let short = keys.issue("root", "agent", "1s");
    let mut presented = present(&serving, &agent, &short).await;
    while presented.is_ok() {
        presented = present(&serving, &agent, &short).await;
    }
    check_code(presented, 1011);

    let mut deep = keys.issue("root", "alice", "1h");
    for link in 0..5 {
        let (from, to) = if link == 0 {
            ("alice".into(), "k0".into())
        } else {
            (format!("k{}", link - 1), format!("k{link}"))
        };
        keys.token(&["key", &to]);
        deep = keys.pass_on(&deep, &from, &to);
    }
    check_code(present(&serving, &keys.did("k4"), &deep).await, 1012);

    let alices = keys.issue("root", "alice", "1h");
    check_code(present(&serving, &agent, &alices).await, 1013);
}
