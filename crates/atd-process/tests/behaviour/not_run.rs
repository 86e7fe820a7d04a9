//! Programs that are not run, and what is said of it.

use std::os::unix::fs::PermissionsExt;

use atd_process::{Program, ProgramError};

use crate::support::{Folder, both_ways, sh};

async fn refused(program: Program) -> ProgramError {
    program.run().await.expect_err("it cannot be run")
}

#[tokio::test]
async fn what_is_not_there_is_said_with_where_it_was_looked_for() {
    for supervisor in both_ways() {
        let program = Program::new("no-such-program").supervised_by(supervisor.clone());
        let says = refused(program).await.to_string();
        assert_eq!(
            says,
            "the program \"no-such-program\" was not found on the path \
             \"/usr/local/bin:/usr/bin:/bin\""
        );
        let program = Program::new("./no-such-program").supervised_by(supervisor.clone());
        let error = refused(program).await;
        assert!(matches!(
            error,
            ProgramError::NotFound { searched: None, .. }
        ));
        for name in ["", "/"] {
            let program = Program::new(name).supervised_by(supervisor.clone());
            let error = refused(program).await;
            let expected = matches!(
                error,
                ProgramError::NotFound { .. } | ProgramError::NotExecutable { .. }
            );
            assert!(expected, "{name}: {error}");
        }
    }
}

#[tokio::test]
async fn a_relative_entry_of_the_path_is_passed_over() {
    let folder = Folder::new();
    folder.write("planted", "#!/bin/sh\necho planted\n");
    executable(&folder, "planted", 0o755);
    let planted = || Program::new("planted").working_dir(folder.path());
    for path in [".", ":", "", "./:"] {
        let error = refused(planted().env("PATH", path)).await;
        assert!(matches!(error, ProgramError::NotFound { .. }), "{error}");
    }
    let finished = planted().env("PATH", folder.path()).run().await;
    assert_eq!(finished.expect("it is on the path").stdout, b"planted\n");
    // A name with a slash says where.
    let named = Program::new("./planted").working_dir(folder.path());
    assert_eq!(named.run().await.expect("it is there").stdout, b"planted\n");
}

#[tokio::test]
async fn what_may_not_be_executed_is_said() {
    let folder = Folder::new();
    folder.write("data", "no program");
    executable(&folder, "data", 0o644);
    for supervisor in both_ways() {
        let data = || Program::new("data").supervised_by(supervisor.clone());
        let error = refused(data().env("PATH", folder.path())).await;
        assert!(
            matches!(error, ProgramError::NotExecutable { .. }),
            "{error}"
        );
        let error = refused(Program::new("./data").working_dir(folder.path())).await;
        assert!(
            matches!(error, ProgramError::NotExecutable { .. }),
            "{error}"
        );
    }
}

/// A file that the system refuses only once it looks into it.
#[tokio::test]
async fn what_the_system_does_not_start_is_said() {
    let folder = Folder::new();
    folder.write("data", "no program");
    executable(&folder, "data", 0o755);
    folder.write("script", "#!/no/such/interpreter\n");
    executable(&folder, "script", 0o755);
    for supervisor in both_ways() {
        for name in ["data", "script"] {
            let program = Program::new(format!("./{name}"))
                .working_dir(folder.path())
                .supervised_by(supervisor.clone());
            let error = refused(program).await;
            assert!(matches!(error, ProgramError::NotStarted { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_given_is_refused() {
    for supervisor in both_ways() {
        let program = || sh("echo ran", &[]).supervised_by(supervisor.clone());
        for (program, says) in [
            (program().arg("a\0b"), "argument 4 holds a NUL byte"),
            (
                program().env("A\0", ""),
                "the name of a variable holds a NUL",
            ),
            (program().env("A", "b\0"), "the variable \"A\" holds a NUL"),
            (program().env("", ""), "\"\" cannot name a variable"),
            (program().env("A=B", ""), "\"A=B\" cannot name a variable"),
            (program().working_dir("a\0"), "the working directory holds"),
            (Program::new("a\0b"), "the program's name holds"),
        ] {
            let error = refused(program).await.to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}

#[tokio::test]
async fn too_much_to_be_given_is_refused_with_its_length() {
    for supervisor in both_ways() {
        let program = || sh("echo ran", &[]).supervised_by(supervisor.clone());
        let error = refused(program().arg("x".repeat(128 * 1024))).await;
        assert_eq!(
            error.to_string(),
            "argument 4 has 131072 bytes, and the system takes at most 131071 in one"
        );
        let most = program().arg("x".repeat(128 * 1024 - 1)).run().await;
        assert_eq!(most.expect("the system takes it").stdout, b"ran\n");
        let many = program().args(vec!["x".repeat(100_000); 100]);
        let error = refused(many).await;
        let expected =
            matches!(error, ProgramError::ArgumentsTooLong { length } if length > 10_000_000);
        assert!(expected, "{error}");
    }
}

#[tokio::test]
async fn a_working_directory_that_is_none_is_said() {
    for supervisor in both_ways() {
        let program = sh("echo ran", &[])
            .working_dir("/no/such/directory")
            .supervised_by(supervisor);
        let error = refused(program).await;
        assert!(
            matches!(error, ProgramError::WorkingDirectory { .. }),
            "{error}"
        );
    }
}

fn executable(folder: &Folder, name: &str, mode: u32) {
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(folder.join(name), mode).expect("it is there");
}
