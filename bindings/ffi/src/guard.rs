//! What every entry goes through: no panic leaves, and a failure becomes a status and perhaps an error object.

use crate::error::{Fault, ledgerauth_error};
use crate::status::LEDGERAUTH_OK;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does the work of an entry that can fail. Whatever a panic leaves half done is behind locks that do not poison, or belongs to the caller's own handle.
pub(crate) fn guard(error_out: *mut *mut ledgerauth_error, work: impl FnOnce() -> Result<(), Fault>) -> i32 {
    let fault = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return LEDGERAUTH_OK,
        Ok(Err(fault)) => fault,
        Err(payload) => {
            // What was thrown may throw again when it is dropped.
            std::mem::forget(payload);
            ledgerauth_error::panicked()
        }
    };
    let status = fault.status;
    if !error_out.is_null() {
        // SAFETY: not NULL, and the caller promises that it points to a pointer.
        unsafe { error_out.write(Box::into_raw(fault)) };
    }
    status
}

/// Does the work of an entry that cannot fail but by a panic.
pub(crate) fn quietly<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        std::mem::forget(payload);
        otherwise
    })
}

/// Asks an object for a detail; `none` if it is `NULL`.
///
/// # Safety
/// It is `NULL` or live.
pub(crate) unsafe fn ask<O, T: Copy>(object: *const O, none: T, detail: impl FnOnce(&O) -> T) -> T {
    // SAFETY: the caller's promise.
    quietly(none, || unsafe { object.as_ref() }.map_or(none, detail))
}

/// Frees a handle; `NULL` is fine.
///
/// # Safety
/// The handle came from `Box::into_raw` and was not freed.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: the caller's promise.
        quietly((), || drop(unsafe { Box::from_raw(handle) }));
    }
}
