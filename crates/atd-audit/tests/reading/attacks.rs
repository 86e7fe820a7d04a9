//! A6: every edit, removal, swap or insertion is found, and the first bad line
//! named.

use atd_audit::{Fault, VerifyOptions};
use proptest::{prelude::*, sample::Index};

use super::support::{Place, Sealer, broken_at};

/// Verifies `lines` as a log, which must break at the line `at`.
fn check_broken_at(lines: &[impl AsRef<[u8]>], options: &VerifyOptions, at: usize) {
    let bytes: Vec<&[u8]> = lines.iter().map(AsRef::as_ref).collect();
    let report = Place::with(bytes.concat()).verify(options);
    assert_eq!(
        broken_at(&report),
        Some(("audit.jsonl".to_owned(), at as u64)),
        "{report:?}"
    );
}

/// A6, exhaustively for a few lines: every bit of one is flipped,
/// and one of each byte of those around it.
#[test]
fn every_flipped_bit_is_found_and_its_line_named() {
    let mut sealer = Sealer::signing_every(2);
    let lines = sealer.lines(0..4);
    let options = VerifyOptions::new().complete(true).key(sealer.public_key());
    for (index, bits) in [(0, 3..4), (1, 0..8), (2, 2..3)] {
        for byte in 0..lines[index].len() {
            for bit in bits.clone() {
                let mut edited: Vec<Vec<u8>> =
                    lines.iter().map(|it| it.as_bytes().to_vec()).collect();
                edited[index][byte] ^= 1 << bit;
                check_broken_at(&edited, &options, index + 1);
            }
        }
    }
}

/// A6: the newest line is the one that nothing stands behind.
#[test]
fn every_flipped_bit_of_the_newest_line_is_found_with_a_head_kept_elsewhere() {
    let mut sealer = Sealer::signing_every(2);
    let whole = sealer.lines(0..2).concat();
    let last = whole[..whole.len() - 1].rfind('\n').unwrap() + 1;
    let options = VerifyOptions::new()
        .key(sealer.public_key())
        .expect(sealer.head());
    assert!(Place::with(&whole).verify(&options).is_sound());
    for byte in last..whole.len() {
        for bit in 0..8 {
            let mut edited = whole.clone().into_bytes();
            edited[byte] ^= 1 << bit;
            let report = Place::with(edited).verify(&options);
            assert!(!report.is_sound(), "byte {byte} bit {bit}: {report:?}");
        }
    }
}

/// A6: what is done to a log of 10,000 lines, and at which of them it shows.
#[test]
fn what_is_done_to_one_of_10_000_lines_is_found_and_the_line_named() {
    let mut sealer = Sealer::signing_every(100);
    let lines = sealer.lines(0..10_000);
    let options = VerifyOptions::new().complete(true).expect(sealer.head());
    let sound = Place::with(lines.concat()).verify(&options);
    assert_eq!((sound.events, sound.broken), (10_000, None));

    for at in [0, 1, 6_789, 9_998] {
        let mut removed = lines.clone();
        removed.remove(at);
        check_broken_at(&removed, &options, at + 1);

        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        check_broken_at(&swapped, &options, at + 1);

        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        check_broken_at(&doubled, &options, at + 2);

        let mut edited = lines.clone();
        edited[at] = edited[at].replace("alice", "malory");
        check_broken_at(&edited, &options, at + 1);

        let (forged, _) = lines[at].split_once(",\"seq\"").unwrap();
        let mut longer = lines.clone();
        longer.insert(at, format!("{forged}}}\n"));
        check_broken_at(&longer, &options, at + 1);

        // The first line of a log of its own is good for the first of this one.
        let mut longer = lines.clone();
        longer.insert(at, Sealer::unsigned().lines(5..6).concat());
        check_broken_at(&longer, &options, (at + 1).max(2));
    }
    let cut = Place::with(lines[..9_999].concat()).verify(&options);
    let fault = cut.broken.map(|broken| (broken.at, broken.fault));
    let (expected, last) = (10_000, 9_999);
    assert_eq!(fault, Some((None, Fault::Ended { expected, last })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A6: any line moved to any other place.
    #[test]
    fn a_moved_line_is_found(from: Index, to: Index) {
        let mut sealer = Sealer::unsigned();
        let mut lines = sealer.lines(0..200);
        let (from, to) = (from.index(200), to.index(200));
        prop_assume!(from != to);
        let line = lines.remove(from);
        lines.insert(to, line);
        let options = VerifyOptions::new().complete(true);
        check_broken_at(&lines, &options, from.min(to) + 1);
    }

    /// A6: any stretch of lines taken out, but for the newest.
    #[test]
    fn a_stretch_taken_out_is_found(one: Index, other: Index) {
        let mut sealer = Sealer::unsigned();
        let mut lines = sealer.lines(0..200);
        let (from, to) = (one.index(199), other.index(199));
        let (from, to) = (from.min(to), from.max(to));
        lines.drain(from..=to);
        let options = VerifyOptions::new().complete(true);
        check_broken_at(&lines, &options, from + 1);
    }
}

/// What the documentation says is not proven: whoever can write the whole log
/// can write another. A key or a head that was kept elsewhere shows it.
#[test]
fn a_log_written_anew_is_found_with_a_head_or_a_key_only() {
    let mut sealer = Sealer::signing_every(1);
    let _ = sealer.lines(0..10);
    let mut forger = Sealer::unsigned();
    let forged = Place::with(forger.lines(10..20).concat());
    assert!(forged.verify(&VerifyOptions::new()).is_sound());

    let with_key = forged.verify(&VerifyOptions::new().key(sealer.public_key()));
    assert_eq!(with_key.signatures.signed_through, None);
    let with_head = forged.verify(&VerifyOptions::new().expect(sealer.head()));
    assert_eq!(broken_at(&with_head), Some(("audit.jsonl".to_owned(), 10)));
    let fault = with_head.broken.unwrap().fault;
    assert_eq!(fault, Fault::OtherChain { seq: 10 });
}

#[test]
fn a_chain_that_was_taken_off_is_found_where_one_is_expected() {
    let mut sealer = Sealer::unsigned();
    let sealed = sealer.lines(0..3);
    let bare = sealed.iter().map(|line| {
        let (event, _) = line.split_once(",\"seq\"").unwrap();
        format!("{event}}}\n")
    });
    let bare = Place::with(bare.collect::<String>());
    assert!(bare.verify(&VerifyOptions::new()).is_sound());
    for options in [
        VerifyOptions::new().chained(true),
        VerifyOptions::new().expect(sealer.head()),
        VerifyOptions::new().key(Sealer::signing_every(1).public_key()),
    ] {
        let fault = bare.verify(&options).broken.unwrap().fault;
        assert_eq!(fault, Fault::Unchained);
    }
}

#[test]
fn lines_before_the_chain_are_sound_only_where_that_is_allowed() {
    let plain = serde_json::to_string(&super::support::event(0)).unwrap();
    let sealed = Sealer::unsigned().lines(1..3);
    let lines = [format!("{plain}\n"), sealed.concat()];
    check_broken_at(&lines, &VerifyOptions::new(), 1);

    let allowed = VerifyOptions::new().unchained_start(true);
    let report = Place::with(lines.concat()).verify(&allowed);
    assert_eq!((report.is_sound(), report.events), (true, 3));
    assert_eq!(report.chain.unwrap().unchained_before, 1);
    // Behind them the chain begins with its first line.
    check_broken_at(&[&lines[0], &sealed[1]], &allowed, 2);
}

#[test]
fn a_signature_by_somebody_else_or_for_another_line_is_found() {
    let mut sealer = Sealer::signing_every(1);
    let lines = sealer.lines(0..3);
    let report = Place::with(lines.concat()).verify(&VerifyOptions::new());
    assert_eq!(
        (report.signatures.checked, report.signatures.unchecked),
        (0, 3)
    );

    let other = ed25519_dalek::SigningKey::from_bytes(&[8; 32]).verifying_key();
    let other = atd_audit::PublicKey::from_bytes(other.as_bytes()).unwrap();
    check_broken_at(&lines, &VerifyOptions::new().key(other), 1);

    let (before, _) = lines[1].split_once("\"sig\"").unwrap();
    let (_, sig) = lines[2].split_once("\"sig\"").unwrap();
    let moved = [
        lines[0].clone(),
        format!("{before}\"sig\"{sig}"),
        lines[2].clone(),
    ];
    let options = VerifyOptions::new().key(sealer.public_key());
    check_broken_at(&moved, &options, 2);
}
