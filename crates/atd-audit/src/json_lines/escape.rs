//! Text as a JSON string.

/// Appends `text` as a JSON string, its quotes included, and returns whether
/// all of it went in.
///
/// At most `room` bytes go between the quotes; what is over that is left out
/// from the end, whole characters and whole escapes at a time.
pub(super) fn string(line: &mut Vec<u8>, text: &str, room: usize) -> bool {
    line.push(b'"');
    let whole = if text.len() <= room && is_plain(text.as_bytes()) {
        line.extend_from_slice(text.as_bytes());
        true
    } else {
        escaped(line, text, room)
    };
    line.push(b'"');
    whole
}

/// Whether `bytes` stand for themselves, every one. It looks at all of them,
/// without a way out, so that the compiler can take many at a time.
fn is_plain(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(true, |plain, &byte| plain & is_plain_byte(byte))
}

/// Printable ASCII but the quote and the backslash.
fn is_plain_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\')
}

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
