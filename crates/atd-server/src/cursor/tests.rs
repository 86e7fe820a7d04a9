use atd_gate::{Gate, PeerCredentials};
use atd_proto::Hello;

use super::*;

const TOOL: &str = "test:pages.count";

fn cursors() -> Cursors {
    Cursors::new(CursorKey::generate().unwrap(), Duration::from_secs(300))
}

fn place(page: u32) -> Place {
    Place {
        page,
        args: JsonText::parse(r#"{"to": 100}"#).unwrap(),
        state: page.to_be_bytes().to_vec().into(),
    }
}

fn caller(uid: Option<u32>, client_id: Option<&str>) -> Identity {
    let gate = Gate::builder().allow_uid(uid.unwrap_or(0)).build();
    let peer = uid.map(|uid| PeerCredentials {
        uid,
        gid: 0,
        pid: None,
    });
    let hello = Hello {
        client_id: client_id.map(str::to_owned),
        ..Hello::default()
    };
    gate.hello(&gate.connect(peer).unwrap(), &hello).unwrap()
}

/// Gives changed bytes the checksum that they would have: the seal alone is to
/// find it.
fn give_its_checksum(whole: &mut [u8]) {
    let at = whole.len() - CHECK;
    let check = checksum(&whole[..at]);
    whole[at..].copy_from_slice(&check);
}

/// C1: every bit flipped in 1,000 cursors: all refused, also by the seal alone.
/// The short form flips each tenth bit of each, another tenth from cursor to
/// cursor; `cargo xtask soak cursors` flips them all.
#[tokio::test]
async fn a_cursor_with_any_bit_flipped_is_refused() {
    let cursors = cursors();
    let nobody = Identity::anonymous();
    let step = if std::env::var_os("ATD_LONG").is_some() {
        1
    } else {
        10
    };
    for page in 2..1_002_u32 {
        let cursor = cursors.seal(TOOL, &nobody, &place(page)).unwrap();
        assert!(cursors.open(TOOL, &nobody, &cursor).unwrap() == place(page));
        let whole = BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap();
        let from = usize::try_from(page).unwrap() % step;
        for bit in (from..whole.len() * 8).step_by(step) {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if page % 50 == 0 {
                let text = BASE64URL_NOPAD.encode(&flipped);
                let refused = cursors.open(TOOL, &nobody, &text).err();
                assert_eq!(refused, Some(Refused::Invalid), "bit {bit}");
            }
            if bit < (whole.len() - CHECK) * 8 {
                give_its_checksum(&mut flipped);
                let opened = cursors.unseal(TOOL, &nobody, &flipped);
                assert!(opened.is_err(), "bit {bit}");
            }
        }
    }
}

#[tokio::test]
async fn a_cursor_with_any_character_changed_or_cut_is_refused() {
    let cursors = cursors();
    let nobody = Identity::anonymous();
    let cursor = cursors.seal(TOOL, &nobody, &place(2)).unwrap();
    for at in 0..cursor.len() {
        for other in ["A", "z", "=", "+", "\n", "\u{e9}", ""] {
            let mut changed = cursor.clone();
            changed.replace_range(at..=at, other);
            let opened = cursors.open(TOOL, &nobody, &changed);
            assert!(changed == cursor || opened.is_err(), "{at} {other:?}");
        }
        assert!(cursors.open(TOOL, &nobody, &cursor[..at]).is_err());
    }
    let long = "A".repeat(10_000_000);
    assert!(cursors.open(TOOL, &nobody, &long).is_err());
}

/// C2: another tool or another caller: refused.
#[tokio::test]
async fn a_cursor_is_good_for_its_tool_and_its_caller_alone() {
    let cursors = cursors();
    let callers = [
        caller(None, None),
        caller(None, Some("a")),
        caller(None, Some("b")),
        caller(Some(7), None),
        caller(Some(7), Some("a")),
        caller(Some(8), Some("a")),
        caller(None, Some("uid:7")),
        caller(None, Some("")),
    ];
    for (mine, owner) in callers.iter().enumerate() {
        let cursor = cursors.seal(TOOL, owner, &place(2)).unwrap();
        for (theirs, caller) in callers.iter().enumerate() {
            let opened = cursors.open(TOOL, caller, &cursor);
            assert_eq!(opened.is_ok(), mine == theirs, "{mine} {theirs}");
        }
        for tool in ["test:pages.coun", "test:pages.countt", ""] {
            let opened = cursors.open(tool, owner, &cursor);
            assert_eq!(opened.err(), Some(Refused::Invalid));
        }
    }
}

/// C2: too old, and issued in the future.
#[tokio::test(start_paused = true)]
async fn a_cursor_is_good_for_its_time_alone() {
    let cursors = cursors();
    let nobody = Identity::anonymous();
    let cursor = cursors.seal(TOOL, &nobody, &place(2)).unwrap();
    tokio::time::advance(Duration::from_secs(300)).await;
    assert!(cursors.open(TOOL, &nobody, &cursor).is_ok());
    tokio::time::advance(Duration::from_millis(1)).await;
    let late = cursors.open(TOOL, &nobody, &cursor).err();
    assert_eq!(late, Some(Refused::Expired));

    let shared = CursorKey::from_hex("0123456789abcdef10fedcba98765432");
    assert_eq!(shared.err(), Some(CursorKeyError::Length { length: 16 }));
    let key = CursorKey::from_bytes(&std::array::from_fn::<u8, 32, _>(|n| {
        u8::try_from((n * n * 7 + 13) % 251).unwrap()
    }))
    .unwrap();
    let ahead = Cursors::new(key.clone(), Duration::from_secs(300));
    tokio::time::advance(Duration::from_secs(3600)).await;
    let behind = Cursors::new(key, Duration::from_secs(300));
    let from_the_future = ahead.seal(TOOL, &nobody, &place(2)).unwrap();
    let refused = behind.open(TOOL, &nobody, &from_the_future).err();
    assert_eq!(refused, Some(Refused::Invalid));
    let from_the_past = behind.seal(TOOL, &nobody, &place(2)).unwrap();
    let refused = ahead.open(TOOL, &nobody, &from_the_past).err();
    assert_eq!(refused, Some(Refused::Expired));
}

/// C2: another server; one that shares the key takes it.
#[tokio::test]
async fn a_cursor_of_another_server_is_expired_unless_they_share_a_key() {
    let (one, other) = (cursors(), cursors());
    let nobody = Identity::anonymous();
    let cursor = one.seal(TOOL, &nobody, &place(2)).unwrap();
    let refused = other.open(TOOL, &nobody, &cursor).err();
    assert_eq!(refused, Some(Refused::Expired));

    let mut bytes = [0; 32];
    key::random(&mut bytes).unwrap();
    let [one, other] = [(); 2].map(|()| {
        let key = CursorKey::from_bytes(&bytes).unwrap();
        Cursors::new(key, Duration::from_secs(300))
    });
    let cursor = one.seal(TOOL, &nobody, &place(2)).unwrap();
    assert!(other.open(TOOL, &nobody, &cursor).unwrap() == place(2));
}

/// C1: a key that is short, zero, repeats itself or counts is refused.
#[test]
fn a_weak_key_is_refused() {
    let check = |bytes: &[u8], expected: Option<CursorKeyError>| {
        assert_eq!(CursorKey::from_bytes(bytes).err(), expected, "{bytes:?}");
    };
    for length in [0, 1, 16, 31, 33, 64] {
        check(&vec![7; length], Some(CursorKeyError::Length { length }));
    }
    check(&[0; 32], Some(CursorKeyError::Weak));
    check(&[0xff; 32], Some(CursorKeyError::Weak));
    check(&[1, 2].repeat(16), Some(CursorKeyError::Weak));
    check(
        b"0123456789abcdef0123456789abcdef",
        Some(CursorKeyError::Weak),
    );
    check(
        b"changemechangemechangemechangeme",
        Some(CursorKeyError::Weak),
    );
    check(
        &std::array::from_fn::<u8, 32, _>(|n| n as u8),
        Some(CursorKeyError::Weak),
    );
    let mut random = [0; 32];
    key::random(&mut random).unwrap();
    check(&random, None);
    assert_eq!(
        CursorKey::from_hex("xyz").err(),
        Some(CursorKeyError::NotHex)
    );
    let digits = data_encoding::HEXUPPER.encode(&random);
    let key = CursorKey::from_hex(&format!("{digits}\n")).unwrap();
    assert_eq!(key.id(), CursorKey::from_bytes(&random).unwrap().id());
    assert!(!format!("{key:?}").to_uppercase().contains(&digits));
}

#[tokio::test]
async fn what_does_not_fit_a_cursor_is_told() {
    let long = Place {
        state: vec![0; MAX_CARRIED].into(),
        ..place(2)
    };
    let sealed = cursors().seal(TOOL, &Identity::anonymous(), &long);
    let length = MAX_CARRIED + long.args.as_bytes().len();
    assert_eq!(sealed, Err(NotSealed::TooLong { length }));
    let fits = Place {
        state: vec![0; MAX_CARRIED - long.args.as_bytes().len()].into(),
        ..place(2)
    };
    let cursors = cursors();
    let nobody = Identity::anonymous();
    let cursor = cursors.seal(TOOL, &nobody, &fits).unwrap();
    assert!(cursors.open(TOOL, &nobody, &cursor).unwrap() == fits);
}
