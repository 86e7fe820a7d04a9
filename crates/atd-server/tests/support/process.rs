//! What this process takes, and how large a test is to be.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Only one test of a program looks at the process at a time.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the long form of a promise is asked for: `cargo xtask soak`.
pub(crate) fn long() -> bool {
    std::env::var_os("ATD_LONG").is_some()
}

/// The size of a test, short or long.
pub(crate) fn size(short: usize, in_the_long_form: usize) -> usize {
    if long() { in_the_long_form } else { short }
}

fn status(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Resident memory, in bytes.
pub(crate) fn memory() -> usize {
    status("VmRSS:") * 1024
}

pub(crate) fn threads() -> usize {
    status("Threads:")
}

/// Open descriptors.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Lets this process have so many descriptors, as far as it may.
pub(crate) fn allow_descriptors(count: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: Some(count),
        maximum: now.maximum.map(|maximum| maximum.max(count)),
    };
    if now.current.is_some_and(|current| current < count) {
        setrlimit(Resource::Nofile, wanted).expect("descriptors: raise the hard limit");
    }
}
