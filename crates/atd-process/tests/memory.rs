//! P4: what the output of a program costs. A test binary of its own, since it
//! looks at what the whole process takes.

use std::fs;

use atd_process::{Program, ProgramError, Supervisor};

const MIB: u64 = 1 << 20;

/// What this process takes of memory now, and took at most, in bytes.
fn resident() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.expect("a field in KiB") * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// P4: 300 MB of output: 16 MiB of memory at most, whichever pipe it comes
/// through, with the largest output that a tier allows.
#[tokio::test]
async fn output_is_bounded_while_it_streams() {
    let supervisor = Supervisor::at(env!("CARGO_BIN_EXE_atd-supervise"));
    let writes = |script: &str| {
        Program::new("sh")
            .args(["-c", script])
            .output_limit(8 << 20)
            .supervised_by(supervisor.clone())
    };
    // What is made once is made before.
    writes("true").run().await.expect("the shell is there");
    let (before, _) = resident();

    let all = "head -c 300000000 /dev/zero";
    let cut = writes(all).cut_output().run().await.expect("it may be cut");
    assert_eq!(cut.stdout.len() as u64 + cut.stdout_left_out, 300_000_000);
    drop(cut);
    let over = writes(all).run().await;
    assert!(
        matches!(over, Err(ProgramError::OutputTooLarge { .. })),
        "{over:?}"
    );
    let errors = writes(&format!("{all} >&2"))
        .run()
        .await
        .expect("it may say any amount");
    assert_eq!(
        errors.stderr.len() as u64 + errors.stderr_left_out,
        300_000_000
    );

    let (_, most) = resident();
    let cost = most.saturating_sub(before);
    assert!(cost <= 16 * MIB, "{} KiB", cost / 1024);
    println!("300 MB of output took {} KiB", cost / 1024);
}
