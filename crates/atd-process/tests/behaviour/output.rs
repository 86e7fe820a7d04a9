//! How much of their output is kept.

use atd_process::{Exit, ProgramError};

use crate::support::{both_ways, sh};

#[tokio::test]
async fn one_byte_over_the_limit_is_an_error() {
    for supervisor in both_ways() {
        let writes = |bytes: &str| {
            sh("printf %s \"$1\"", &[bytes])
                .output_limit(10)
                .supervised_by(supervisor.clone())
        };
        let full = writes("0123456789").run().await.expect("it fits");
        assert_eq!(full.stdout, b"0123456789");
        let over = writes("0123456789a").run().await;
        let expected = matches!(over, Err(ProgramError::OutputTooLarge { limit: 10 }));
        assert!(expected, "{over:?}");
        let cut = writes("0123456789abc").cut_output().run().await;
        let cut = cut.expect("it may be cut");
        assert_eq!(cut.stdout, b"0123456789");
        assert_eq!(cut.stdout_left_out, 3);
    }
}

/// P4, D3: an output without an end is an error, or goes on to be counted.
#[tokio::test]
async fn an_output_without_an_end_is_ended() {
    for supervisor in both_ways() {
        let endless = || sh("exec cat /dev/zero", &[]).supervised_by(supervisor.clone());
        let over = endless().run().await;
        let expected = matches!(over, Err(ProgramError::OutputTooLarge { .. }));
        assert!(expected, "{over:?}");
    }
}

#[tokio::test]
async fn of_standard_error_the_last_is_kept() {
    for supervisor in both_ways() {
        let script = "seq 1 100000 >&2; echo done";
        let program = sh(script, &[])
            .stderr_kept(14)
            .supervised_by(supervisor.clone());
        let finished = program.run().await.expect("the shell is there");
        assert_eq!(finished.exit, Exit::Code(0));
        assert_eq!(finished.stdout, b"done\n");
        assert_eq!(finished.stderr, b"\n99999\n100000\n");
        assert_eq!(finished.stderr_left_out, 588_895 - 14);
        let none = sh("echo x >&2", &[])
            .stderr_kept(0)
            .supervised_by(supervisor);
        let none = none.run().await.expect("the shell is there");
        assert_eq!((none.stderr.len(), none.stderr_left_out), (0, 2));
    }
}

/// Pipes that are full in both directions at once hold nobody up.
#[tokio::test]
async fn all_pipes_move_at_once() {
    for supervisor in both_ways() {
        let input = vec![b'x'; 1 << 20];
        let program = sh("tee /dev/stderr", &[])
            .stdin(input.clone())
            .stderr_kept(1 << 20)
            .supervised_by(supervisor);
        let finished = program.run().await.expect("the shell is there");
        assert!(finished.stdout == input && finished.stderr == input);
    }
}
