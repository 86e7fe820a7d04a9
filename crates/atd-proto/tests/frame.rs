//! The frame codec at its edges.

use atd_proto::{FrameDecoder, FrameError, MAX_FRAME_BODY, encode_frame};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

fn frame(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_frame(&mut out, |out| out.extend_from_slice(body)).unwrap();
    out
}

fn decode(bytes: &[u8]) -> Result<Option<Bytes>, FrameError> {
    FrameDecoder::default().decode(&mut BytesMut::from(bytes))
}

#[test]
fn a_frame_is_a_big_endian_length_and_that_many_bytes() {
    assert_eq!(frame(b"{}"), b"\0\0\0\x02{}");
}

/// F2: length 0, max, max + 1, 2³²−1.
#[test]
fn lengths_are_taken_to_the_limit_and_refused_beyond() {
    assert_eq!(decode(&[0; 4]), Ok(Some(Bytes::new())));

    let longest = frame(&vec![b' '; MAX_FRAME_BODY]);
    let body = decode(&longest)
        .unwrap()
        .expect("the longest body is whole");
    assert_eq!(body.len(), MAX_FRAME_BODY);

    for length in [MAX_FRAME_BODY + 1, u32::MAX as usize] {
        let prefix = u32::try_from(length).unwrap().to_be_bytes();
        let limit = MAX_FRAME_BODY;
        assert_eq!(decode(&prefix), Err(FrameError::TooLarge { length, limit }));
    }

    let mut out = b"before".to_vec();
    let length = MAX_FRAME_BODY + 1;
    let refused = encode_frame(&mut out, |out| out.resize(out.len() + length, 0));
    assert!(matches!(refused, Err(FrameError::TooLarge { length: l, .. }) if l == length));
    assert_eq!(out, b"before");
}

/// F2: end of stream at every offset.
#[test]
fn a_stream_may_end_between_frames_only() {
    let whole = frame(b"{\"type\":\"ping\"}");
    let decoder = FrameDecoder::default();
    for got in 0..whole.len() {
        let mut buffer = BytesMut::from(&whole[..got]);
        assert_eq!(decoder.decode(&mut buffer), Ok(None), "at {got}");
        match decoder.finish(&buffer) {
            Ok(()) => assert_eq!(got, 0),
            Err(FrameError::Truncated {
                got: seen,
                expected,
            }) => {
                assert_eq!(seen, got);
                assert_eq!(expected, if got < 4 { 4 } else { whole.len() });
            }
            Err(other) => panic!("at {got}: {other}"),
        }
    }
}

/// F3: what is announced and not sent costs nothing.
#[test]
fn an_announced_length_reserves_no_memory() {
    let mut buffer = BytesMut::from(&(10_u32 << 20).to_be_bytes()[..]);
    let before = buffer.capacity();
    assert_eq!(FrameDecoder::default().decode(&mut buffer), Ok(None));
    assert_eq!(buffer.capacity(), before);
}

#[test]
fn a_lower_limit_can_be_set_and_never_a_higher_one() {
    let refuse = |limit: usize, body: usize| {
        let mut buffer = BytesMut::from(&u32::try_from(body).unwrap().to_be_bytes()[..]);
        FrameDecoder::with_limit(limit).decode(&mut buffer).is_err()
    };
    assert!(refuse(10, 11) && !refuse(10, 10));
    assert!(refuse(usize::MAX, MAX_FRAME_BODY + 1));
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..20),
        cut in 1_usize..40,
    ) {
        let wire: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
        let decoder = FrameDecoder::default();
        let (mut buffer, mut out) = (BytesMut::new(), Vec::new());
        for piece in wire.chunks(cut) {
            buffer.extend_from_slice(piece);
            while let Some(body) = decoder.decode(&mut buffer).unwrap() {
                out.push(body.to_vec());
            }
        }
        prop_assert_eq!(decoder.finish(&buffer), Ok(()));
        prop_assert_eq!(out, bodies);
    }
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn frames_travel_over_a_stream() {
    use atd_proto::io::{FrameIoError, read_frame, write_frame};

    let (mut near, mut far) = tokio::io::duplex(7);
    let writer = tokio::spawn(async move {
        write_frame(&mut near, b"first").await.unwrap();
        write_frame(&mut near, b"").await.unwrap();
        let too_long = vec![0; MAX_FRAME_BODY + 1];
        let refused = write_frame(&mut near, &too_long).await;
        assert!(matches!(refused, Err(FrameIoError::Frame(_))));
    });
    let mut buffer = BytesMut::new();
    assert_eq!(
        read_frame(&mut far, &mut buffer).await.unwrap().unwrap(),
        "first"
    );
    assert_eq!(
        read_frame(&mut far, &mut buffer).await.unwrap().unwrap(),
        ""
    );
    assert!(read_frame(&mut far, &mut buffer).await.unwrap().is_none());
    writer.await.unwrap();
}
