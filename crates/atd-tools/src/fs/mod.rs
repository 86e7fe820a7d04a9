//! Tools on the files below one directory.

#[cfg(any(feature = "fs-edit", feature = "fs-write"))]
mod change;
#[cfg(feature = "fs-edit")]
mod edit;
mod error;
mod patience;
mod read;
mod root;
mod seen;
#[cfg(feature = "fs-write")]
mod write;

#[cfg(feature = "fs-edit")]
pub use edit::FsEdit;
pub use read::FsRead;
pub use root::FsRoot;
#[cfg(feature = "fs-write")]
pub use write::FsWrite;
