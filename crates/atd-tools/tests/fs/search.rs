//! What the tools that search have in common: pages.

use atd_registry::{CallContext, CallSetup, ToolCallError};
use serde_json::{Value, json};

use crate::support::{Place, reply};

/// The pages of a search.
pub(crate) struct Pages<'a> {
    place: &'a Place,
    id: &'static str,
    args: Value,
    setup: CallSetup,
    pub(crate) is_at_end: bool,
}

impl<'a> Pages<'a> {
    pub(crate) fn of(place: &'a Place, id: &'static str, args: Value) -> Self {
        Self {
            place,
            id,
            args,
            setup: CallSetup::for_test(),
            is_at_end: false,
        }
    }

    /// The next page, of a call that is like this one but for the page.
    pub(crate) async fn next_in(&mut self, setup: CallSetup) -> Result<Value, ToolCallError> {
        let page_state = self.setup.page_state.clone();
        self.setup = CallSetup {
            page_state,
            ..setup
        };
        let tool = self.place.registry.get(self.id).unwrap();
        let ctx = CallContext::new(self.setup.clone());
        let reply = reply(&tool, self.args.clone(), &ctx).await?;
        self.setup.page_state = reply.next_state().cloned();
        self.is_at_end = reply.next_state().is_none();
        let page: Value = reply.body().to_value().unwrap();
        assert_eq!(page["truncated"], !self.is_at_end);
        Ok(page)
    }

    /// All that is left in this field of the pages.
    pub(crate) async fn rest(&mut self, field: &str) -> Result<Vec<Value>, ToolCallError> {
        let mut all = Vec::new();
        while !self.is_at_end {
            let page = self.next_in(CallSetup::for_test()).await?;
            all.extend(page[field].as_array().unwrap().iter().cloned());
        }
        Ok(all)
    }
}

/// The paths that a glob finds, on all its pages.
pub(crate) async fn glob(place: &Place, args: Value) -> Result<Vec<String>, ToolCallError> {
    let files = Pages::of(place, "ref:fs.glob", args).rest("files").await?;
    Ok(files
        .iter()
        .map(|file| file.as_str().unwrap().to_owned())
        .collect())
}

/// What a grep finds, on all its pages, as `path:line:text`.
pub(crate) async fn grep(place: &Place, args: Value) -> Result<Vec<String>, ToolCallError> {
    let found = Pages::of(place, "ref:fs.grep", args)
        .rest("matches")
        .await?;
    Ok(found.iter().map(told).collect())
}

pub(crate) fn told(found: &Value) -> String {
    let path = found["path"].as_str().unwrap();
    let text = found["text"].as_str().unwrap();
    format!("{path}:{}:{text}", found["line"])
}

/// A small tree, with what is passed over.
pub(crate) fn tree() -> Place {
    let place = Place::new();
    for file in [
        "Cargo.toml",
        "src/lib.rs",
        "src/deep/er/mod.rs",
        "src/deep.rs",
        "tests/it.rs",
        "target/debug/made.rs",
        "notes.log",
        "src/keep.log",
        ".hidden/file.rs",
        ".env",
        ".git/config",
        ".git/made.rs",
        "docs/draft/a.md",
        "docs/a.md",
    ] {
        place.file(file, format!("in {file}\n"));
    }
    place.file(".gitignore", "/target\n*.log\n# a comment\n!keep.log\n");
    place.file("docs/.ignore", "draft/\n");
    place.file(".git/info/exclude", "Cargo.toml\n");
    place
}

#[tokio::test]
async fn both_pass_over_the_same() {
    let place = tree();
    for (args, right) in [
        (
            json!({}),
            vec![
                "docs/a.md",
                "src/deep/er/mod.rs",
                "src/deep.rs",
                "src/keep.log",
                "src/lib.rs",
                "tests/it.rs",
            ],
        ),
        (
            json!({"path": "docs", "no_ignore": true}),
            vec!["docs/a.md", "docs/draft/a.md"],
        ),
        (json!({"path": "docs"}), vec!["docs/a.md"]),
        // What is asked for by name is searched.
        (
            json!({"path": "target/debug"}),
            vec!["target/debug/made.rs"],
        ),
        (json!({"path": ".hidden"}), vec![".hidden/file.rs"]),
        (
            json!({"path": "src/../src//deep"}),
            vec!["src/deep/er/mod.rs"],
        ),
    ] {
        let with = |more: Value| {
            let mut args = args.clone();
            args.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            args
        };
        let found = glob(&place, with(json!({"pattern": "**"}))).await.unwrap();
        assert_eq!(found, right, "{args}");
        let found = grep(&place, with(json!({"pattern": "^in "})))
            .await
            .unwrap();
        let lines: Vec<String> = right
            .iter()
            .map(|path| format!("{path}:1:in {path}"))
            .collect();
        assert_eq!(found, lines, "{args}");
    }
    let hidden = glob(&place, json!({"pattern": "**/.*", "hidden": true}))
        .await
        .unwrap();
    assert_eq!(hidden, [".env", ".gitignore", "docs/.ignore"]);
    let all = json!({"pattern": "**", "hidden": true, "no_ignore": true});
    assert_eq!(glob(&place, all).await.unwrap().len(), 17);
}

#[tokio::test]
async fn rules_of_git_end_where_another_repository_begins() {
    let place = Place::new();
    place.file(".gitignore", "*.log\n");
    place.file(".ignore", "*.tmp\n");
    place.file("inner/.git/config", "");
    for file in ["a.log", "inner/a.log", "inner/a.tmp", "inner/b.log"] {
        place.file(file, "x\n");
    }
    place.file("inner/.gitignore", "b.*\n");
    for path in [".", "inner"] {
        let args = json!({"pattern": "**", "path": path});
        assert_eq!(glob(&place, args).await.unwrap(), ["inner/a.log"], "{path}");
    }
}

/// What nobody could hold or compile is not honoured, and harms nobody.
#[tokio::test]
async fn an_ignore_file_that_is_no_such_thing_harms_nobody() {
    let place = Place::new();
    place.file("a/.gitignore", "[\n{a,b\n**\0\n\\\nx\n");
    place.file("b/.gitignore", b"\xff\xfe\nx\n");
    place.file("c/.gitignore/x", "");
    place.link("d", "c");
    place.sparse("e", 0);
    fs_dir(&place, "f");
    place.link("f/.gitignore", "../../outside/canary.txt");
    place.file("g/.gitignore", "x*y*z?[a-z]{1,2}\n".repeat(100_000));
    for directory in ["a", "b", "c", "f", "g"] {
        place.file(&format!("{directory}/x"), "");
        place.file(&format!("{directory}/y"), "");
    }
    let found = glob(&place, json!({"pattern": "**"})).await.unwrap();
    assert_eq!(
        found,
        ["a/y", "b/y", "c/x", "c/y", "e", "f/x", "f/y", "g/x", "g/y"]
    );
}

/// A pattern that nests so deep that reading it would overrun the stack, and
/// end the process with every other call.
#[tokio::test]
async fn an_ignore_file_that_nests_without_end_harms_nobody() {
    let place = Place::new();
    let nested = "{".repeat(60_000) + "x" + &"}".repeat(60_000);
    let nested = format!("{nested}\n{{{{y}}}}\n");
    place.file(".gitignore", nested);
    place.file("x", "here\n");
    place.file("y", "here\n");
    let found = glob(&place, json!({"pattern": "**"})).await.unwrap();
    assert_eq!(found, ["x"]);
    let found = grep(&place, json!({"pattern": "here"})).await.unwrap();
    assert_eq!(found, ["x:1:here"]);
}

fn fs_dir(place: &Place, name: &str) {
    std::fs::create_dir(place.root().join(name)).unwrap();
}

#[tokio::test]
async fn links_are_not_followed() {
    let place = Place::new();
    place.file("dir/file", "here\n");
    place.link("link", "dir");
    place.link("file_link", "dir/file");
    place.link("dir/up", "..");
    place.link("dir/self", ".");
    place.link("out", "../outside");
    place.link("slash", "/");
    assert_eq!(
        glob(&place, json!({"pattern": "**"})).await.unwrap(),
        ["dir/file"]
    );
    let found = grep(&place, json!({"pattern": "here"})).await.unwrap();
    assert_eq!(found, ["dir/file:1:here"]);
    // Who asks for a link's directory gets what is in it, by its own name.
    let found = grep(&place, json!({"pattern": "here", "path": "link"}))
        .await
        .unwrap();
    assert_eq!(found, ["dir/file:1:here"]);
    let found = grep(&place, json!({"pattern": "here", "path": "file_link"}))
        .await
        .unwrap();
    assert_eq!(found, ["dir/file:1:here"]);
}

/// D6: arguments that break the schema, or fit it and make no sense.
#[tokio::test]
async fn arguments_that_make_no_sense_are_refused() {
    let place = tree();
    for (id, args, path) in [
        ("ref:fs.glob", json!({}), ""),
        ("ref:fs.glob", json!({"pattern": "[a"}), "/pattern"),
        ("ref:fs.glob", json!({"pattern": "{a,b"}), "/pattern"),
        ("ref:fs.glob", json!({"pattern": "../*"}), "/pattern"),
        ("ref:fs.glob", json!({"pattern": "/etc/*"}), "/pattern"),
        ("ref:fs.glob", json!({"pattern": "a/../*"}), "/pattern"),
        ("ref:fs.glob", json!({"pattern": "*", "limit": 0}), "/limit"),
        (
            "ref:fs.glob",
            json!({"pattern": "*", "path": "a\0"}),
            "/path",
        ),
        ("ref:fs.grep", json!({}), ""),
        ("ref:fs.grep", json!({"pattern": "(a"}), "/pattern"),
        ("ref:fs.grep", json!({"pattern": "a\nb"}), "/pattern"),
        (
            "ref:fs.grep",
            json!({"pattern": "(a{1000}){1000}"}),
            "/pattern",
        ),
        (
            "ref:fs.grep",
            json!({"pattern": "(".repeat(1000)}),
            "/pattern",
        ),
        (
            "ref:fs.glob",
            json!({"pattern": "{".repeat(400) + "a" + &"}".repeat(400)}),
            "/pattern",
        ),
        (
            "ref:fs.grep",
            json!({"pattern": "a", "glob": "{".repeat(101) + "a" + &"}".repeat(101)}),
            "/glob",
        ),
        ("ref:fs.grep", json!({"pattern": "a", "glob": "["}), "/glob"),
        (
            "ref:fs.grep",
            json!({"pattern": "a", "context": -1}),
            "/context",
        ),
    ] {
        match Pages::of(&place, id, args.clone()).rest("files").await {
            Err(ToolCallError::InvalidArgs(errors)) => assert_eq!(errors[0].path, path, "{args}"),
            other => panic!("{args}: {other:?}"),
        }
    }
}
