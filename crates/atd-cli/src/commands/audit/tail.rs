//! `atd audit tail`.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use atd_runtime::audit::{AuditLog, Follow};
use rustix::event::{PollFd, PollFlags, Timespec};

use super::printer::Printer;
use crate::cli::AuditTailOptions;
use crate::failure::Failure;
use crate::paths;

/// How often a log that is followed is asked for more.
const INTERVAL: Duration = Duration::from_millis(200);

pub(super) async fn run(options: AuditTailOptions) -> Result<ExitCode, Failure> {
    let log = AuditLog::open(paths::audit_log(options.log.log)?)?;
    let mut printer = Printer::new(options.json.json)?;
    if !options.follow {
        for record in log.newest(options.lines)? {
            printer.record(&record?)?;
        }
        printer.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    let follow = log.follow(options.lines)?;
    tokio::select! {
        // Cancelled: what was printed stays, and what is left is in the log.
        ended = print_all(follow, printer) => ended?,
        // Cancelled: an interrupt that comes later ends a command that has ended.
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Until nobody reads any more.
async fn print_all(mut follow: Follow, mut printer: Printer) -> Result<(), Failure> {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let mut printed = 0_u32;
        while let Some(record) = follow.poll()? {
            printer.record(&record)?;
            printed += 1;
            if printed.is_multiple_of(256) {
                // An interrupt is heard in the midst of a long log as well.
                tokio::task::yield_now().await;
            }
        }
        printer.flush()?;
        if !is_read()? {
            return Ok(());
        }
    }
}

/// Whether somebody may still read what is printed. Without asking, it would
/// come out with the next event only.
fn is_read() -> io::Result<bool> {
    let stdout = io::stdout();
    let mut asked = [PollFd::new(&stdout, PollFlags::empty())];
    match rustix::event::poll(&mut asked, Some(&Timespec::default())) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(!asked[0].revents().contains(PollFlags::ERR))
}
