//! The files of a log as they are when it is opened, and their order.

use std::{
    fs::{self, File},
    io,
    path::Path,
    sync::Arc,
};

use super::ReadError;
use crate::segments::{self, Identity, identity};

/// One file of a log.
#[derive(Debug, Clone)]
pub struct Segment {
    path: Arc<Path>,
    /// Held open from the start if the file may be renamed.
    file: Option<Arc<File>>,
}

impl Segment {
    /// Where the file was when the log was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this was the segment that is written to.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.file.is_some()
    }

    pub(super) fn shared_path(&self) -> &Arc<Path> {
        &self.path
    }

    pub(super) fn file(&self) -> io::Result<Arc<File>> {
        match &self.file {
            Some(file) => Ok(file.clone()),
            None => File::open(&self.path).map(Arc::new),
        }
    }
}

/// The segments of the log at `path`, the oldest first; at least one.
pub(super) fn list(path: &Path) -> Result<Vec<Segment>, ReadError> {
    // The active one before the others: if it is rotated meanwhile it is
    // found twice, and not overlooked.
    let active = open_active(path)?;
    let mut segments = rotated(path)?;
    if let Some((segment, opened)) = active {
        let is_another = |other: &Segment| {
            let found = fs::metadata(&other.path).ok();
            opened.is_none() || found.and_then(|found| identity(&found)) != opened
        };
        // What was rotated after the active one was opened is newer than it.
        let known = segments.iter().position(|other| !is_another(other));
        segments.truncate(known.unwrap_or(segments.len()));
        segments.push(segment);
    }
    if segments.is_empty() {
        return Err(ReadError::NoLog { path: path.into() });
    }
    Ok(segments)
}

fn open_active(path: &Path) -> Result<Option<(Segment, Identity)>, ReadError> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let is_file = match fs::metadata(path) {
        Ok(found) => found.is_file(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ReadError::at(path)(error)),
    };
    if !is_file {
        return Err(ReadError::NotAFile { path: path.into() });
    }
    let file = match File::open(path) {
        Ok(file) => Arc::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ReadError::at(path)(error)),
    };
    let opened = identity(&file.metadata().map_err(ReadError::at(path))?);
    let segment = Segment {
        path: path.into(),
        file: Some(file),
    };
    Ok(Some((segment, opened)))
}

fn rotated(path: &Path) -> Result<Vec<Segment>, ReadError> {
    let found = segments::rotated(path).map_err(ReadError::at(segments::directory(path)))?;
    let segments = found.into_iter().map(|(_, path)| Segment {
        path: path.into(),
        file: None,
    });
    Ok(segments.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_in_the_order_of_their_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "a-20251122T160406123456Z.log",
            "a-20261122T160406123456Z.log",
            "a-20261122T160406123456Z-001.log",
            "a-20261122T160406123456Z-002.log",
            "a-20261122T160406123457Z.log",
            "a.log",
        ];
        for name in names.iter().rev() {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("a-20271122T160406123456Z.log")).unwrap();
        let segments = list(&folder.path().join("a.log")).unwrap();
        let found = segments.iter().map(|it| it.path().file_name().unwrap());
        assert!(found.eq(names), "{segments:?}");
        assert!(segments[5].is_active() && !segments[4].is_active());
    }
}
