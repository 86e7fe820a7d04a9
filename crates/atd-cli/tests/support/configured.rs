//! Servers that a file configures.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Serving, atd, stderr, stdout};

/// A tool that says that it runs by opening the pipe `running`, and would go
/// on for an hour.
pub(crate) const SLOW: &str = r#"[[tool]]
id = "demo:slow.run"
description = "Runs for an hour"
tier = "cold"
[tool.cli]
cmd = "sh"
args = ["-c", "exec 3>running; echo begun >&3; sleep 3600"]
"#;

/// A tool that answers with one word.
pub(crate) fn saying(word: &str) -> String {
    format!(
        "[[tool]]\nid = \"demo:word.say\"\ndescription = \"Says a word\"\n\
         cli = {{ cmd = \"echo\", args = [\"{word}\"], output_format = \"lines\" }}\n"
    )
}

/// A server of these files, the first of which is its configuration.
pub(crate) fn serving(files: &[(&str, &str)]) -> Serving {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        put(folder.path(), name, text);
    }
    let mut mkfifo = Command::new("mkfifo");
    let made = mkfifo.arg(folder.path().join("running")).status();
    assert!(made.unwrap().success());
    Serving::spawn_in(atd(), &["--config", files[0].0], folder)
}

/// Puts a file there all at once, as an editor does.
pub(crate) fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let written = path.with_extension("new");
    std::fs::write(&written, text).unwrap();
    std::fs::rename(written, path).unwrap();
}

/// The result of a call that succeeds.
#[track_caller]
pub(crate) fn call(serving: &Serving, args: &[&str]) -> Value {
    let output = serving.ask(&[&["call"], args].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

/// How the calls ended that the log holds.
pub(crate) fn outcomes(serving: &Serving) -> Vec<String> {
    let log = serving.log();
    let events = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let kinds = events.map(|event| match &event["outcome"] {
        failed if failed["code"].is_string() => failed["code"].as_str().unwrap().to_owned(),
        other => other["kind"].as_str().unwrap().to_owned(),
    });
    kinds.collect()
}
