//! Lines that are found in files.

use std::fs;

use atd_registry::CallSetup;
use serde_json::{Value, json};

use crate::search::{Pages, grep, told, tree};
use crate::support::{Place, code};

async fn one(place: &Place, args: Value) -> Value {
    let mut pages = Pages::of(place, "ref:fs.grep", args);
    let page = pages.next_in(CallSetup::for_test()).await.unwrap();
    assert!(pages.is_at_end);
    page
}

#[tokio::test]
async fn lines_come_with_their_path_and_number() {
    let place = Place::new();
    place.file("b/two.txt", "nothing\nan apple\r\nApple pie\nno pple");
    place.file("a.txt", "one apple\n");
    let found = one(&place, json!({"pattern": "appl."})).await;
    assert_eq!(
        found,
        json!({
            "matches": [
                {"path": "a.txt", "line": 1, "text": "one apple"},
                {"path": "b/two.txt", "line": 2, "text": "an apple"}
            ],
            "truncated": false
        })
    );
    let found = grep(&place, json!({"pattern": "^APPLE", "ignore_case": true})).await;
    assert_eq!(found.unwrap(), ["b/two.txt:3:Apple pie"]);
    let found = grep(&place, json!({"pattern": "appl.", "literal": true})).await;
    assert!(found.unwrap().is_empty());
    // Whatever ends the line.
    let found = grep(&place, json!({"pattern": "p(pl|i)e$"})).await;
    assert_eq!(
        found.unwrap(),
        [
            "a.txt:1:one apple",
            "b/two.txt:2:an apple",
            "b/two.txt:3:Apple pie",
            "b/two.txt:4:no pple"
        ]
    );
}

#[tokio::test]
async fn a_glob_chooses_the_files() {
    let place = tree();
    for (glob, path, right) in [
        (
            "*.rs",
            ".",
            vec![
                "src/deep/er/mod.rs",
                "src/deep.rs",
                "src/lib.rs",
                "tests/it.rs",
            ],
        ),
        ("src/*.rs", ".", vec!["src/deep.rs", "src/lib.rs"]),
        ("deep/**", "src", vec!["src/deep/er/mod.rs"]),
        (".hidden/**", ".", vec![".hidden/file.rs"]),
        (".env", ".", vec![]),
        ("*.c", ".", vec![]),
    ] {
        let args = json!({"pattern": "^in", "glob": glob, "path": path});
        let found = grep(&place, args).await.unwrap();
        let right: Vec<String> = right
            .iter()
            .map(|path| format!("{path}:1:in {path}"))
            .collect();
        assert_eq!(found, right, "{glob}");
    }
}

#[tokio::test]
async fn lines_around_are_shown_to_who_asks_and_none_twice() {
    let place = Place::new();
    place.file("f", "1\n2\nx3\n4\nx5\n6\n7\n8\n9\nx10");
    let found = one(&place, json!({"pattern": "x", "context": 2})).await;
    assert_eq!(
        found["matches"],
        json!([
            {"path": "f", "line": 3, "text": "x3", "before": ["1", "2"], "after": ["4"]},
            {"path": "f", "line": 5, "text": "x5", "after": ["6", "7"]},
            {"path": "f", "line": 10, "text": "x10", "before": ["8", "9"]}
        ])
    );
    let found = one(
        &place,
        json!({"pattern": "x", "context": 1, "one_per_file": true}),
    )
    .await;
    assert_eq!(
        found["matches"],
        json!([{"path": "f", "line": 3, "text": "x3", "before": ["2"], "after": ["4"]}])
    );
}

#[tokio::test]
async fn one_line_a_file_tells_which_files_match() {
    let place = Place::new();
    for file in ["a", "b", "c", "d"] {
        place.file(file, "x\nx\nx\n");
    }
    for (context, limit) in [(0, 1), (0, 2), (1, 1), (1, 3), (0, 100)] {
        let args =
            json!({"pattern": "x", "one_per_file": true, "context": context, "limit": limit});
        let found = grep(&place, args).await.unwrap();
        assert_eq!(
            found,
            ["a:1:x", "b:1:x", "c:1:x", "d:1:x"],
            "{context} {limit}"
        );
    }
}

#[tokio::test]
async fn pages_put_together_are_the_whole() {
    let place = Place::new();
    for (file, lines) in [("a", 1), ("b", 17), ("c/d", 40), ("e", 2)] {
        let lines: String = (1..=lines).map(|n| format!("no\r\nline {n}\n")).collect();
        place.file(file, lines);
    }
    let args = |limit| json!({"pattern": "line", "limit": limit});
    let whole = grep(&place, args(1000)).await.unwrap();
    assert_eq!(whole.len(), 60);
    assert_eq!(whole[59], "e:4:line 2");
    for limit in [1, 2, 3, 7, 16, 17, 18, 59, 60] {
        let mut pages = Pages::of(&place, "ref:fs.grep", args(limit));
        let first = pages.next_in(CallSetup::for_test()).await.unwrap();
        assert_eq!(first["matches"].as_array().unwrap().len(), limit);
        assert_eq!(pages.is_at_end, limit == 60);
        assert_eq!(grep(&place, args(limit)).await.unwrap(), whole, "{limit}");
    }
    // Of one file alone, too.
    let args = json!({"pattern": "line", "limit": 7, "path": "c/d"});
    assert_eq!(grep(&place, args).await.unwrap(), whole[18..58]);
}

#[tokio::test]
async fn a_page_keeps_to_the_budget() {
    let place = Place::new();
    let line = format!("\"{}\" \u{1}\t\\\n", "é".repeat(30));
    place.file("f", line.repeat(200));
    place.file("long", format!("{}é\n", "x".repeat(5 << 20)));
    for context in [0, 3] {
        let args = json!({"pattern": "é", "context": context});
        let mut pages = Pages::of(&place, "ref:fs.grep", args);
        let (mut count, mut unfinished) = (0, 0);
        while !pages.is_at_end {
            let mut setup = CallSetup::for_test();
            setup.output_budget = 1_000;
            let page = pages.next_in(setup).await.unwrap();
            count += page["matches"].as_array().unwrap().len();
            unfinished += page["unfinished"].as_array().map_or(0, Vec::len);
        }
        assert_eq!((count, unfinished), (200, 1), "{context}");
    }
    let mut setup = CallSetup::for_test();
    setup.output_budget = 150;
    let mut pages = Pages::of(&place, "ref:fs.grep", json!({"pattern": "é"}));
    assert_eq!(code(pages.next_in(setup).await), "NO_ROOM");
}

#[tokio::test]
async fn of_a_long_line_the_part_around_the_match_is_shown() {
    let place = Place::new();
    place.file("start", format!("x{}\n", "é".repeat(10_000)));
    place.file(
        "middle",
        format!("{}x{}\n", "é".repeat(10_000), "é".repeat(10_000)),
    );
    place.file("end", format!("{}x\n", "é".repeat(10_000)));
    place.file("whole", format!("{}x\n", "é".repeat(249)));
    let found = grep(&place, json!({"pattern": "x"})).await.unwrap();
    let right = [
        format!("end:1:…{}x", "é".repeat(249)),
        format!("middle:1:…{}x{}…", "é".repeat(50), "é".repeat(199)),
        format!("start:1:x{}…", "é".repeat(249)),
        format!("whole:1:{}x", "é".repeat(249)),
    ];
    assert_eq!(found, right);
}

#[tokio::test]
async fn a_file_is_searched_as_far_as_it_is_text() {
    let place = Place::new();
    place.file("binary", b"x 1\n\0\nx 2\n");
    place.file("latin", b"x \xe9 1\n");
    place.file("utf16", b"\xff\xfex\0 \0\n\0");
    place.file("long", format!("x 1\n{}\nx 2\n", "y".repeat(5 << 20)));
    place.file("nearly", format!("x 1\n{}\nx 2\n", "y".repeat(3 << 20)));
    let found = one(&place, json!({"pattern": "x"})).await;
    let lines: Vec<String> = found["matches"]
        .as_array()
        .unwrap()
        .iter()
        .map(told)
        .collect();
    assert_eq!(
        lines,
        [
            "latin:1:x \u{fffd} 1",
            "long:1:x 1",
            "nearly:1:x 1",
            "nearly:3:x 2"
        ]
    );
    assert_eq!(found["unfinished"], json!(["long"]));
}

#[tokio::test]
async fn a_file_or_a_directory_is_searched_and_nothing_else() {
    let place = tree();
    let found = grep(&place, json!({"pattern": "in", "path": ".env"})).await;
    assert_eq!(found.unwrap(), [".env:1:in .env"]);
    for (path, right) in [("missing", "NOT_FOUND"), ("..", "OUTSIDE_ROOT")] {
        let found = grep(&place, json!({"pattern": "x", "path": path})).await;
        assert_eq!(code(found.map(|found| json!(found))), right);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_may_not_be_read_is_counted() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    for file in ["open", "closed", "dir/file"] {
        place.file(file, "x\n");
    }
    for closed in ["closed", "dir"] {
        let none = fs::Permissions::from_mode(0o000);
        fs::set_permissions(place.root().join(closed), none).unwrap();
    }
    let found = one(&place, json!({"pattern": "x"})).await;
    if rustix::process::geteuid().is_root() {
        assert_eq!(found.get("skipped"), None);
    } else {
        assert_eq!(found["skipped"], 2);
        assert_eq!(found["matches"].as_array().unwrap().len(), 1);
    }
    let all = fs::Permissions::from_mode(0o700);
    fs::set_permissions(place.root().join("dir"), all).unwrap();
}
