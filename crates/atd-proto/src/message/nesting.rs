//! How deeply a frame may nest.

/// The most arrays and objects that may stand inside one another in a frame,
/// the message's own object counted: what `serde_json` readers, the published
/// clients among them, take by default.
pub const MAX_NESTING: usize = 127;

/// Whether `json` nests deeper than `levels`. On text that is no JSON the
/// answer means nothing; the parser will refuse that text anyway.
pub(crate) fn is_deeper_than(levels: usize, json: &[u8]) -> bool {
    // So few brackets, in strings or not, cannot nest that deeply. This look is
    // many times as fast as the one below.
    if opening_brackets(json) <= levels {
        return false;
    }
    let mut depth = 0_usize;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > levels {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    false
}

/// Written for the compiler to look at many bytes at a time: a block's count
/// fits a byte, and the two brackets differ in one bit.
fn opening_brackets(json: &[u8]) -> usize {
    let blocks = json.chunks(255);
    let counts = blocks.map(|block| {
        let found = block.iter().map(|byte| u8::from(byte | 0x20 == b'{'));
        usize::from(found.sum::<u8>())
    });
    counts.sum()
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}
