//! Bytes as hex, in lower case.

/// `bytes` as lower-case hex.
#[cfg(feature = "chain")]
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text.into_iter().map(char::from).collect()
}

/// The digit of a value below 16. It looks nothing up, so that a row of them is
/// made at once.
const fn digit(value: u8) -> u8 {
    b'0' + value + if value > 9 { b'a' - b'0' - 10 } else { 0 }
}

/// Appends `bytes` as lower-case hex.
pub(crate) fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    let start = text.len();
    text.resize(start + 2 * bytes.len(), 0);
    for (pair, byte) in text[start..].chunks_exact_mut(2).zip(bytes) {
        pair[0] = digit(byte >> 4);
        pair[1] = digit(byte & 0xf);
    }
}

/// The bytes that lower-case hex stands for. Upper case is refused: there is
/// one way to write a line, so that another way is an edit.
#[cfg(feature = "chain")]
pub(crate) fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}
