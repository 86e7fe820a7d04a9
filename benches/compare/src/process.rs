//! What the system says of a process.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Lets this process have as many files open as the system allows it.
pub(crate) fn raise_file_limit() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current, maximum })?)
}

/// How many files this process may have open.
pub(crate) fn file_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Holds this thread, and all that it starts from now on, to the first core
/// that it may run on. Returns those that it might run on before.
pub(crate) fn share_one_core() -> Result<CpuSet> {
    let allowed = sched_getaffinity(None)?;
    let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
    let mut first = CpuSet::new();
    first.set(cores.next().context("this thread may run nowhere")?);
    sched_setaffinity(None, &first)?;
    Ok(allowed)
}

/// Lets this thread run on these cores again.
pub(crate) fn run_on(cores: &CpuSet) -> Result<()> {
    Ok(sched_setaffinity(None, cores)?)
}

/// The processor time that all threads of a process have had.
pub(crate) fn processor_time(process: u32) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread that ended meanwhile has no file any more.
        if let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) {
            let nanoseconds = text.split_whitespace().next();
            let nanoseconds = nanoseconds.context("schedstat has no first number")?;
            total += Duration::from_nanos(nanoseconds.parse()?);
        }
    }
    Ok(total)
}

/// The memory of a process that is resident, in bytes.
pub(crate) fn resident(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: u64 = kilobytes.context("the status has no VmRSS")?.parse()?;
    Ok(kilobytes * 1024)
}
