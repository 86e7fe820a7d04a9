//! Text as a JSON string.

/// Appends `text` as a JSON string, its quotes included, and returns whether
/// all of it went in.
///
/// At most `room` bytes go between the quotes; what is over that is left out
/// from the end, whole characters and whole escapes at a time.
pub(super) fn string(line: &mut Vec<u8>, text: &str, room: usize) -> bool {
    line.push(b'"');
    let whole = unquoted(line, text, room);
    line.push(b'"');
    whole
}

/// As [`string`], without the quotes, which whoever calls it has beside them.
#[inline]
pub(super) fn unquoted(line: &mut Vec<u8>, text: &str, room: usize) -> bool {
    if text.len() <= room && is_plain(text.as_bytes()) {
        line.extend_from_slice(text.as_bytes());
        true
    } else {
        escaped(line, text, room)
    }
}

/// Whether `bytes` stand for themselves, every one. Most texts are short, and a
/// byte at a time is what the compiler makes of them.
fn is_plain(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk() {
        let (words, _) = bytes.as_chunks();
        let words = words.iter().chain([last]);
        words.fold(true, |plain, word| plain & is_plain_word(*word))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let ([a, b, c, d], [e, f, g, h]) = (*first, *last);
        is_plain_word([a, b, c, d, e, f, g, h])
    } else {
        bytes.iter().all(|byte| is_plain_byte(*byte))
    }
}

/// [`is_plain_byte`] of eight at once. A byte that is not plain sets its highest
/// bit in one of the sums, and no other byte is disturbed unless there is one.
fn is_plain_word(word: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_ne_bytes(word);
    let below = |word: u64, limit: u64| word.wrapping_sub(limit * ONES) & !word;
    let quote = below(word ^ (u64::from(b'"') * ONES), 1);
    let backslash = below(word ^ (u64::from(b'\\') * ONES), 1);
    let control = below(word, b' '.into());
    let beyond = word | word.wrapping_add(ONES);
    (quote | backslash | control | beyond) & (0x80 * ONES) == 0
}

/// Printable ASCII but the quote and the backslash.
fn is_plain_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\')
}

/// Most texts need it not, and are the quicker for it being out of their way.
#[cold]
fn escaped(line: &mut Vec<u8>, text: &str, mut room: usize) -> bool {
    let mut rest = text;
    loop {
        let run = rest
            .bytes()
            .position(|byte| !is_plain_byte(byte))
            .unwrap_or(rest.len());
        // A run is ASCII: it can be cut, and split off, anywhere.
        let (plain, tail) = rest.split_at(run.min(room));
        line.extend_from_slice(plain.as_bytes());
        room -= plain.len();

        let mut tail = tail.chars();
        let Some(next) = tail.next() else {
            return true;
        };
        let before = line.len();
        character(line, next);
        let taken = line.len() - before;
        if taken > room {
            line.truncate(before);
            return false;
        }
        room -= taken;
        rest = tail.as_str();
    }
}

/// Appends one character, escaped where JSON wants it, and where something
/// that reads the log could take it for the end of a line or for an order to a
/// terminal.
fn character(line: &mut Vec<u8>, c: char) {
    match c {
        '"' => line.extend_from_slice(b"\\\""),
        '\\' => line.extend_from_slice(b"\\\\"),
        '\n' => line.extend_from_slice(b"\\n"),
        '\r' => line.extend_from_slice(b"\\r"),
        '\t' => line.extend_from_slice(b"\\t"),
        '\u{8}' => line.extend_from_slice(b"\\b"),
        '\u{c}' => line.extend_from_slice(b"\\f"),
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let code = u32::from(c) as usize;
            line.extend_from_slice(b"\\u");
            line.extend([12, 8, 4, 0].map(|shift| HEX[code >> shift & 0xf]));
        }
        _ => line.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_do_not_stand_for_themselves_are_found_wherever_they_are() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'~'; length];
                    bytes[at] = byte;
                    assert_eq!(is_plain(&bytes), is_plain_byte(byte), "{bytes:?}");
                }
            }
        }
    }
}
