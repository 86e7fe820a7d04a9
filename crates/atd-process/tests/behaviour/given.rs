//! What programs are given.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStringExt;

use atd_process::{DEFAULT_PATH, Program};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

use crate::support::{Folder, both_ways, sh};

async fn output(program: Program) -> String {
    let finished = program.run().await.expect("the program is there");
    String::from_utf8(finished.stdout).expect("UTF-8")
}

/// P2: the environment is the list, and a `PATH`.
#[tokio::test]
async fn the_environment_is_what_is_listed() {
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    for supervisor in both_ways() {
        let env = |program: Program| program.supervised_by(supervisor.clone());
        let default = output(env(Program::new("env"))).await;
        assert_eq!(default, format!("PATH={DEFAULT_PATH}\n"));
        let listed = env(Program::new("env")
            .env("PATH", "/bin:/usr/bin")
            .env("A", "b=c\nd"));
        assert_eq!(output(listed).await, "A=b=c\nd\nPATH=/bin:/usr/bin\n");
    }
}

/// P2: descriptors 0 to 2 only, also when this process holds one that is not
/// closed on exec.
#[tokio::test]
async fn the_descriptors_are_the_first_three() {
    let folder = Folder::new();
    folder.write("leaked", "");
    for supervisor in both_ways() {
        let leaked = File::open(folder.join("leaked")).expect("the file");
        fcntl_setfd(&leaked, FdFlags::empty()).expect("it is open");
        // Its own, and those of whoever started it.
        let script = r#"ls /proc/$$/fd; ls -l "/proc/$PPID/fd" | grep -c leaked"#;
        let supervised = supervisor.is_some();
        let program = sh(script, &[]).supervised_by(supervisor);
        let seen = output(program).await;
        let expected = match supervised {
            true => "0\n1\n2\n0\n",
            // Started by this process, which has it.
            false => "0\n1\n2\n1\n",
        };
        assert_eq!(seen, expected);
        assert_eq!(fcntl_getfd(&leaked), Ok(FdFlags::CLOEXEC));
    }
}

#[tokio::test]
async fn the_working_directory_is_the_one_that_is_said() {
    let folder = Folder::new();
    for supervisor in both_ways() {
        let program = Program::new("pwd")
            .working_dir(folder.path())
            .supervised_by(supervisor.clone());
        let real = std::fs::canonicalize(folder.path()).expect("it is there");
        assert_eq!(output(program).await.trim_end(), real.to_string_lossy());
    }
}

#[tokio::test]
async fn input_is_nothing_or_what_is_given() {
    let long = "0123456789abcdef".repeat(64 * 1024);
    for supervisor in both_ways() {
        let cat = || Program::new("cat").supervised_by(supervisor.clone());
        assert_eq!(output(cat()).await, "");
        assert_eq!(output(cat().stdin("")).await, "");
        let fed = cat().stdin(long.clone()).output_limit(long.len());
        assert!(output(fed).await == long);
        // It need not be read.
        let deaf = Program::new("true").supervised_by(supervisor.clone());
        assert_eq!(output(deaf.stdin(long.clone())).await, "");
    }
}

/// No signal of a terminal is for a program.
#[tokio::test]
async fn a_program_leads_a_process_group() {
    for supervisor in both_ways() {
        let program = sh("ps -o pgid= -p $$; echo $$", &[]).supervised_by(supervisor);
        let seen = output(program).await;
        let numbers: Vec<&str> = seen.split_whitespace().collect();
        assert_eq!(numbers[0], numbers[1]);
    }
}

const NASTY: &[&str] = &[
    "",
    " ",
    "-",
    "--",
    "--help",
    "-rf",
    "/",
    "*",
    "~",
    "$HOME",
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "| touch pwned",
    "& touch pwned",
    "> pwned",
    "'",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "a b",
    "{params_json}",
    "{tool_id}",
    "$ATD_BEARER",
    "%s%n",
    "\u{1b}[2J",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "=",
    "A=b",
    "--atd-process-supervise",
];

/// P3: 10,000 hostile arguments arrive as the same argv.
#[tokio::test]
async fn hostile_arguments_arrive_as_they_are() {
    let folder = Folder::new();
    let argument = prop_oneof![
        prop::sample::select(NASTY).prop_map(|text| text.as_bytes().to_vec()),
        vec(1u8..=255, 0..40),
        (prop::sample::select(NASTY), ".{0,20}").prop_map(|(a, b)| format!("{a}{b}").into_bytes()),
        (1..2_000usize).prop_map(|length| b"'x".repeat(length)),
    ]
    .prop_map(|bytes| {
        let kept = bytes.into_iter().filter(|&byte| byte != 0);
        OsString::from_vec(kept.collect())
    });
    let mut runner = TestRunner::deterministic();
    for _ in 0..100 {
        let arguments = vec(argument.clone(), 100).new_tree(&mut runner);
        let arguments = arguments.expect("nothing is refused").current();
        for supervisor in both_ways() {
            let program = sh("cat /proc/$$/cmdline", &[])
                .args(arguments.iter().cloned())
                .working_dir(folder.path())
                .supervised_by(supervisor);
            let finished = program.run().await.expect("the shell is there");
            let before = ["sh", "-c", "cat /proc/$$/cmdline", "sh"].map(OsStr::new);
            let argv = before
                .into_iter()
                .chain(arguments.iter().map(OsString::as_os_str));
            let expected: Vec<u8> = argv
                .flat_map(|arg| [arg.as_encoded_bytes(), b"\0"].concat())
                .collect();
            assert!(finished.stdout == expected, "{arguments:?}");
        }
    }
    assert_eq!(folder.count(""), 0);
}
