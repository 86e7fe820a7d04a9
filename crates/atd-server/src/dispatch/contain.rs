//! Panics, kept to the call that they happen in.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use super::error::CallError;

/// Runs a call's work; a panic in it becomes its error. What the work held is
/// dropped with the work itself, permits included.
///
/// It is pinned by who calls: a future that is taken by value is copied, and
/// takes its room twice.
pub(super) fn contained<T>(
    mut work: Pin<&mut impl Future<Output = Result<T, CallError>>>,
) -> impl Future<Output = Result<T, CallError>> {
    std::future::poll_fn(move |cx| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)))
            .unwrap_or_else(|panic| Poll::Ready(Err(panicked(panic))))
    })
}

/// [`contained`] for work that does not wait.
pub(super) fn contained_now<T>(
    work: impl FnOnce() -> Result<T, CallError>,
) -> Result<T, CallError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(panic)))
}

fn panicked(panic: Box<dyn Any + Send>) -> CallError {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = said.unwrap_or("nothing that can be shown").to_owned();
    // What was thrown may panic in its own drop, and so may what that throws.
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(again);
    }
    CallError::Panicked { message }
}
