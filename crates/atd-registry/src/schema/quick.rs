//! A quick look at arguments that fit their schema, as most do: over the text,
//! without a tree.

use atd_proto::MAX_NESTING;

use super::shape::{Object, Shape, Typed, Types};

/// Whether a JSON text fits the shape for sure. `false` means that the
/// validator has to look, which also knows what to say.
pub(super) fn fits(json: &[u8], shape: &Shape) -> bool {
    let mut look = Look {
        json,
        at: 0,
        depth: 0,
    };
    look.value(shape).is_some()
}

/// How long a number may be to be the same in every reading.
const SHORT: usize = 15;

/// How far the look has come. The text is known to be JSON; a step that is not
/// sure of it is `None`, and the end of the look.
struct Look<'a> {
    json: &'a [u8],
    at: usize,
    /// How many arrays and objects are open.
    depth: usize,
}

impl<'a> Look<'a> {
    fn value(&mut self, shape: &Shape) -> Option<()> {
        match shape {
            Shape::Anything => self.anything(),
            Shape::Unsure => None,
            Shape::Typed(typed) => self.typed(typed),
        }
    }

    fn typed(&mut self, typed: &Typed) -> Option<()> {
        let first = self.first()?;
        let kind = match first {
            b'{' => Types::OBJECT,
            b'[' => Types::ARRAY,
            b'"' => Types::STRING,
            b't' | b'f' => Types::BOOLEAN,
            b'n' => Types::NULL,
            _ => return self.number(typed),
        };
        if !typed.types.has(kind) {
            return None;
        }
        match first {
            b'{' => self.object(&typed.object),
            b'[' => self.array(typed),
            b'"' => self.text(typed),
            _ => {
                self.word(first);
                Some(())
            }
        }
    }

    fn object(&mut self, object: &Object) -> Option<()> {
        let mut found = 0_u64;
        self.open()?;
        if !self.takes(b'}')? {
            loop {
                let (name, is_plain) = self.string()?;
                if !is_plain || !self.takes(b':')? {
                    return None;
                }
                let mut properties = object.properties.iter();
                match properties.position(|known| known.0.as_bytes() == name) {
                    Some(at) => {
                        let bit = 1 << at;
                        // Of a name that is repeated only the last counts.
                        if found & bit != 0 {
                            return None;
                        }
                        found |= bit;
                        self.value(&object.properties[at].1)?;
                    }
                    None if object.is_closed => return None,
                    None => self.anything()?,
                }
                if !self.takes(b',')? {
                    break;
                }
            }
            self.takes(b'}')?.then_some(())?;
        }
        self.depth -= 1;
        (found & object.required == object.required).then_some(())
    }

    fn array(&mut self, typed: &Typed) -> Option<()> {
        let mut count = 0;
        self.open()?;
        if !self.takes(b']')? {
            loop {
                self.value(&typed.items)?;
                count += 1;
                if !self.takes(b',')? {
                    break;
                }
            }
            self.takes(b']')?.then_some(())?;
        }
        self.depth -= 1;
        typed.count.contains(&count).then_some(())
    }

    fn text(&mut self, typed: &Typed) -> Option<()> {
        let (text, is_plain) = self.string()?;
        if typed.length != (0..=usize::MAX) {
            // Each character has one byte that continues no other.
            let begins = |byte: &&u8| **byte & 0xc0 != 0x80;
            let length = text.iter().filter(begins).count();
            if !is_plain || !typed.length.contains(&length) {
                return None;
            }
        }
        let Some(allowed) = &typed.one_of else {
            return Some(());
        };
        let is_allowed = allowed.iter().any(|one| one.as_bytes() == text);
        (is_plain && is_allowed).then_some(())
    }

    fn number(&mut self, typed: &Typed) -> Option<()> {
        let number = self.short_number()?;
        match (number.parse::<i64>(), &typed.bounds) {
            (Ok(whole), bounds) => {
                let is_within = bounds.as_ref().is_none_or(|it| it.contains(&whole));
                (is_within && typed.types.has(Types::INTEGER)).then_some(())
            }
            (Err(_), None) => typed.types.has(Types::NUMBER).then_some(()),
            (Err(_), Some(_)) => None,
        }
    }

    /// A number of few digits and without an exponent.
    fn short_number(&mut self) -> Option<&'a str> {
        let rest = self.json.get(self.at..)?;
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'.');
        let length = rest.iter().take_while(|byte| is_part(byte)).count();
        self.at += length;
        let number = std::str::from_utf8(rest.get(..length)?).ok()?;
        // What is no number at all is not for this look to tell.
        let is_exact = (1..=SHORT).contains(&length) && !number.starts_with("-0");
        let ends = !matches!(rest.get(length), Some(b'e' | b'E' | b'+'));
        (is_exact && ends).then_some(number)
    }

    fn anything(&mut self) -> Option<()> {
        let outside = self.depth;
        loop {
            match self.first()? {
                b'{' | b'[' => self.open()?,
                b'}' | b']' if self.depth > outside => {
                    self.depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if self.depth > outside => self.at += 1,
                b'"' => drop(self.string()?),
                first @ (b't' | b'f' | b'n') => self.word(first),
                _ => drop(self.short_number()?),
            }
            if self.depth == outside {
                return Some(());
            }
        }
    }

    /// Passes the bracket that begins an array or an object, unless no tree
    /// goes so deep.
    fn open(&mut self) -> Option<()> {
        self.at += 1;
        self.depth += 1;
        (self.depth <= MAX_NESTING).then_some(())
    }

    /// Passes `true`, `false` or `null`.
    fn word(&mut self, first: u8) {
        self.at += if first == b'f' { 5 } else { 4 };
    }

    /// What stands in a string, and whether it stands for itself.
    fn string(&mut self) -> Option<(&'a [u8], bool)> {
        if self.first()? != b'"' {
            return None;
        }
        self.at += 1;
        let start = self.at;
        let mut is_plain = true;
        loop {
            let rest = self.json.get(self.at..)?;
            let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            self.at += end + 1;
            if rest[end] == b'"' {
                return Some((self.json.get(start..self.at - 1)?, is_plain));
            }
            is_plain = false;
            // What may be half of a surrogate pair is no text for a tree.
            if let [b'u', b'd' | b'D', ..] = self.json.get(self.at..)? {
                return None;
            }
            self.at += 1;
        }
    }

    /// Whether this byte is the next behind any blanks, which is then passed.
    fn takes(&mut self, byte: u8) -> Option<bool> {
        let is_next = self.first()? == byte;
        self.at += usize::from(is_next);
        Some(is_next)
    }

    /// The next byte behind any blanks.
    fn first(&mut self) -> Option<u8> {
        loop {
            match self.json.get(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read_file() -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "ReadFile",
            "type": "object",
            "properties": {
                "path": {"type": "string", "minLength": 1, "maxLength": 8},
                "offset": {"type": "integer", "format": "uint64", "minimum": 0.0},
                "limit": {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": 101},
                "mode": {"type": "string", "enum": ["text", "bytes"]},
                "ratio": {"type": "number"},
                "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
                "like": {"$ref": "#/$defs/Like"}
            },
            "required": ["path"],
            "additionalProperties": false,
            "$defs": {"Like": {"type": "string", "pattern": "^a"}}
        })
    }

    #[test]
    fn most_arguments_that_fit_need_no_tree() {
        let shape = Shape::of(&read_file());
        for text in [
            r#"{"path":"a.rs"}"#,
            r#" { "limit" : null , "path" : "héllo" , "offset" : 0 } "#,
            r#"{"path":"x","offset":120,"limit":100,"mode":"bytes","ratio":0.25,"tags":["a","\n"]}"#,
            r#"{"ratio":-3,"tags":[],"path":"x"}"#,
        ] {
            assert!(fits(text.as_bytes(), &shape), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_or_is_hard_to_tell_is_left_to_the_validator() {
        let shape = Shape::of(&read_file());
        for text in [
            "{}",
            "[]",
            r#"{"path":""}"#,
            r#"{"path":"123456789"}"#,
            r#"{"path":"a\u0062"}"#,
            r#"{"p\u0061th":"a"}"#,
            r#"{"path":"a","path":"b"}"#,
            r#"{"path":7}"#,
            r#"{"path":"a","other":1}"#,
            r#"{"path":"a","offset":-1}"#,
            r#"{"path":"a","offset":1.0}"#,
            r#"{"path":"a","offset":1e2}"#,
            r#"{"path":"a","offset":-0}"#,
            r#"{"path":"a","offset":18446744073709551615}"#,
            r#"{"path":"a","limit":101}"#,
            r#"{"path":"a","mode":"other"}"#,
            r#"{"path":"a","tags":["a","b","c"]}"#,
            r#"{"path":"a","tags":[1]}"#,
            r#"{"path":"a","like":"abc"}"#,
        ] {
            assert!(!fits(text.as_bytes(), &shape), "{text}");
        }
    }

    #[test]
    fn anything_is_looked_at_for_numbers_that_no_tree_holds() {
        let shape = Shape::of(&json!({"type": "object", "required": ["a"]}));
        assert!(fits(br#"{"a":[{"b":[1,-2.5,"]",true,null]},{}]}"#, &shape));
        assert!(!fits(br#"{"a":[1e999]}"#, &shape));
        assert!(!fits(br#"{"a":123456789012345678901234567890}"#, &shape));
    }

    fn text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            r"-?(0|[1-9][0-9]{0,2})(\.[0-9])?(e[0-9])?",
            Just("null".to_owned()),
            Just("true".to_owned()),
            r#""[abé]{0,3}""#,
            Just(r#""a\u0062""#.to_owned()),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            let member =
                ("[abc]", inner.clone()).prop_map(|(name, it)| format!(r#""{name}": {it}"#));
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(","))),
                prop::collection::vec(member, 0..4)
                    .prop_map(|all| format!("{{{}}}", all.join(", "))),
            ]
        })
    }

    fn rules() -> impl Strategy<Value = Vec<(&'static str, Value)>> + Clone {
        let kind = prop::sample::select(vec![
            "object", "array", "string", "integer", "number", "boolean", "null",
        ]);
        let rule = prop_oneof![
            kind.clone().prop_map(|kind| ("type", json!(kind))),
            prop::collection::btree_set(kind, 1..3).prop_map(|kinds| ("type", json!(kinds))),
            (0..3).prop_map(|size| ("minLength", json!(size))),
            (0..3).prop_map(|size| ("maxLength", json!(size))),
            (0..3).prop_map(|size| ("minItems", json!(size))),
            (0..3).prop_map(|size| ("maxItems", json!(size))),
            (-3..3).prop_map(|bound| ("minimum", json!(bound))),
            (-3..3).prop_map(|bound| ("exclusiveMinimum", json!(f64::from(bound)))),
            (0..300).prop_map(|bound| ("maximum", json!(f64::from(bound) / 2.0))),
            (0..300).prop_map(|bound| ("exclusiveMaximum", json!(bound))),
            any::<bool>().prop_map(|more| ("additionalProperties", json!(more))),
            prop::collection::btree_set("[abc]", 1..3).prop_map(|names| ("required", json!(names))),
            prop::collection::btree_set("[ab]", 1..3).prop_map(|all| ("enum", json!(all))),
            Just(("format", json!("email"))),
        ];
        prop::collection::vec(rule.boxed(), 0..4)
    }

    fn schema() -> impl Strategy<Value = Value> {
        let with = |mut schema: Value, rules: Vec<(&str, Value)>| {
            for (name, rule) in rules {
                schema[name] = rule;
            }
            schema
        };
        let flat = rules().prop_map(move |rules| with(json!({}), rules));
        flat.prop_recursive(2, 8, 3, move |inner| {
            let members = prop::collection::btree_map("[abc]", inner.clone(), 0..3);
            (rules(), members, inner).prop_map(move |(rules, members, items)| {
                with(json!({"properties": members, "items": items}), rules)
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn nothing_fits_that_the_validator_refuses(schema in schema(), text in text()) {
            if fits(text.as_bytes(), &Shape::of(&schema)) {
                let tree: Value = serde_json::from_str(&text).expect("it is JSON");
                let validator = jsonschema::options().offline().build(&schema);
                let validator = validator.expect("it is a schema");
                prop_assert!(validator.is_valid(&tree), "{text} against {schema}");
            }
        }
    }
}
