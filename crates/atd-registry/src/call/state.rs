//! What tools keep from one call of a connection to the next.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What tools keep for a connection, one value of each type. It is gone when
/// the connection is. Clones are one.
///
/// Every call of the connection may use it at once, so a value has its own
/// lock where it changes. Its size is the business of whoever keeps it there;
/// it should have a limit. It outlives a `hello`: what belongs to a caller
/// should say whose it is.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use atd_registry::ConnectionState;
///
/// #[derive(Default)]
/// struct Calls(AtomicU32);
///
/// let state = ConnectionState::default();
/// state.of::<Calls>().0.fetch_add(1, Ordering::Relaxed);
/// assert_eq!(state.of::<Calls>().0.load(Ordering::Relaxed), 1);
/// ```
#[derive(Clone, Default)]
pub struct ConnectionState(Arc<Mutex<Values>>);

type Values = HashMap<TypeId, (&'static str, Arc<dyn Any + Send + Sync>)>;

impl ConnectionState {
    /// The value of this type, made where there is none.
    pub fn of<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.get_or_make(T::default)
    }

    /// The value of this type, made by `make` where there is none. `make` must
    /// not use the state itself.
    pub fn get_or_make<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = values.get(&TypeId::of::<T>())
            && let Ok(found) = found.1.clone().downcast()
        {
            return found;
        }
        let made = Arc::new(make());
        values.insert(TypeId::of::<T>(), (type_name::<T>(), made.clone()));
        made
    }
}

impl fmt::Debug for ConnectionState {
    /// The types alone: what they hold is no business of a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_set()
            .entries(values.values().map(|(name, _)| name))
            .finish()
    }
}
