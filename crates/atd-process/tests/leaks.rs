//! What many runs leave behind in this process. A test binary of its own, since
//! it counts what the whole process holds.

use std::fs;
use std::time::Duration;

use atd_process::{Program, Supervisor};

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("/proc").count()
}

/// Every child of this process, zombies included.
fn children() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("/proc").flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.map(|list| list.split_whitespace().count()).sum()
}

/// N6, P1: runs that end in every way leave no descriptor and no zombie.
#[tokio::test]
async fn many_runs_leave_nothing_behind() {
    let supervisor = Supervisor::at(env!("CARGO_BIN_EXE_atd-supervise"));
    let runs = async |times: usize| {
        for number in 0..times {
            let supervisor = (number % 2 == 0).then(|| supervisor.clone());
            let program = |script: &str| {
                Program::new("sh")
                    .args(["-c", script])
                    .grace(Duration::from_millis(20))
                    .output_limit(100)
                    .supervised_by(supervisor.clone())
            };
            program("cat >&2; exit 1")
                .stdin("x")
                .run()
                .await
                .expect("it runs");
            program("exec yes")
                .run()
                .await
                .expect_err("its output has no end");
            program("(exec yes > /dev/null) &")
                .run()
                .await
                .expect("it runs");
            program("x")
                .arg("\0")
                .run()
                .await
                .expect_err("it cannot be given");
            let other = Program::new("none").supervised_by(supervisor.clone());
            other.run().await.expect_err("it is not there");
            let nowhere = program("x").working_dir("/no/such/directory");
            nowhere.run().await.expect_err("it is not there");
            // Dropped at whatever it has come to.
            let time = Duration::from_micros(100 * number as u64);
            let dropped = program("trap '' TERM; yes > /dev/null & exec yes > /dev/null");
            tokio::time::timeout(time, dropped.run())
                .await
                .expect_err("it has no end");
        }
        for _ in 0..3_000 {
            if children() == 0 {
                return descriptors();
            }
            let pause = Duration::from_millis(10);
            let _ = tokio::time::timeout(pause, std::future::pending::<()>()).await;
        }
        panic!("{} processes are left", children());
    };
    let before = runs(2).await;
    let after = runs(40).await;
    assert_eq!(before, after, "descriptors");
}
