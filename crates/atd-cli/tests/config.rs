//! The file that `atd serve --config` takes: what is wrong with one, and what
//! a good one makes of the server.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use support::{atd, stderr, stdout};
use tempfile::TempDir;

/// What `--check-config` says of these files, the first of which is given.
fn check(files: &[(&str, &str)]) -> (Output, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut command = atd();
    command.current_dir(folder.path());
    command.args(["serve", "--check-config", "--config", files[0].0]);
    (command.output().unwrap(), folder)
}

/// Checks that a file has just these mistakes, each with its place.
#[track_caller]
fn check_mistakes(files: &[(&str, &str)], mistakes: &[&str]) {
    let (checked, _folder) = check(files);
    let said = stderr(&checked);
    let lines: Vec<&str> = said.lines().skip(1).map(str::trim_start).collect();
    assert_eq!(lines, mistakes, "{said}");
    assert_eq!(checked.status.code(), Some(2), "{said}");
    let count = match mistakes.len() {
        1 => "has 1 mistake:".to_owned(),
        count => format!("has {count} mistakes:"),
    };
    assert!(said.contains(&count), "{said}");
}

#[test]
fn ten_mistakes_are_ten_messages_in_one_run_each_with_its_place_and_the_way_out() {
    let config = r#"sockte = "atd.sock"
log = "loud"

[limits]
max_in_flight = 0
frame_timeout = "soon"

[tiers.hot]
output = "64 parsecs"

[grants]
alice = ["read"]

[output.redact]
patterns = ["ok", "("]

[audit]
sync = "sometimes"

[[tool]]
id = "git.log"
description = "The newest commits"
cli = { cmd = "no-such-program" }
"#;
    check_mistakes(
        &[("atd.toml", config)],
        &[
            "atd.toml:1:1: `sockte` is unknown: did you mean `socket`?",
            "atd.toml:2:7: `log` is \"loud\": it should be off, error, warn, info, debug or trace",
            "atd.toml:5:17: `limits.max_in_flight` is 0: it should be a whole number from 1 to \
             4294967295",
            "atd.toml:6:17: `limits.frame_timeout` is \"soon\": it should be a time of a year at \
             most, such as \"30s\"",
            "atd.toml:9:10: `tiers.hot.output` is \"64 parsecs\": it should be a size above 0, \
             such as \"64MiB\"",
            "atd.toml:12:1: `grants.alice`: this is nobody: it should be everybody, or in quotes \
             \"uid:1000\", \"gid:100\", \"bearer:ci\" or \"did:key:z6Mk…\"",
            "atd.toml:15:19: `output.redact.patterns`: this is no regular expression: error: \
             unclosed group",
            "atd.toml:18:8: `audit.sync`: it should be never, always or a time, such as 1s",
            "atd.toml:21:6: `tool.id`: `git.log` is no tool id: it has no `:`; an id reads \
             `namespace:domain.action`, such as `ref:fs.read`",
            "atd.toml:23:15: `tool.cli.cmd`: the program \"no-such-program\" was not found on the \
             path \"/usr/local/bin:/usr/bin:/bin\"; install it, or say its path",
        ],
    );
}

#[test]
fn a_tool_that_could_not_be_called_is_a_mistake_wherever_it_is_declared() {
    let config = r#"tools_dir = "tools.d"

[[tool]]
id = "demo:a.b"
description = "A"
input_schema = { type = "object", properties = { n = { type = "numbr" } } }
cli = { cmd = "ls" }

[[tool]]
id = "demo:a.c"
description = "A"
input_schema = "schemas/none.json"
output_schema = "schemas/broken.json"
tier = "lukewarm"
cli = { cmd = "ls" }
"#;
    let more = r#"[[tool]]
id = "demo:x.y"
description = "X"
cli = { cmd = "ls" }

[[tool]]
id = "demo:x.y"
description = "X again"
cli = { cmd = "ls" }

[[tool]]
id = "demo:x_y.z"
description = "One name"
cli = { cmd = "ls" }

[[tool]]
id = "demo:x.y_z"
description = "for two"
cli = { cmd = "ls" }

[[tool]]
id = "ref:fs.read"
description = "A tool that is built in"
required_capabilities = ["two words"]
"#;
    let program = r#"[[tool]]
id = "demo:p.q"
description = "P"
[tool.cli]
cmd = "ls"
args_template = ["ok", "{paramsjson}"]
dry_run_flag = "-n"
env = { "A=B" = "c", LANG = 5 }
exit_code_map = { "0" = "GOOD", "many" = "BAD" }

[[tool]]
id = "demo:p.r"
description = "R"
safety = { dry_run = true }
cli = { cmd = "ls" }
"#;
    let torn = "[[tool]]\nid = \"demo:torn.file\ncli = 3\n";
    let bare = "[[tool]]\n[[tool.errors]]\ncodes = \"E\"\n";
    check_mistakes(
        &[
            ("atd.toml", config),
            ("schemas/broken.json", r#"{"type": "strange"}"#),
            ("tools.d/bare.toml", bare),
            ("tools.d/more.toml", more),
            ("tools.d/program.toml", program),
            ("tools.d/torn.toml", torn),
            ("tools.d/not-a-tool.txt", "left alone"),
            ("tools.d/.hidden.toml", "left alone"),
        ],
        &[
            "atd.toml:6:63: `tool.input_schema.properties.n.type`: this is no JSON Schema: \
             \"numbr\" is not valid under any of the schemas listed in the 'anyOf' keyword",
            "atd.toml:12:16: `tool.input_schema`: schemas/none.json cannot be used: No such file \
             or directory (os error 2)",
            "atd.toml:13:17: `tool.output_schema`: schemas/broken.json cannot be used: this is no \
             JSON Schema: \"strange\" is not valid under any of the schemas listed in the 'anyOf' \
             keyword (at /type of the schema)",
            "atd.toml:14:8: `tool.tier` is \"lukewarm\": it should be \"hot\", \"warm\" or \
             \"cold\"",
            "tools.d/bare.toml:1:1: `tool.cli` is missing",
            "tools.d/bare.toml:1:1: `tool.description` is missing",
            "tools.d/bare.toml:1:1: `tool.id` is missing",
            "tools.d/bare.toml:2:1: `tool.errors.code` is missing",
            "tools.d/bare.toml:3:1: `tool.errors.codes` is unknown: did you mean `code`?",
            "tools.d/more.toml:7:6: `demo:x.y` is declared already, at tools.d/more.toml:2:6",
            "tools.d/more.toml:17:6: `demo:x.y_z` and `demo:x_y.z` are both named `demo_x_y_z` \
             where only letters, digits, `_` and `-` are allowed: give one another id",
            "tools.d/more.toml:21:1: `tool.cli` is missing",
            "tools.d/more.toml:24:26: `tool.required_capabilities` is \"two words\": it should be \
             a capability: a word without spaces and commas",
            "tools.d/program.toml:6:24: `tool.cli.args_template.1`: has the unknown placeholder \
             {paramsjson}; there are {tool_id}, {params_json}, {dry_run} and {page_all}, and text \
             with braces may stand in `args`",
            "tools.d/program.toml:7:16: `tool.cli.dry_run_flag`: is passed nowhere: \
             `args_template` has no entry {dry_run}",
            "tools.d/program.toml:8:17: `tool.cli.env.A=B`: cannot name a variable: a name is not \
             empty and has no `=`",
            "tools.d/program.toml:8:29: `tool.cli.env.LANG` is 5: it should be a text in quotes",
            "tools.d/program.toml:9:25: `tool.cli.exit_code_map.0`: maps the exit code 0, which is \
             success and no failure",
            "tools.d/program.toml:9:42: `tool.cli.exit_code_map.many`: is no exit code; those of a \
             failure are \"1\" to \"255\"",
            "tools.d/program.toml:14:22: `tool.safety.dry_run`: nothing tells the program of a \
             dry run: say `cli.dry_run_flag` too",
            "tools.d/torn.toml:2:21: this is no TOML: invalid basic string, expected `\"`",
        ],
    );
}

#[test]
fn files_that_cannot_be_read_are_mistakes_too() {
    check_mistakes(
        &[(
            "atd.toml",
            "tools_dir = \"nowhere\"\nroot = \"gone\"\nsecrets = 5\n",
        )],
        &[
            "atd.toml:1:13: `tools_dir`: nowhere cannot be read: No such file or directory (os \
             error 2)",
            "atd.toml:2:8: `root`: gone cannot be used: No such file or directory (os error 2)",
            "atd.toml:3:11: `secrets` is 5: it should be a path in quotes",
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for (path, why) in [
        (Path::new("/no/such/atd.toml"), "No such file or directory"),
        (Path::new("/dev/zero"), "it is not a file"),
        (&pipe, "it is not a file"),
    ] {
        let mut command = atd();
        command
            .args(["serve", "--check-config", "--config"])
            .arg(path);
        let said = stderr(&command.output().unwrap());
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn what_everybody_may_write_to_configures_nothing() {
    let (_, folder) = check(&[
        ("atd.toml", "tools_dir = \"tools.d\"\n"),
        ("tools.d/a.toml", ""),
    ]);
    for open in ["tools.d/a.toml", "tools.d", "atd.toml"] {
        let path = folder.path().join(open);
        let mut mode = std::fs::metadata(&path).unwrap().permissions();
        let before = mode.clone();
        mode.set_mode(mode.mode() | 0o002);
        std::fs::set_permissions(&path, mode).unwrap();
        let mut command = atd();
        command
            .args(["serve", "--config", "atd.toml"])
            .current_dir(folder.path());
        let refused = command.output().unwrap();
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{open}: {said}");
        assert!(said.contains("everybody may write to it"), "{open}: {said}");
        std::fs::set_permissions(&path, before).unwrap();
    }
}

#[test]
fn signing_without_a_key_is_refused_wherever_it_is_said() {
    let key = [("atd.toml", "[audit]\nsign_every = 5\n")];
    let mistake = "atd.toml:2:14: `audit.sign_every`: there is nothing to sign with: say `key` too";
    check_mistakes(&key, &[mistake]);
    let (_, folder) = check(&[("atd.toml", "")]);
    for more in [&["--check-config"][..], &[]] {
        let mut command = atd();
        command.args(["serve", "--config", "atd.toml", "--socket", "s.sock"]);
        command.args(["--audit-sign-every", "5"]).args(more);
        let refused = command.current_dir(folder.path()).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        assert!(
            stderr(&refused).contains("no key to sign"),
            "{}",
            stderr(&refused)
        );
    }
}

/// However a file is damaged, it is taken or refused with a place in it.
/// A log that is to hold every call has to be somewhere.
#[test]
fn a_promise_that_the_audit_cannot_keep_where_it_goes_is_refused() {
    for (to, promise, said) in [
        ("none", "strict = true", "strict"),
        ("stdout", "strict = true", "strict"),
        ("stderr", "keep = 3", "retention"),
        ("stdout", "max_size = \"1MiB\"", "rotation"),
        ("stdout", "sync = \"always\"", "synced"),
    ] {
        let config = format!("[audit]\nto = \"{to}\"\n{promise}\n");
        let (checked, folder) = check(&[("atd.toml", &config)]);
        assert_eq!(checked.status.code(), Some(2), "{config}");
        assert!(stderr(&checked).contains(said), "{}", stderr(&checked));
        let mut command = atd();
        command.current_dir(folder.path());
        command.args(["serve", "--config", "atd.toml", "--socket", "atd.sock"]);
        let started = command.output().unwrap();
        assert_eq!(started.status.code(), Some(2), "{config}");
        assert!(stderr(&started).contains(said), "{}", stderr(&started));
    }
}

#[test]
fn a_damaged_file_is_taken_or_refused_and_nothing_worse() {
    const DAMAGES: usize = 120;
    let whole = include_str!("../examples/atd.toml").replace("tools_dir", "# tools_dir");
    let chars: Vec<char> = whole.chars().collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let pieces = [
        "\"",
        "[",
        "}",
        "=",
        "\n",
        ".",
        "-1",
        "[[tool]]\n",
        "\u{2028}",
        "\0",
        "é",
        "nan",
    ];
    for _ in 0..DAMAGES {
        let mut damaged = chars.clone();
        for _ in 0..=random(3) {
            let at = random(damaged.len());
            let until = (at + random(12)).min(damaged.len());
            let piece = pieces[random(pieces.len())].chars();
            damaged.splice(at..until, piece);
        }
        let damaged: String = damaged.into_iter().collect();
        let (checked, _folder) = check(&[("atd.toml", &damaged)]);
        let said = stderr(&checked);
        match checked.status.code() {
            Some(0) => {}
            Some(2) => assert!(said.contains("\n  atd.toml:"), "{said}"),
            other => panic!("{other:?}: {said}\n{damaged}"),
        }
    }
}

/// A file that is nothing but mistakes takes no longer for it.
#[test]
fn many_thousand_mistakes_are_counted_and_the_first_of_them_told() {
    let lines: String = (0..5_000).map(|n| format!("a{n} = 1\n")).collect();
    let (checked, _folder) = check(&[("atd.toml", &lines)]);
    let said = stderr(&checked);
    assert!(said.contains("has 5000 mistakes:"), "{}", &said[..200]);
    assert!(said.contains("and 4000 more"));
    let (checked, _folder) = check(&[("atd.toml", &"#".repeat(1024 * 1024 + 1))]);
    let said = stderr(&checked);
    assert!(said.contains("longer than 1048576 bytes"), "{said}");
    let (checked, _folder) = check(&[("atd.toml", &("a=".to_owned() + &"[".repeat(100_000)))]);
    let said = stderr(&checked);
    assert!(said.contains("1 mistake"), "{said}");
}

/// X2: what a file holds adds no line to what is said of it.
#[test]
fn a_mistake_is_told_on_one_line_whatever_stands_in_the_file() {
    let config = "log = \"a\\nb\\u001b[31m\"\n\"x\\ny\" = 1\n";
    let (checked, _folder) = check(&[("atd.toml", config)]);
    let said = stderr(&checked);
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn a_good_file_is_summed_up_and_nothing_is_started() {
    let config = r#"socket = "run/atd.sock"
tools_dir = "tools.d"
[tools]
builtin = ["ref:echo.say"]
[grants]
everybody = []
"uid:0" = ["deploy", "read"]
[audit]
to = "log/audit.jsonl"
"#;
    let tool = "[[tool]]\nid = \"demo:ls.all\"\nname = \"Every file\"\ndescription = \"Lists\"\n\
                required_capabilities = [\"list\"]\ncli = { cmd = \"ls\" }\n\
                resources = { timeout_ms = 30000 }\n";
    let (checked, folder) = check(&[("atd.toml", config), ("tools.d/ls.toml", tool)]);
    assert!(checked.status.success(), "{}", stderr(&checked));
    let said = stdout(&checked);
    for part in [
        "would listen on run/atd.sock",
        "grants  none",
        "deploy, read to user id 0",
        "audit   log/audit.jsonl",
        "tools   demo:ls.all                  Every file (tools.d/ls.toml:2:6)",
        "ref:echo.say",
        "demo:ls.all requires list, which nobody is granted",
        "demo:ls.all may take 30s, but its tier, warm, ends it after 5s",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("ref:fs.read"), "{said}");
    for left in ["run", "log"] {
        assert!(!folder.path().join(left).exists(), "{left}");
    }
}
