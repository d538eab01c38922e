//! What every entry goes through: no panic leaves, and a failure becomes a status and perhaps an error object.

use crate::error::{Fault, ledgerauth_error};
use crate::input::{can_write, handle};
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

/// Does the work of an entry that makes an object for its caller. The place for it is looked at first, so that nothing happens where it cannot be written.
pub(crate) fn make<T>(out: *mut *mut T, name: &str, error_out: *mut *mut ledgerauth_error, work: impl FnOnce() -> Result<T, Fault>) -> i32 {
    guard(error_out, || {
        let out = can_write(out, name)?;
        let made = handle(work()?);
        // SAFETY: the caller promises that the place holds a pointer.
        unsafe { out.write(made) };
        Ok(())
    })
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

#[cfg(test)]
mod tests {
    use super::{ask, free, guard, quietly};
    use crate::error::{ledgerauth_error, ledgerauth_error_free, ledgerauth_error_kind, ledgerauth_error_status, misuse};
    use crate::status::{LEDGERAUTH_MISUSE, LEDGERAUTH_OK, LEDGERAUTH_PANIC};

    /// What is thrown, and what throws again when it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("thrown by what was thrown");
        }
    }

    /// An entry as all of them are, which fails in every way.
    unsafe extern "C" fn entry(way: i32, error_out: *mut *mut ledgerauth_error) -> i32 {
        guard(error_out, || match way {
            0 => Ok(()),
            1 => Err(misuse("it was called so", "call it otherwise")),
            2 => panic!("a mistake of this library's"),
            _ => std::panic::panic_any(Bomb),
        })
    }

    #[test]
    fn a_panic_becomes_a_status_and_an_error_that_says_so() {
        for (way, status) in [(0, LEDGERAUTH_OK), (1, LEDGERAUTH_MISUSE), (2, LEDGERAUTH_PANIC), (3, LEDGERAUTH_PANIC)] {
            let mut error = std::ptr::null_mut();
            // SAFETY: a place for an error is given, or none.
            unsafe {
                assert_eq!(entry(way, &raw mut error), status);
                assert_eq!(entry(way, std::ptr::null_mut()), status);
                assert_eq!((error.is_null(), ledgerauth_error_status(error)), (status == LEDGERAUTH_OK, status));
                assert_eq!(ledgerauth_error_kind(error).len > 0, status != LEDGERAUTH_OK);
                ledgerauth_error_free(error);
            }
        }
    }

    #[test]
    fn what_cannot_fail_answers_as_for_nothing_when_it_panics() {
        assert_eq!(quietly(7, || panic!("in a question")), 7);
        assert_eq!(quietly(7, || std::panic::panic_any(Bomb)), 7);
        // SAFETY: a live object.
        assert_eq!(unsafe { ask(std::ptr::from_ref(&1_u8), 7, |_| panic!("in a detail")) }, 7);
        // SAFETY: it came from a box and is freed once.
        unsafe { free(Box::into_raw(Box::new(Bomb))) };
    }
}
