//! What keeps the newest state of a file from being in force.

use std::fmt::Display;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Why it is not in force, if it is not. Each change of that is told to the log,
/// where an operator sees it.
#[derive(Debug)]
pub(crate) struct Trouble<E>(Mutex<Option<E>>);

impl<E: Clone + Display + PartialEq> Trouble<E> {
    pub(crate) fn none() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn get(&self) -> Option<E> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// `consequence` is what it means that there is one.
    pub(crate) fn set(&self, path: &Path, now: Option<E>, consequence: &str) {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *trouble == now {
            return;
        }
        match &now {
            Some(error) => tracing::error!(%error, "{consequence}"),
            None => tracing::warn!(path = %path.display(), "the file can be used again"),
        }
        *trouble = now;
    }
}
