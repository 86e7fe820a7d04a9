//! What a connection has seen of a file.

use std::path::Path;

use atd_registry::{CallContext, FileStamp, ReadTracker};
use cap_std::fs::{Metadata, MetadataExt};

use super::root::FsRoot;

/// A file as somebody saw it.
///
/// It is told from what it is later by its length and by when the system last
/// saw it changed: its `ctime`, which, unlike its `mtime`, no program sets. A
/// file that is put in its place is told by its number. Before Linux 6.13, two
/// changes of one file within some 4 ms have the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen(FileStamp);

impl Seen {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let (seconds, nanos) = (metadata.ctime(), metadata.ctime_nsec());
        Self(FileStamp {
            inode: metadata.ino(),
            modified_nanos: i128::from(seconds) * 1_000_000_000 + i128::from(nanos),
            length: metadata.len(),
        })
    }

    /// The call's connection knows the file at `place`, a
    /// [resolved](FsRoot::resolve) path, as it was then.
    pub(super) fn note(self, ctx: &CallContext, root: &FsRoot, place: &Path) {
        let tracker = ctx.state().of::<ReadTracker>();
        tracker.note(root.name_of(place), self.0);
    }

    /// Fails if the call's connection does not know the file at `place` as it
    /// is here.
    #[cfg(any(feature = "fs-edit", feature = "fs-write"))]
    pub(super) fn check(
        self,
        ctx: &CallContext,
        root: &FsRoot,
        place: &Path,
    ) -> Result<(), atd_registry::StaleRead> {
        let tracker = ctx.state().of::<ReadTracker>();
        tracker.check(root.name_of(place), self.0)
    }
}
