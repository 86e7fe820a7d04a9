//! U3: what holds no longer bites on an open connection.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atd_gate::{
    FakeClock, Gate, Identity, Lapsed, Refusal, Requirement, RevocationFile, RevocationFileError,
    RevocationSet, TokenId,
};
use atd_proto::ToolDefinition;
use rustix::fs::{FileType, Mode};

use super::forge::*;

fn admit(gate: &Gate, agent: &Identity) -> Result<(), Refusal> {
    let tool = ToolDefinition::builder("demo:fs.read", "")
        .requires(["read"])
        .build();
    gate.admit(agent, &Requirement::of(&tool)).map(drop)
}

fn id_of(token: &str) -> TokenId {
    atd_gate::ucan::inspect(token).unwrap()[0].id
}

/// U3: a token that expires stops working on an open connection, and a wall
/// clock that is set meanwhile changes nothing.
#[test]
fn u3_an_expired_token_stops_working_on_an_open_connection() {
    let (builder, clock) = builder();
    let gate = builder.build();
    let agent = present(&gate, leaf(good())).unwrap();
    clock.advance(Duration::from_millis(999_999));
    assert_eq!(admit(&gate, &agent), Ok(()));
    clock.set_unix(Duration::from_secs(NOW - 86_400));
    assert_eq!(admit(&gate, &agent), Ok(()));
    clock.advance(Duration::from_millis(1));
    assert_eq!(admit(&gate, &agent), Err(Refusal::Lapsed(Lapsed::Expired)));
}

#[test]
fn an_expired_identity_is_refused_what_needs_no_capability_too() {
    let (builder, clock) = builder();
    let gate = builder.build();
    let agent = present(&gate, leaf(good())).unwrap();
    clock.advance(Duration::from_secs(1_000));
    let free = ToolDefinition::builder("demo:free.tool", "").build();
    let refused = gate.admit(&agent, &Requirement::of(&free)).unwrap_err();
    assert_eq!(refused, Refusal::Lapsed(Lapsed::Expired));
    // A hello without the token makes an identity that does not rest on it.
    let plain = gate.hello(&agent, &hello(Some("agent"), vec![])).unwrap();
    assert!(gate.admit(&plain, &Requirement::of(&free)).is_ok());
}

/// U3: so does one of which any link was revoked.
#[test]
fn u3_a_revoked_link_stops_working_on_an_open_connection() {
    let (builder, _) = builder();
    let revoked = RevocationSet::default();
    let gate = builder.revocations(revoked.clone()).build();
    let chain = tokens(good());
    let agents: Vec<_> = (0..2)
        .map(|_| present(&gate, chain[2].clone()).unwrap())
        .collect();
    revoked.revoke(
        id_of(&leaf(good()[..1].to_vec()))
            .to_string()
            .replace('0', "1")
            .parse()
            .unwrap(),
    );
    agents
        .iter()
        .for_each(|it| assert_eq!(admit(&gate, it), Ok(())));
    let token = id_of(&chain[1]);
    revoked.revoke(token);
    for agent in &agents {
        let refused = Err(Refusal::Lapsed(Lapsed::Revoked { token }));
        assert_eq!(admit(&gate, agent), refused);
        assert_eq!(admit(&gate, agent), refused, "and stays so");
    }
}

struct WithFile {
    gate: Gate,
    clock: FakeClock,
    agent: Identity,
    id: TokenId,
    path: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

fn with_file() -> WithFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked");
    fs::write(&path, "# none yet\n").unwrap();
    let (builder, clock) = builder();
    let revocations = RevocationFile::open(&path).unwrap();
    let gate = builder.revocations(revocations).build();
    let token = leaf(good());
    let agent = present(&gate, token.clone()).unwrap();
    assert_eq!(admit(&gate, &agent), Ok(()));
    WithFile {
        gate,
        clock,
        agent,
        id: id_of(&token),
        path,
        _folder: folder,
    }
}

/// U3: an id that is written into the file bites within a second.
#[test]
fn u3_a_line_in_the_file_bites_within_a_second() {
    let it = with_file();
    fs::write(&it.path, format!("# why\n{}  # the agent's\n", it.id)).unwrap();
    it.clock.advance(Duration::from_secs(1));
    let token = it.id;
    let refused = Err(Refusal::Lapsed(Lapsed::Revoked { token }));
    assert_eq!(admit(&it.gate, &it.agent), refused);
}

#[test]
fn a_file_that_is_replaced_is_read_again() {
    let it = with_file();
    let new = it.path.with_extension("new");
    fs::write(&new, format!("{}\n", it.id)).unwrap();
    fs::rename(&new, &it.path).unwrap();
    it.clock.advance(Duration::from_secs(1));
    assert!(admit(&it.gate, &it.agent).is_err());
    assert!(present(&it.gate, leaf(good())).is_err());
}

#[test]
fn a_file_that_goes_or_breaks_leaves_revoked_what_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked");
    let [first, second] = ["11", "22"].map(|digits| digits.repeat(32));
    fs::write(&path, format!("{first}\n")).unwrap();
    let (builder, clock) = builder();
    let file = std::sync::Arc::new(RevocationFile::open(&path).unwrap());
    let gate = builder.revocations(file.clone()).build();
    let look = || {
        clock.advance(Duration::from_secs(1));
        let _ = present(&gate, leaf(good()));
    };
    let is_revoked = |id: &str| {
        let id = id.parse().unwrap();
        atd_gate::Revocations::is_revoked(&file, &id)
    };
    look();
    assert_eq!(file.trouble(), None);

    fs::write(&path, format!("{second}\nnot an id\n")).unwrap();
    look();
    assert!(matches!(
        file.trouble(),
        Some(RevocationFileError::NotAnId { line: 2, .. })
    ));
    assert!(is_revoked(&first) && is_revoked(&second));

    fs::remove_file(&path).unwrap();
    look();
    assert!(matches!(
        file.trouble(),
        Some(RevocationFileError::Unreadable { .. })
    ));
    assert!(is_revoked(&first) && is_revoked(&second));

    fs::write(&path, format!("{second}\n")).unwrap();
    look();
    assert_eq!(file.trouble(), None);
    assert!(!is_revoked(&first), "a good file says it all");
    assert!(is_revoked(&second));
}

#[test]
fn a_file_that_is_none_or_holds_something_else_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked");
    let missing = RevocationFile::open(&path).unwrap_err();
    assert!(matches!(missing, RevocationFileError::Unreadable { .. }));
    fs::write(&path, format!("{}\n", "AB".repeat(32))).unwrap();
    let bad = RevocationFile::open(&path).unwrap_err();
    assert!(
        bad.to_string()
            .ends_with(":1: a token's id is 64 lower-case hex digits")
    );
    for not_a_file in [folder.path(), &pipe(folder.path())] {
        let refused = RevocationFile::open(not_a_file).unwrap_err();
        assert!(matches!(refused, RevocationFileError::Unreadable { .. }));
    }
}

/// A named pipe in this folder, to which nobody writes.
fn pipe(folder: &Path) -> PathBuf {
    let path = folder.join("pipe");
    let (kind, mode) = (FileType::Fifo, Mode::RUSR | Mode::WUSR);
    rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).unwrap();
    path
}

#[test]
fn a_pipe_in_the_place_of_the_file_has_no_call_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked");
    fs::write(&path, "").unwrap();
    let (builder, clock) = builder();
    let file = std::sync::Arc::new(RevocationFile::open(&path).unwrap());
    let gate = builder.revocations(file.clone()).build();
    fs::rename(pipe(folder.path()), &path).unwrap();
    clock.advance(Duration::from_secs(1));
    assert!(present(&gate, leaf(good())).is_ok());
    assert!(matches!(
        file.trouble(),
        Some(RevocationFileError::Unreadable { .. })
    ));
}
