//! Where secrets come from, and where they do not go.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use atd_registry::{
    DirectoryTokenBroker, MemoryTokenBroker, SecretBundle, SecretRequest, TokenBroker,
};
use secrecy::{ExposeSecret, SecretString};

const CANARY: &str = "canary-5d1f";

struct Kept {
    broker: DirectoryTokenBroker,
    path: PathBuf,
    folder: tempfile::TempDir,
}

fn kept() -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let broker = DirectoryTokenBroker::open(folder.path()).unwrap();
    Kept {
        broker: broker.clock(|| Duration::from_secs(1_000)),
        path: folder.path().join("uid:1000"),
        folder,
    }
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn good() -> String {
    format!("# ours\n\nsecret bearer {CANARY} with a space\nsecret other x\n")
}

/// What a caller has for a tool: its bearer, nothing, or why it failed.
async fn ask(
    broker: &impl TokenBroker,
    verified_id: &str,
    tool_id: &str,
) -> Result<Option<String>, String> {
    let request = SecretRequest {
        tool_id,
        verified_id,
    };
    let found = broker.resolve(request).await;
    let found = found.map_err(|error| {
        let said = error.to_string();
        assert!(!said.contains(CANARY), "X1: {said}");
        said
    })?;
    Ok(found.map(|secrets| {
        assert!(!format!("{secrets:?}").contains(CANARY), "X1");
        secrets.bearer().unwrap().expose_secret().to_owned()
    }))
}

#[tokio::test]
async fn a_callers_file_holds_its_secrets_and_is_read_again() {
    let it = kept();
    assert_eq!(ask(&it.broker, "uid:1000", "a:b.c").await, Ok(None));
    write(&it.path, &good(), 0o600);
    let bearer = format!("{CANARY} with a space");
    assert_eq!(ask(&it.broker, "uid:1000", "a:b.c").await, Ok(Some(bearer)));
    assert_eq!(ask(&it.broker, "uid:1001", "a:b.c").await, Ok(None));
    write(&it.path, "secret bearer new\n", 0o600);
    assert_eq!(
        ask(&it.broker, "uid:1000", "a:b.c").await,
        Ok(Some("new".into()))
    );
    assert!(!format!("{:?}", it.broker).contains(CANARY), "X1");
}

#[tokio::test]
async fn secrets_for_some_tools_are_for_no_other() {
    let it = kept();
    write(&it.path, &format!("tools a:b.c a:b.d\n{}", good()), 0o600);
    assert!(
        ask(&it.broker, "uid:1000", "a:b.d")
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(ask(&it.broker, "uid:1000", "a:b.e").await, Ok(None));
    write(&it.path, &format!("tools\n{}", good()), 0o600);
    assert_eq!(ask(&it.broker, "uid:1000", "a:b.c").await, Ok(None));
}

#[tokio::test]
async fn secrets_end_on_their_date() {
    let it = kept();
    write(&it.path, &format!("expires 1001\n{}", good()), 0o600);
    assert!(ask(&it.broker, "uid:1000", "a:b.c").await.is_ok());
    write(&it.path, &format!("expires 1000\n{}", good()), 0o600);
    let refused = ask(&it.broker, "uid:1000", "a:b.c").await.unwrap_err();
    assert!(refused.contains("expired"), "{refused}");
}

#[tokio::test]
async fn a_file_that_others_may_have_read_or_made_is_refused() {
    let it = kept();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o601, 0o666] {
        write(&it.path, &good(), mode);
        let refused = ask(&it.broker, "uid:1000", "a:b.c").await.unwrap_err();
        assert!(refused.contains("chmod 600"), "{mode:o}: {refused}");
    }
    let elsewhere = it.folder.path().join("elsewhere");
    write(&elsewhere, &good(), 0o600);
    fs::remove_file(&it.path).unwrap();
    symlink(&elsewhere, &it.path).unwrap();
    let refused = ask(&it.broker, "uid:1000", "a:b.c").await.unwrap_err();
    assert!(refused.contains("not a file"), "{refused}");
    fs::remove_file(&it.path).unwrap();
    fs::create_dir(&it.path).unwrap();
    let refused = ask(&it.broker, "uid:1000", "a:b.c").await.unwrap_err();
    assert!(refused.contains("not a file"), "{refused}");
}

#[tokio::test]
async fn no_name_leads_out_of_the_directory_or_to_another_callers_file() {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    fs::create_dir(&inner).unwrap();
    write(&outer.path().join("secret"), &good(), 0o600);
    write(
        &inner.join("%2E%2E%2Fsecret"),
        "secret bearer dots\n",
        0o600,
    );
    write(&inner.join("a%2Fb"), "secret bearer slash\n", 0o600);
    let broker = DirectoryTokenBroker::open(&inner).unwrap();
    let absolute = outer.path().join("secret");
    for name in [
        "..",
        ".",
        "",
        "a%2Fb",
        "\0",
        absolute.to_str().unwrap(),
        &"x".repeat(300),
    ] {
        assert_eq!(ask(&broker, name, "a:b.c").await, Ok(None), "{name}");
    }
    let bearer = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(ask(&broker, "../secret", "a:b.c").await, bearer("dots"));
    assert_eq!(ask(&broker, "a/b", "a:b.c").await, bearer("slash"));
}

#[tokio::test]
async fn a_file_that_is_not_as_it_should_be_is_refused_without_repeating_it() {
    let it = kept();
    for (text, says) in [
        (format!("{CANARY}\n"), "line 1: a line begins"),
        (format!("# x\nsecret {CANARY}\n"), "line 2: `secret` takes"),
        (format!("expires {CANARY}\n"), "line 1: `expires` takes"),
        (
            format!("secret bearer {}\n", "x".repeat(64 * 1024)),
            "longer than",
        ),
    ] {
        write(&it.path, &text, 0o600);
        let refused = ask(&it.broker, "uid:1000", "a:b.c").await.unwrap_err();
        assert!(refused.contains(says), "{refused}");
    }
    fs::write(&it.path, [b's', 0xff]).unwrap();
    assert!(
        ask(&it.broker, "uid:1000", "a:b.c")
            .await
            .unwrap_err()
            .contains("UTF-8")
    );
}

#[test]
fn a_directory_that_others_may_write_to_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
    let refused = DirectoryTokenBroker::open(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("chmod 700"), "{refused}");
    assert!(DirectoryTokenBroker::open(folder.path().join("missing")).is_err());
}

#[tokio::test]
async fn secrets_in_memory_can_be_given_and_taken_away() {
    let broker = MemoryTokenBroker::default();
    let secrets = SecretBundle::from_iter([("bearer", SecretString::from(CANARY))]);
    broker.insert("uid:1000", secrets);
    let found = ask(&broker, "uid:1000", "a:b.c").await;
    assert_eq!(found, Ok(Some(CANARY.to_owned())));
    assert_eq!(ask(&broker, "uid:1001", "a:b.c").await, Ok(None));
    assert!(!format!("{broker:?}").contains(CANARY), "X1");
    assert!(broker.remove("uid:1000") && !broker.remove("uid:1000"));
    assert_eq!(ask(&broker, "uid:1000", "a:b.c").await, Ok(None));
}
