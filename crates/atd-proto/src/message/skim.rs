//! A quick pass over a frame that is as it should be.

use super::nesting::MAX_NESTING;

/// Tells `found` each field of the one object that `text` is: its name, and
/// its value as text that is JSON. Says whether that went well to the end.
///
/// `false` means only that the slow way has to look, which knows the words for
/// what is wrong: `found` had enough, `text` is no object, no JSON or nests
/// deeper than [`MAX_NESTING`], or a name is written with an escape.
pub(super) fn skim<'a>(text: &'a str, found: impl FnMut(&'a str, &'a str) -> bool) -> bool {
    let mut skimmer = Skimmer { text, at: 0 };
    skimmer.object(found).is_some()
}

/// Which of eight bytes do not stand for themselves in a string: the highest
/// bit of the first such byte is set, and none before it.
fn special(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHEST: u64 = ONES << 7;
    let below = |bytes: u64, least: u8| bytes.wrapping_sub(ONES * u64::from(least)) & !bytes;
    let is = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
    (below(eight, b' ') | is(b'"') | is(b'\\')) & HIGHEST
}

/// How many of these bytes stand for themselves in a string, up to the first
/// that does not.
pub(crate) fn plain(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk() {
        let special = special(u64::from_le_bytes(*eight));
        if special != 0 {
            return Some(at + special.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let is_special = |byte: &u8| matches!(byte, ..b' ' | b'"' | b'\\');
    Some(at + bytes[at..].iter().position(is_special)?)
}

/// How far the pass has come. A step that finds something else than it looks
/// for is `None`, and the end of the pass.
struct Skimmer<'a> {
    text: &'a str,
    at: usize,
}

/// Which brackets are open, innermost last: a bit for each, set for an object.
#[derive(Default)]
struct Open {
    objects: u128,
    depth: usize,
}

impl Open {
    fn push(&mut self, is_object: bool) -> Option<()> {
        // The frame's own object is open too.
        if self.depth + 1 >= MAX_NESTING {
            return None;
        }
        self.objects = self.objects << 1 | u128::from(is_object);
        self.depth += 1;
        Some(())
    }

    fn pop(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }

    fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

impl<'a> Skimmer<'a> {
    fn object(&mut self, mut found: impl FnMut(&'a str, &'a str) -> bool) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_none() {
            loop {
                let name = self.name()?;
                let value = self.value()?;
                if !found(name, value) {
                    return None;
                }
                if self.take(b',').is_none() {
                    break;
                }
            }
            self.take(b'}')?;
        }
        self.skip_blanks();
        (self.at == self.text.len()).then_some(())
    }

    /// A name that is written without escapes, and its colon.
    fn name(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        if self.plain()? != b'"' {
            return None;
        }
        let name = self.text.get(start..self.at - 1)?;
        self.take(b':')?;
        Some(name)
    }

    fn value(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let start = self.at;
        let mut open = Open::default();
        loop {
            if self.begin(&mut open)? {
                self.finish(&mut open)?;
                if open.depth == 0 {
                    return self.text.get(start..self.at);
                }
            }
            if open.in_object() {
                self.take(b'"')?;
                self.string()?;
                self.take(b':')?;
            }
        }
    }

    /// Passes a value, or the bracket that begins one. Says whether that was
    /// all of it.
    fn begin(&mut self, open: &mut Open) -> Option<bool> {
        let first = match self.byte()? {
            b' ' | b'\n' | b'\t' | b'\r' => {
                self.skip_blanks();
                self.byte()?
            }
            first => first,
        };
        match first {
            b'{' | b'[' => {
                self.at += 1;
                open.push(first == b'{')?;
                // In ASCII the bracket that closes is two behind.
                let is_empty = self.take(first + 2).is_some();
                if is_empty {
                    open.pop();
                }
                return Some(is_empty);
            }
            b'"' => {
                self.at += 1;
                self.string()?;
            }
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => self.number()?,
        }
        Some(true)
    }

    /// Passes what follows a value: brackets that close, up to the comma behind
    /// which the next one stands.
    fn finish(&mut self, open: &mut Open) -> Option<()> {
        while open.depth > 0 {
            if self.take(b',').is_some() {
                return Some(());
            }
            self.take(if open.in_object() { b'}' } else { b']' })?;
            open.pop();
        }
        Some(())
    }

    /// Passes the rest of a string, behind its first quotation mark.
    fn string(&mut self) -> Option<()> {
        loop {
            match self.plain()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    /// Passes what stands for itself in a string, and the byte behind it, which
    /// does not.
    fn plain(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let at = plain(rest)?;
        self.at += at + 1;
        rest.get(at).copied()
    }

    fn escape(&mut self) -> Option<()> {
        let kind = self.byte()?;
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
                self.at += 4;
                let are_digits = digits.iter().all(u8::is_ascii_hexdigit);
                are_digits.then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<()> {
        self.pass(|byte| byte == b'-');
        if self.pass(|byte| byte == b'0').is_none() {
            self.digits()?;
        }
        if self.pass(|byte| byte == b'.').is_some() {
            self.digits()?;
        }
        if self.pass(|byte| matches!(byte, b'e' | b'E')).is_some() {
            self.pass(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += word.len();
        rest.starts_with(word.as_bytes()).then_some(())
    }

    /// Passes one such byte.
    fn pass(&mut self, is_such: impl Fn(u8) -> bool) -> Option<()> {
        self.byte().filter(|byte| is_such(*byte))?;
        self.at += 1;
        Some(())
    }

    /// Passes blanks, and this byte behind them.
    fn take(&mut self, byte: u8) -> Option<()> {
        // Mostly there are no blanks.
        if self.byte()? != byte {
            self.skip_blanks();
            if self.byte()? != byte {
                return None;
            }
        }
        self.at += 1;
        Some(())
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte() {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
