//! Files that are replaced as a whole.

mod draft;
mod error;
mod target;
mod turns;

pub(super) use error::ChangeError;
pub(super) use target::Target;
#[cfg(feature = "fs-write")]
pub(super) use target::{no_directory, split};
