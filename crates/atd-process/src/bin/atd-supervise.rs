//! The supervisor as a program of its own, for whoever embeds the library in
//! something that cannot call [`Supervisor::run_if_asked`] first thing.

use atd_process::Supervisor;

fn main() -> std::process::ExitCode {
    Supervisor::run_if_asked();
    // Without the words of a server there is nothing to supervise.
    std::process::ExitCode::from(2)
}
