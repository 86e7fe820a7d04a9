//! Credentials that a transport received, and a file that knows them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atd_gate::{
    AuthenticationError, BearerHash, BearerTable, BearerTableError, FakeClock, Gate, Grantee,
    Ground, HelloError, Identity, Lapsed, Mechanism, PeerCredentials, Refusal, Requirement,
};
use atd_proto::{Hello, ToolDefinition};

const SECRET: &str = "a-long-and-random-credential";
const NOW: u64 = 1_800_000_000;

struct World {
    gate: Gate,
    clock: FakeClock,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn line(name: &str, secret: &str, rest: &str) -> String {
    format!("{name} {} {rest}\n", BearerHash::of(secret))
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn world(text: &str) -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bearers");
    write(&path, text);
    let clock = FakeClock::default();
    clock.set_unix(Duration::from_secs(NOW));
    let gate = Gate::builder()
        .clock(clock.clone())
        .authenticator(BearerTable::open(&path).unwrap())
        .grant(Grantee::bearer("ci"), ["deploy"])
        .build();
    World {
        gate,
        clock,
        path,
        _folder: folder,
    }
}

fn asking(capabilities: &[&str]) -> Hello {
    Hello {
        requested_capabilities: capabilities.iter().copied().collect(),
        ..Hello::default()
    }
}

fn admit(gate: &Gate, caller: &Identity) -> Result<(), Refusal> {
    let tool = ToolDefinition::builder("demo:some.tool", "").build();
    gate.admit(caller, &Requirement::of(&tool)).map(drop)
}

#[test]
fn a_bearer_is_granted_what_its_line_and_the_configuration_say() {
    let it = world(&line("ci", SECRET, "never read,fs.write"));
    let known = it
        .gate
        .authenticate(&Identity::anonymous(), SECRET)
        .unwrap();
    assert_eq!(known.ground(), Ground::Bearer);
    assert_eq!(known.verified_id().map(|id| &**id), Some("bearer:ci"));
    assert!(known.capabilities().is_empty(), "nothing was asked for yet");

    let hello = asking(&["admin", "deploy", "read"]);
    let ci = it.gate.hello(&known, &hello).unwrap();
    assert_eq!(ci.capabilities().to_string(), "deploy, read");
    assert_eq!(
        ci.granted_by("read").collect::<Vec<_>>(),
        [&Mechanism::Bearer]
    );
    let by: Vec<_> = ci.granted_by("deploy").map(ToString::to_string).collect();
    assert_eq!(by, ["verified:bearer:ci"]);
}

#[test]
fn another_credential_is_refused_and_none_is_repeated() {
    let it = world(&line("ci", SECRET, "never read"));
    for wrong in ["", "a-long-and-random-credentia", &"x".repeat(100_000)] {
        let refused = it.gate.authenticate(&Identity::anonymous(), wrong);
        assert_eq!(refused, Err(AuthenticationError::Unknown));
    }
    let none = Gate::builder().build();
    let refused = none.authenticate(&Identity::anonymous(), SECRET);
    assert_eq!(refused, Err(AuthenticationError::NotTaken));
    let shown = format!("{:?}", it.gate);
    assert!(!shown.contains(SECRET), "X1: {shown}");
}

/// U5: a name does not make a bearer.
#[test]
fn a_client_that_only_calls_itself_so_is_no_bearer() {
    let it = world(&line("ci", SECRET, "never read"));
    let hello = Hello {
        client_id: Some("bearer:ci".into()),
        ..asking(&["deploy", "read"])
    };
    let asserted = it.gate.hello(&Identity::anonymous(), &hello).unwrap();
    assert!(asserted.capabilities().is_empty());
    assert_eq!(asserted.verified_id(), None);
}

/// U3: a credential's end bites on an open connection, and at hello.
#[test]
fn a_credential_ends_on_its_date() {
    let it = world(&line("ci", SECRET, &format!("{} read", NOW + 10)));
    let known = it
        .gate
        .authenticate(&Identity::anonymous(), SECRET)
        .unwrap();
    let ci = it.gate.hello(&known, &asking(&["read"])).unwrap();
    it.clock.advance(Duration::from_millis(9_999));
    assert_eq!(admit(&it.gate, &ci), Ok(()));
    it.clock.advance(Duration::from_millis(1));
    assert_eq!(admit(&it.gate, &ci), Err(Refusal::Lapsed(Lapsed::Expired)));
    let again = it.gate.hello(&ci, &asking(&["read"]));
    assert_eq!(again, Err(HelloError::Lapsed(Lapsed::Expired)));
    let refused = it.gate.authenticate(&Identity::anonymous(), SECRET);
    assert_eq!(refused, Err(AuthenticationError::Expired));
}

/// U3: a line that is taken out bites within a second on open connections.
#[test]
fn a_bearer_whose_line_is_taken_out_or_changed_is_refused_its_next_call() {
    let both = line("ci", SECRET, "never read") + &line("cd", "another", "never read");
    let it = world(&both);
    let known = |secret| {
        it.gate
            .authenticate(&Identity::anonymous(), secret)
            .unwrap()
    };
    let (ci, cd) = (known(SECRET), known("another"));
    write(&it.path, &line("cd", "another", "never read"));
    it.clock.advance(Duration::from_secs(1));
    let withdrawn = Err(Refusal::Lapsed(Lapsed::BearerWithdrawn));
    assert_eq!(admit(&it.gate, &ci), withdrawn);
    assert_eq!(admit(&it.gate, &cd), Ok(()));
    // Fewer capabilities than were granted: what was granted holds no longer.
    write(&it.path, &line("cd", "another", "never"));
    it.clock.advance(Duration::from_secs(1));
    assert_eq!(admit(&it.gate, &cd), withdrawn);
}

#[test]
fn while_the_table_cannot_be_used_nobody_is_let_in_by_it() {
    let it = world(&line("ci", SECRET, "never read"));
    let known = it
        .gate
        .authenticate(&Identity::anonymous(), SECRET)
        .unwrap();
    fs::remove_file(&it.path).unwrap();
    it.clock.advance(Duration::from_secs(1));
    assert!(admit(&it.gate, &known).is_err());
    assert!(
        it.gate
            .authenticate(&Identity::anonymous(), SECRET)
            .is_err()
    );
}

#[test]
fn what_the_transport_knows_stays_over_every_hello() {
    let it = world(&line("ci", SECRET, "never read"));
    let uid = rustix::process::geteuid().as_raw();
    let peer = PeerCredentials {
        uid,
        gid: 0,
        pid: None,
    };
    let connected = it.gate.connect(Some(peer)).unwrap();
    let known = it.gate.authenticate(&connected, SECRET).unwrap();
    let first = it.gate.hello(&known, &asking(&["read"])).unwrap();
    let second = it.gate.hello(&first, &asking(&[])).unwrap();
    assert_eq!(second.peer(), Some(peer));
    assert_eq!(second.ground(), Ground::Bearer);
    assert!(second.capabilities().is_empty());
}

#[test]
fn a_table_that_is_not_as_it_should_be_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bearers");
    let good = line("ci", SECRET, "never read");
    for (text, says) in [
        (
            format!("# ours\n\nci {}\n", "ab".repeat(31)),
            ":3: a bearer is",
        ),
        (
            format!("{good}cd {} soon\n", "ab".repeat(32)),
            ":2: the end is",
        ),
        (format!("ci {} never\n", "AB".repeat(32)), ":1: the hash is"),
        (good.replace("read", "read write"), ":1: a bearer is"),
    ] {
        write(&path, &text);
        let error = BearerTable::open(&path).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    write(&path, &good);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
    let error = BearerTable::open(&path).unwrap_err();
    assert!(matches!(
        error,
        BearerTableError::WritableByOthers { mode: 0o620, .. }
    ));
}
