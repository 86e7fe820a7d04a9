//! Tools on the files below one directory.

mod error;
mod patience;
mod read;
mod root;

pub use read::FsRead;
pub use root::FsRoot;
