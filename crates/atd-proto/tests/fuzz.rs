//! F1: frames that are nearly right. The short form runs with the tests, ten
//! million executions with `cargo xtask fuzz`.

use atd_proto::{FrameDecoder, Request, Response, TaggedRequest, TaggedResponse, encode_frame};
use bytes::BytesMut;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }
}

/// What a parser may stumble over, put where it does not belong.
const TOKENS: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"null",
    b"true",
    b"-",
    b"1e999",
    b"\\u",
    b"\\ud800",
    b"9007199254740993",
    b"18446744073709551616",
    b"\xff",
    b"\xc0\xaf",
    b"\0",
    b"\"type\":",
    b"\"request_id\":",
    b"\"args\":",
    b"[[[[[[[[[[[[[[[[",
    b"\xe2\x80\xa8",
];

/// One message, changed in a few places.
fn mutate(dice: &mut Dice, seeds: &[&str], frame: &mut Vec<u8>) {
    frame.clear();
    frame.extend_from_slice(seeds[dice.below(seeds.len())].as_bytes());
    for _ in 0..=dice.below(6) {
        let at = dice.below(frame.len());
        match dice.below(7) {
            0 if !frame.is_empty() => frame[at] ^= 1 << dice.below(8),
            1 if !frame.is_empty() => drop(frame.remove(at)),
            2 => {
                let token = TOKENS[dice.below(TOKENS.len())];
                frame.splice(at..at, token.iter().copied());
            }
            3 => frame.truncate(at),
            4 => {
                let other = seeds[dice.below(seeds.len())].as_bytes();
                let from = dice.below(other.len());
                frame.truncate(at);
                frame.extend_from_slice(&other[from..]);
            }
            5 => {
                let end = at + dice.below(frame.len() - at + 1);
                let part = frame[at..end].to_vec();
                let times = 1 + dice.below(4);
                let many = part.repeat(times);
                frame.splice(at..at, many);
            }
            _ => frame.insert(at, u8::try_from(dice.below(256)).unwrap()),
        }
        frame.truncate(4_096);
    }
}

/// Whatever is read reads the same once it is written; nothing panics.
fn decode(frame: &[u8]) {
    let bytes = || bytes::Bytes::copy_from_slice(frame);
    if let Ok(request) = TaggedRequest::decode(bytes()) {
        let mut out = Vec::new();
        request.encode(&mut out);
        let again = TaggedRequest::decode(out.into()).expect("what was written is read");
        assert_eq!(again.request_id, request.request_id);
        assert_eq!(again.request, request.request);
    }
    if let Ok(response) = TaggedResponse::decode(bytes()) {
        let mut out = Vec::new();
        response.encode(&mut out);
        TaggedResponse::decode(out.into()).expect("what was written is read");
    }
    let request = Request::decode(bytes());
    let response = Response::decode(bytes());
    if let Err(error) = &request {
        assert!(error.to_string().len() < 2_000);
    }
    drop((request, response));
}

/// The codec on a stream of frames in pieces, one of which may be cut short.
fn stream(dice: &mut Dice, frame: &[u8]) {
    let mut wire = Vec::new();
    encode_frame(&mut wire, |out| out.extend_from_slice(frame)).unwrap();
    if dice.below(2) == 0 {
        let at = dice.below(4);
        wire[at] ^= 1 << dice.below(8);
    }
    let decoder = FrameDecoder::with_limit(8_192);
    let mut buffer = BytesMut::new();
    let mut rest = &wire[..];
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(1 + dice.below(rest.len()));
        buffer.extend_from_slice(piece);
        rest = behind;
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(body)) => assert!(body.len() <= 8_192),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
    let _ = decoder.finish(&buffer);
}

/// F1: fuzzing the codec and the request decoder: no panic, no hang over 1 s, no
/// more than 256 MiB.
#[test]
#[expect(clippy::disallowed_methods, reason = "the long form measures a time")]
fn frames_that_are_nearly_right_are_read_or_refused() {
    let seeds: Vec<&str> = include_str!("golden/requests.jsonl")
        .lines()
        .chain(include_str!("golden/responses.jsonl").lines())
        .collect();
    let long = std::env::var_os("ATD_LONG").is_some();
    let executions = if long { 10_000_000 } else { 20_000 };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut frame = Vec::new();
    let mut begun = std::time::Instant::now();
    for n in 0..executions {
        mutate(&mut dice, &seeds, &mut frame);
        decode(&frame);
        stream(&mut dice, &frame);
        // A thousand of them take less than one may.
        if long && n % 1_000 == 0 {
            let took = begun.elapsed();
            assert!(took.as_secs_f64() < 1.0, "{took:?} before {n}");
            begun = std::time::Instant::now();
        }
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
        assert!(kib.is_none_or(|kib| kib <= 256 * 1024), "{kib:?} KiB");
    }
}
