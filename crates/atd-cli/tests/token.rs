//! Capability tokens, as somebody at a shell makes, passes on and presents
//! them, and `atd doctor --as`.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::fs::{FileType, Mode};
use serde_json::Value;
use support::{Serving, atd, stderr, stdout};

/// A folder with the keys of a root, of alice and of an agent.
struct Keys(tempfile::TempDir);

impl Keys {
    fn make() -> Self {
        let keys = Self(tempfile::tempdir().unwrap());
        for name in ["root", "alice", "agent"] {
            let made = keys.run(&["key", name]);
            assert!(
                stdout(&made).starts_with("did:key:z6Mk"),
                "{}",
                stderr(&made)
            );
        }
        keys
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = atd();
        command.arg("token").args(args).current_dir(self.0.path());
        command.output().unwrap()
    }

    /// The one line that is printed.
    fn line(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output).trim_end().to_owned()
    }

    fn did(&self, name: &str) -> String {
        self.line(&["did", name])
    }

    /// A token of the root for alice, passed on to the agent for `read`, and
    /// left in the file `token`.
    fn chain(&self) -> (String, String) {
        let (alice, agent) = (self.did("alice"), self.did("agent"));
        let token = self.line(&[
            "issue",
            "--key",
            "root",
            "--to",
            &alice,
            "--cap",
            "read",
            "--cap",
            "write",
            "--expires-in",
            "2h",
        ]);
        let narrower = self.line(&[
            "attenuate",
            &token,
            "--key",
            "alice",
            "--to",
            &agent,
            "--cap",
            "read",
            "--expires-in",
            "1h",
        ]);
        fs::write(self.path("token"), &narrower).unwrap();
        (token, narrower)
    }

    fn trusting(&self, issuer: &str, may_grant: &str) -> String {
        format!("--trust={}={may_grant}", self.did(issuer))
    }
}

fn read(serving: &Serving, token: &Path) -> Output {
    let args = r#"{"path": "notes.txt"}"#;
    let token = token.to_str().unwrap();
    serving.ask(&["call", "ref:fs.read", "--args", args, "--token", token])
}

fn check_fails(output: &Output, code: i32, says: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(says), "{said}");
}

#[test]
fn a_chain_lets_a_call_through_where_its_root_is_trusted() {
    let keys = Keys::make();
    keys.chain();
    let trust = keys.trusting("root", "read");
    let serving = Serving::start(&["--grant", "none", &trust]);
    assert!(
        serving.greeting.contains("trusts  did:key:z6Mk"),
        "{}",
        serving.greeting
    );
    let answered = read(&serving, &keys.path("token"));
    assert!(stdout(&answered).contains("one"), "{}", stderr(&answered));
}

#[test]
fn a_chain_is_refused_where_its_root_is_not_trusted_or_may_not_grant() {
    let keys = Keys::make();
    keys.chain();
    let token = keys.path("token");
    let nobody = Serving::start(&["--grant", "none"]);
    check_fails(&read(&nobody, &token), 1, "trusts no token issuer");
    let alice = Serving::start(&["--grant", "none", &keys.trusting("alice", "read")]);
    check_fails(&read(&alice, &token), 1, "does not trust");
    let write = Serving::start(&["--grant", "none", &keys.trusting("root", "write")]);
    check_fails(&read(&write, &token), 1, "lacks read");
}

/// U3, end to end: the file is looked at while the server runs.
#[test]
fn a_token_that_was_revoked_is_refused_by_a_server_that_looks_into_the_file() {
    let keys = Keys::make();
    let (parent, _) = keys.chain();
    let revoked = keys.path("revoked");
    // Somebody wrote it by hand, without a line end.
    fs::write(&revoked, "# ours").unwrap();
    let flag = format!("--revoked={}", revoked.display());
    let serving = Serving::start(&["--grant", "none", &keys.trusting("root", "read"), &flag]);
    assert!(read(&serving, &keys.path("token")).status.success());
    let id = keys.line(&["revoke", &parent, "--file", "revoked"]);
    assert_eq!(
        fs::read_to_string(&revoked).unwrap(),
        format!("# ours\n{id}\n")
    );
    let mut answered = read(&serving, &keys.path("token"));
    // It is looked at twice a second: calls in between may still pass.
    while answered.status.success() {
        answered = read(&serving, &keys.path("token"));
    }
    // At the hello, or at the call after it.
    check_fails(&answered, 1, &id);
    check_fails(&answered, 1, "was revoked");
    check_fails(&answered, 1, "(1010)");
}

/// What is revoked beside the mistake is revoked, and the log has the mistake.
#[test]
fn a_mistake_in_the_file_of_revocations_is_told_while_serving() {
    let keys = Keys::make();
    let (parent, _) = keys.chain();
    let revoked = keys.path("revoked");
    fs::write(&revoked, "").unwrap();
    let flag = format!("--revoked={}", revoked.display());
    let mut serving = Serving::start(&["--grant", "none", &keys.trusting("root", "read"), &flag]);
    assert!(read(&serving, &keys.path("token")).status.success());
    let id = keys.line(&["revoke", &parent, "--file", "another"]);
    fs::write(&revoked, format!("{}\n{id}\n", id.to_uppercase())).unwrap();
    while read(&serving, &keys.path("token")).status.success() {}
    let said = serving.hears("a token's id is 64 lower-case hex digits");
    assert!(
        said.contains(&format!("{}:1:", revoked.display())),
        "{said}"
    );
}

/// A token that somebody found is worth nothing without the key that it is for.
#[test]
fn where_a_proof_is_demanded_a_token_needs_its_key() {
    let keys = Keys::make();
    keys.chain();
    let trust = keys.trusting("root", "read");
    let serving = Serving::start(&["--grant", "none", &trust, "--demand-proof"]);
    let token = keys.path("token");
    let refused = read(&serving, &token);
    check_fails(&refused, 1, "(1010)");
    check_fails(&refused, 1, "--key");
    let with_key = |name: &str| {
        let (token, key) = (keys.path("token"), keys.path(name));
        let paths = [token.to_str().unwrap(), key.to_str().unwrap()];
        let args = r#"{"path": "notes.txt"}"#;
        let [token, key] = paths;
        serving.ask(&[
            "call",
            "ref:fs.read",
            "--args",
            args,
            "--token",
            token,
            "--key",
            key,
        ])
    };
    check_fails(&with_key("alice"), 1, "not signed by the key");
    let answered = with_key("agent");
    assert!(stdout(&answered).contains("one"), "{}", stderr(&answered));
    // Nobody has to prove anything who presents no token.
    assert!(serving.ask(&["list"]).status.success());
}

/// Old servers ask for no proof, and get none.
#[test]
fn a_key_does_no_harm_where_no_proof_is_demanded() {
    let keys = Keys::make();
    keys.chain();
    let serving = Serving::start(&["--grant", "none", &keys.trusting("root", "read")]);
    let (token, key) = (keys.path("token"), keys.path("agent"));
    let answered = serving.ask(&[
        "call",
        "ref:fs.read",
        "--args",
        r#"{"path": "notes.txt"}"#,
        "--token",
        token.to_str().unwrap(),
        "--key",
        key.to_str().unwrap(),
    ]);
    assert!(answered.status.success(), "{}", stderr(&answered));
}

#[test]
fn a_key_is_private_and_never_replaced() {
    let keys = Keys::make();
    let mode = fs::metadata(keys.path("root"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    check_fails(&keys.run(&["key", "root"]), 2, "exists");
    fs::set_permissions(keys.path("root"), fs::Permissions::from_mode(0o644)).unwrap();
    check_fails(&keys.run(&["did", "root"]), 2, "chmod 600");
}

#[test]
fn a_token_that_a_server_would_refuse_is_not_made() {
    let keys = Keys::make();
    let (token, _) = keys.chain();
    let agent = keys.did("agent");
    let attenuate = |key: &str, cap: &str, time: &str| {
        keys.run(&[
            "attenuate",
            &token,
            "--key",
            key,
            "--to",
            &agent,
            "--cap",
            cap,
            "--expires-in",
            time,
        ])
    };
    check_fails(&attenuate("alice", "admin", "1h"), 2, "widens");
    check_fails(&attenuate("alice", "read", "3h"), 2, "outlives");
    check_fails(&attenuate("agent", "read", "1h"), 2, "chain is broken");
    check_fails(&attenuate("alice", "read", "soon"), 2, "such as 8h");
}

#[test]
fn a_token_is_shown_for_people_and_for_programs() {
    let keys = Keys::make();
    let (_, token) = keys.chain();
    let shown = keys.line(&["inspect", &token]);
    for words in [
        &*keys.did("root"),
        &keys.did("agent"),
        "read, write",
        "by its issuer",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    let links: Value = serde_json::from_str(&keys.line(&["inspect", &token, "--json"])).unwrap();
    assert_eq!(links[0]["audience"], keys.did("agent"));
    assert_eq!(
        links[1]["capabilities"],
        serde_json::json!(["read", "write"])
    );
    assert_eq!(
        (&links[0]["signed"], &links[0]["expired"]),
        (&true.into(), &false.into())
    );
    check_fails(&keys.run(&["inspect", "x.y"]), 2, "three parts");
}

#[test]
fn what_holds_no_revocations_is_not_written_to() {
    let keys = Keys::make();
    let (parent, _) = keys.chain();
    let before = fs::read(keys.path("token")).unwrap();
    let refused = keys.run(&["revoke", &parent, "--file", "token"]);
    check_fails(&refused, 2, "nothing was written into it");
    assert_eq!(fs::read(keys.path("token")).unwrap(), before);

    // Nor is a pipe read, to which nobody writes.
    let (kind, mode) = (FileType::Fifo, Mode::RUSR | Mode::WUSR);
    rustix::fs::mknodat(rustix::fs::CWD, keys.path("pipe"), kind, mode, 0).unwrap();
    let refused = keys.run(&["revoke", &parent, "--file", "pipe"]);
    check_fails(&refused, 2, "it is not a file");
}

#[test]
fn a_capability_that_is_no_word_is_refused() {
    let keys = Keys::make();
    let did = keys.did("root");
    for (flag, says) in [
        ("--grant=".to_owned(), "a word without spaces"),
        ("--grant=a b".to_owned(), "a word without spaces"),
        (format!("--trust={did}="), "after the `=`"),
        (format!("--trust={did}=read,,write"), "after the `=`"),
    ] {
        let served = atd().args(["serve", &flag]).output().unwrap();
        check_fails(&served, 2, says);
    }
    let to = ["issue", "--key", "root", "--to", &did];
    let issued = keys.run(&[&to[..], &["--cap", "", "--expires-in", "1h"]].concat());
    check_fails(&issued, 2, "a word without spaces");
}

#[test]
fn doctor_says_what_would_become_of_a_call_without_making_it() {
    let keys = Keys::make();
    keys.chain();
    let trust = keys.trusting("root", "read");
    let mut serving = Serving::start(&["--grant", "none", &trust]);
    let (agent, token) = (keys.did("agent"), keys.path("token"));
    let ask = |who: &str, more: &[&str]| {
        let asked = [
            "doctor",
            "--tool",
            "ref:fs.read",
            "--as",
            who,
            "--grant",
            "none",
        ];
        serving.ask(&[&asked[..], more].concat())
    };
    check_fails(&ask("gid:0", &[]), 2, "nobody comes over this socket");
    check_fails(&ask("bearer:ci", &[]), 2, "nobody comes over this socket");
    check_fails(&ask("", &[]), 2, "empty name");
    let uid = rustix::process::geteuid();
    let own = format!("[grants]\n\"uid:{uid}\" = [\"read\"]\n");
    let config = keys.path("own.toml");
    std::fs::write(&config, own).unwrap();
    let named = serving.ask(&[
        "doctor",
        "--tool",
        "ref:fs.read",
        "--as",
        "somebody",
        "--config",
        config.to_str().unwrap(),
    ]);
    assert!(named.status.success(), "{}", stdout(&named));

    let refused = ask("somebody", &[]);
    assert_eq!(refused.status.code(), Some(1));
    let said = stdout(&refused);
    assert!(said.contains("would be refused"), "{said}");
    assert!(said.contains("grants it to nobody"), "{said}");

    let token = token.to_str().unwrap();
    let admitted = ask(&agent, &[&trust, "--token", token]);
    assert!(admitted.status.success(), "{}", stderr(&admitted));
    assert!(
        stdout(&admitted).contains("granted by the token"),
        "{}",
        stdout(&admitted)
    );

    let json = ask("anonymous", &[&trust, "--json"]);
    let json: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(json["admitted"], false);
    let why = json["reasons"][0]["text"].as_str().unwrap();
    assert!(
        why.contains("holders of a token from did:key:z6Mk"),
        "{why}"
    );

    check_fails(&ask("uid:4000000", &[]), 1, "may not use this server");
    check_fails(
        &ask("somebody", &["--token", token, &trust]),
        1,
        "hello would be refused",
    );
    serving.end();
    assert!(!serving.socket().exists());
    assert_eq!(serving.log(), "", "nothing was called");
}

/// U5: a caller's secrets are found by the name that the system vouches for,
/// and not by the one that the client gives itself.
#[test]
fn u5_a_callers_secrets_are_found_by_its_verified_name_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder
        .path()
        .join(format!("uid:{}", rustix::process::geteuid().as_raw()));
    let flag = format!("--secrets={}", folder.path().display());
    let mut serving = Serving::start(&[&flag]);
    let say = |name: &str| {
        let said = serving.ask(&["call", "ref:echo.say", "--client-id", name]);
        (said.status.success(), stderr(&said))
    };
    let write = |path: &Path, mode| {
        fs::write(path, "secret bearer x\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    write(&folder.path().join("alice"), 0o600);
    assert!(say("alice").0, "calls itself alice, and has no secrets");
    write(&path, 0o600);
    assert!(say("bob").0, "and now has its own");
    write(&path, 0o644);
    let (done, said) = say("bob");
    assert!(!done && said.contains("(1003)"), "{said}");
    serving.end();
    let resolved: Vec<bool> = serving
        .log()
        .lines()
        .map(|line| line.contains(r#""secrets_resolved":true"#))
        .collect();
    assert_eq!(resolved, [false, true, false]);
}

#[test]
fn the_help_says_what_a_token_is() {
    let mut help = Command::new(env!("CARGO_BIN_EXE_atd"));
    let said = stdout(&help.args(["token", "--help"]).output().unwrap());
    assert!(
        said.contains("pass on less of it") && said.contains("revoke"),
        "{said}"
    );
}
