//! JSON for people: the same text, indented. Numbers and the order of keys
//! stay as they came, which a tree would not keep.

/// Indents `json`, which must be JSON.
pub(crate) fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push(c);
                copy_string(&mut chars, &mut out);
            }
            '{' | '[' => {
                out.push(c);
                while chars.peek().is_some_and(char::is_ascii_whitespace) {
                    chars.next();
                }
                if let Some(close) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

fn copy_string(chars: &mut impl Iterator<Item = char>, out: &mut String) {
    while let Some(c) = chars.next() {
        out.push(c);
        match c {
            '"' => return,
            '\\' => out.extend(chars.next()),
            _ => {}
        }
    }
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn text_is_indented_and_otherwise_kept() {
        let check = |json, expected| assert_eq!(indented(json), expected);
        check("1e999", "1e999");
        check("{ }", "{}");
        check("[[], {}]", "[\n  [],\n  {}\n]");
        check(
            r#"{"b":123456789012345678901234567890,"a":["x, {\"y\": 1}\\"]}"#,
            "{\n  \"b\": 123456789012345678901234567890,\n  \"a\": [\n    \"x, {\\\"y\\\": 1}\\\\\"\n  ]\n}",
        );
    }
}
