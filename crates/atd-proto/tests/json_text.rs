//! JSON that is carried along as text, where `serde_json` writes it.

use atd_proto::JsonText;
use serde::Serialize;
use serde_json::value::RawValue;

const TEXTS: [&str; 7] = [
    "null",
    r#"{"b": 1,  "a":123456789012345678901234567890}"#,
    r#"["\u00e9", "é", "\"", "\\"]"#,
    "1e999",
    "-0.0",
    r#""$serde_json::private::RawValue""#,
    "[]",
];

#[derive(Serialize)]
struct Around<T> {
    before: u8,
    texts: Vec<T>,
    last: T,
}

/// `JsonText` borrows the name by which `serde_json` knows its own text; this
/// is what tells of a `serde_json` that knows it by another.
#[test]
fn it_is_written_as_serde_json_writes_its_own_text() {
    for text in TEXTS {
        let ours = JsonText::parse(text).unwrap();
        let own = RawValue::from_string(text.to_owned()).unwrap();
        assert_eq!(serde_json::to_string(&ours).unwrap(), text);
        let (ours, own) = (around(ours), around(own));
        assert_eq!(
            serde_json::to_string(&ours).unwrap(),
            serde_json::to_string(&own).unwrap(),
        );
        assert_eq!(
            serde_json::to_string_pretty(&ours).unwrap(),
            serde_json::to_string_pretty(&own).unwrap(),
        );
        let trees = [serde_json::to_value(&ours), serde_json::to_value(&own)];
        let [ours, own] = trees.map(|tree| tree.map_err(|error| error.to_string()));
        assert_eq!(ours, own);
    }
}

fn around<T: Clone>(text: T) -> Around<T> {
    Around {
        before: 1,
        texts: vec![text.clone(), text.clone()],
        last: text,
    }
}
