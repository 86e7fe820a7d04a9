//! How programs are ended.

use atd_process::Exit;

use crate::support::{both_ways, eventually, is_there, sh};

#[tokio::test]
async fn a_program_is_given_its_input_and_its_output_comes_back() {
    for supervisor in both_ways() {
        let program = sh("cat; echo \"$1\" >&2; exit 3", &["oops"])
            .stdin("some\ninput")
            .supervised_by(supervisor.clone());
        let finished = program.run().await.expect("the shell is there");
        assert_eq!(finished.exit, Exit::Code(3), "{supervisor:?}");
        assert_eq!(finished.stdout, b"some\ninput");
        assert_eq!(finished.stderr, b"oops\n");
    }
}

#[tokio::test]
async fn a_dropped_run_ends_its_program() {
    for supervisor in both_ways() {
        let folder = tempfile::tempdir().expect("a folder");
        let (began, pid) = (folder.path().join("began"), folder.path().join("pid"));
        let script = "echo $$ > \"$2\"; mv \"$2\" \"$1\"; exec sleep 1000";
        let args = [began.to_str(), pid.to_str()].map(|path| path.expect("UTF-8"));
        let program = sh(script, &args).supervised_by(supervisor.clone());
        let run = tokio::spawn(program.run());
        eventually("the program began", || began.exists()).await;
        run.abort();
        let pid = std::fs::read_to_string(&began).expect("its number");
        eventually("it has ended", || !is_there(pid.trim())).await;
    }
}
