//! Tools on the files below one directory.

#[cfg(any(feature = "fs-edit", feature = "fs-write"))]
mod change;
#[cfg(feature = "fs-edit")]
mod edit;
mod error;
#[cfg(feature = "fs-glob")]
mod glob;
#[cfg(feature = "fs-grep")]
mod grep;
mod patience;
mod read;
mod root;
mod seen;
#[cfg(any(feature = "fs-glob", feature = "fs-grep"))]
mod walk;
#[cfg(feature = "fs-write")]
mod write;

#[cfg(feature = "fs-edit")]
pub use edit::FsEdit;
#[cfg(feature = "fs-glob")]
pub use glob::FsGlob;
#[cfg(feature = "fs-grep")]
pub use grep::FsGrep;
pub use read::FsRead;
pub use root::FsRoot;
#[cfg(feature = "fs-write")]
pub use write::FsWrite;
