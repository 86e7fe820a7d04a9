//! How programs are ended.

use std::time::Duration;

use atd_process::{Exit, Program, Supervisor};

use crate::support::{Folder, both_ways, eventually, sh, supervisor};

/// Begins, does not hear that it is to end, and waits for ever.
const HOLD: &str = r#"trap "" TERM HUP INT; : > "$1/began.$$"; read line < "$1/fifo""#;

/// Goes on as its own child, in a session of its own, again and again.
const CHASE: &str = r#": > "$1/began.chase"; setsid sh "$1/chase.sh" "$1" &"#;

/// A folder with what attackers need. Its path stands in the command line of
/// each of their processes.
fn attackers() -> Folder {
    let folder = Folder::new();
    folder.write("hold.sh", HOLD);
    folder.write("chase.sh", CHASE);
    folder.fifo("fifo");
    folder
}

/// Lets `script` begin until `began` of its processes have, drops its run, and
/// waits until nothing of it is there.
async fn check(script: &str, began: usize, supervisor: Option<Supervisor>) {
    let folder = attackers();
    let (held, gone) = std::sync::mpsc::channel::<()>();
    let program = sh(script, &[folder.path()])
        .grace(Duration::from_millis(50))
        .supervised_by(supervisor)
        .holding(held);
    let run = tokio::spawn(program.run());
    eventually(script, || folder.count("began") >= began).await;
    run.abort();
    eventually(script, || folder.processes().is_empty()).await;
    // What was held is let go of, and not before.
    eventually(script, || {
        gone.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected)
    })
    .await;
}

/// P1: a child that forks and traps TERM.
#[tokio::test]
async fn what_forks_and_does_not_hear_of_its_end_is_killed() {
    for supervisor in both_ways() {
        let script = r#"
            sh "$1/hold.sh" "$1" &
            sh "$1/hold.sh" "$1" &
            exec sh "$1/hold.sh" "$1"
        "#;
        check(script, 3, supervisor).await;
    }
}

/// P1: a child that moves to its own session.
#[tokio::test]
async fn what_moves_to_a_session_of_its_own_is_killed() {
    let script = r#"
        setsid sh "$1/hold.sh" "$1" &
        exec sh "$1/hold.sh" "$1"
    "#;
    check(script, 2, Some(supervisor())).await;
}

/// P1: a child that does all that a daemon does, so that nothing links it to
/// its call but whom it descends from.
#[tokio::test]
async fn what_becomes_a_daemon_is_killed() {
    let script = r#"
        (setsid env -i /bin/sh -c "cd /; sh $1/hold.sh $1 & exit" <&- >&- 2>&- &)
        exec sh "$1/hold.sh" "$1"
    "#;
    check(script, 2, Some(supervisor())).await;
}

/// P1: a child that is never there long enough to be looked at.
#[tokio::test]
async fn what_goes_on_as_its_own_child_is_killed() {
    let script = r#"
        sh "$1/chase.sh" "$1"
        exec sh "$1/hold.sh" "$1"
    "#;
    check(script, 2, Some(supervisor())).await;
}

/// P1: a child that stops who is to end it.
#[tokio::test]
async fn what_stops_its_supervisor_is_killed() {
    let script = r#"
        kill -STOP $PPID
        exec sh "$1/hold.sh" "$1"
    "#;
    check(script, 1, Some(supervisor())).await;
}

/// P1: a child that kills who is to end it.
#[tokio::test]
async fn what_kills_its_supervisor_is_killed() {
    let script = r#"
        sh "$1/hold.sh" "$1" &
        until [ -n "$(ls "$1" | grep began)" ]; do :; done
        kill -KILL $PPID
        exec sh "$1/hold.sh" "$1"
    "#;
    // The other may be killed before it has begun.
    check(script, 1, Some(supervisor())).await;
}

/// P1: a child that is stopped itself, and cannot hear of anything.
#[tokio::test]
async fn what_is_stopped_is_killed() {
    for supervisor in both_ways() {
        let script = r#": > "$1/began"; kill -STOP $$; exec sh "$1/hold.sh" "$1""#;
        check(script, 1, supervisor).await;
    }
}

#[tokio::test]
async fn what_ends_when_told_to_has_the_time_for_it() {
    for supervisor in both_ways() {
        let folder = attackers();
        let script = r#"
            trap ': > "$1/tidied"; exit 0' TERM
            : > "$1/began"
            while :; do :; done
        "#;
        let program = sh(script, &[folder.path()])
            .grace(Duration::from_secs(600))
            .supervised_by(supervisor);
        let run = tokio::spawn(program.run());
        eventually("it began", || folder.count("began") == 1).await;
        run.abort();
        eventually("it tidied up", || folder.count("tidied") == 1).await;
        eventually("it is gone", || folder.processes().is_empty()).await;
    }
}

/// P1: what a program leaves behind that has ended itself.
#[tokio::test]
async fn what_is_left_behind_does_not_hold_the_answer_and_is_killed() {
    let script = r#"
        setsid sh "$1/hold.sh" "$1" &
        sh "$1/hold.sh" "$1" &
        until [ -n "$(ls "$1" | grep began)" ]; do :; done
        echo done
        exit 7
    "#;
    for supervisor in both_ways() {
        let group_alone = supervisor.is_none();
        let script = match group_alone {
            true => script.replace("setsid", ""),
            false => script.to_owned(),
        };
        let folder = attackers();
        let program = sh(&script, &[folder.path()]).supervised_by(supervisor);
        let finished = program.grace(Duration::from_millis(500)).run().await;
        let finished = finished.expect("the shell is there");
        assert_eq!(finished.exit, Exit::Code(7));
        assert_eq!(finished.stdout, b"done\n");
        eventually("nothing is left", || folder.processes().is_empty()).await;
    }
}

/// P1: nobody is left to wait for a grace when the runtime shuts down.
#[test]
fn a_program_ends_with_the_runtime_that_runs_it() {
    for supervisor in both_ways() {
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_all().build().expect("a runtime")
        };
        let folder = attackers();
        let program = sh(r#"exec sh "$1/hold.sh" "$1""#, &[folder.path()])
            .grace(Duration::from_millis(50))
            .supervised_by(supervisor);
        let serving = runtime();
        serving.spawn(program.run());
        serving.block_on(eventually("it began", || folder.count("began") == 1));
        drop(serving);
        let nothing = || folder.processes().is_empty();
        runtime().block_on(eventually("nothing is left", nothing));
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_says_what_was_written() {
    for supervisor in both_ways() {
        let folder = attackers();
        let script = r#"echo early; echo cause >&2; exec sh "$1/hold.sh" "$1""#;
        let program = sh(script, &[folder.path()])
            .grace(Duration::from_millis(50))
            .supervised_by(supervisor);
        let stop = eventually("it began", || folder.count("began") == 1);
        let finished = program.run_until(stop).await.expect("the shell is there");
        assert_eq!(finished.exit, Exit::Stopped);
        assert_eq!(finished.stdout, b"early\n");
        assert_eq!(finished.stderr, b"cause\n");
        eventually("nothing is left", || folder.processes().is_empty()).await;
    }
}

#[tokio::test]
async fn an_exit_and_a_signal_are_told_apart() {
    for supervisor in both_ways() {
        let run = |script| sh(script, &[]).supervised_by(supervisor.clone()).run();
        let exit = |finished: Result<atd_process::Finished, _>| finished.expect("it ran").exit;
        assert_eq!(exit(run("exit 255").await), Exit::Code(255));
        assert_eq!(exit(run("kill -KILL $$").await), Exit::Signal(9));
        assert_eq!(exit(run("kill -TERM $$").await), Exit::Signal(15));
        let program = Program::new("true").supervised_by(supervisor.clone());
        assert_eq!(exit(program.run().await), Exit::Code(0));
    }
}

/// Names the folder of a run, in a process that is there to be killed.
const SERVES: &str = "ATD_TEST_SERVES_IN";

/// P1: the program ends with its server, also when that is killed and has no
/// time for anything.
#[test]
fn a_program_ends_with_a_server_that_is_killed() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if let Ok(folder) = std::env::var(SERVES) {
        let script = r#"
            setsid sh "$1/hold.sh" "$1" &
            exec sh "$1/hold.sh" "$1"
        "#;
        let program = sh(script, &[&folder]).supervised_by(supervisor());
        let ended = runtime.block_on(program.grace(Duration::from_millis(50)).run());
        panic!("it was to run until this process is killed: {ended:?}");
    }
    let folder = attackers();
    let this_test = "ending::a_program_ends_with_a_server_that_is_killed";
    let mut server = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", this_test])
        .env(SERVES, folder.path())
        .spawn()
        .expect("it starts");
    runtime.block_on(eventually("it began", || folder.count("began") == 2));
    server.kill().expect("it runs");
    server.wait().expect("it was killed");
    let nothing = || folder.processes().is_empty();
    runtime.block_on(eventually("nothing is left", nothing));
}
