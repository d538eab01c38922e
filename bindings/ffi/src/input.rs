//! Checks of what comes in from C, each with an error that names the argument.

use crate::error::{Fault, misuse};
use crate::status::{LEDGERAUTH_BUSY, LEDGERAUTH_NULL, LEDGERAUTH_STRUCT_SIZE};
use parking_lot::{Mutex, MutexGuard};
use std::mem::MaybeUninit;

/// What a pointer points to.
///
/// # Safety
/// If it is not `NULL`, it points to a live `T` that nobody changes meanwhile.
pub(crate) unsafe fn get<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, Fault> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name))
}

/// Whether an output can be written; checked first, so that nothing happens when it cannot.
pub(crate) fn can_write<T>(out: *mut T, name: &str) -> Result<Out<T>, Fault> {
    if out.is_null() { Err(null(name)) } else { Ok(Out(out)) }
}

/// A place for an output that is not `NULL`.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Writes the output.
    ///
    /// # Safety
    /// The caller of the entry promised that the place holds a `T`.
    pub(crate) unsafe fn write(self, value: T) {
        // SAFETY: the caller's promise.
        unsafe { self.0.write(value) };
    }
}

impl Out<std::ffi::c_char> {
    /// Copies a text and a NUL.
    ///
    /// # Safety
    /// One byte more than the text has can be written there.
    pub(crate) unsafe fn copy_text(self, text: &[u8]) {
        let buffer = self.0.cast::<u8>();
        // SAFETY: the caller's promise.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), buffer, text.len());
            buffer.add(text.len()).write(0);
        }
    }
}

/// An object as the caller holds it, until it is freed.
pub(crate) fn handle<T>(object: T) -> *mut T {
    Box::into_raw(Box::new(object))
}

/// Writes an output that the caller may do without.
///
/// # Safety
/// The place is `NULL` or holds a `T`.
pub(crate) unsafe fn offer<T>(out: *mut T, value: impl FnOnce() -> T) {
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.write(value()) };
    }
}

/// An object that is for one thread at a time, as long as it is held.
///
/// # Safety
/// As for [`get`].
pub(crate) unsafe fn alone<'a, O, T>(object: *const O, name: &str, inside: fn(&'a O) -> &'a Mutex<T>) -> Result<MutexGuard<'a, T>, Fault> {
    // SAFETY: the caller's promise.
    inside(unsafe { get(object, name) }?).try_lock().ok_or_else(busy)
}

/// A list of a caller's.
///
/// # Safety
/// If `count` is not 0 and the pointer not `NULL`, so many live values stand there.
pub(crate) unsafe fn list<'a, T>(items: *const T, count: usize, name: &str) -> Result<&'a [T], Fault> {
    if count == 0 {
        return Ok(&[]);
    }
    if items.is_null() {
        return Err(null(name));
    }
    if count > isize::MAX.unsigned_abs() / size_of::<T>().max(1) {
        return Err(misuse(format!("{name} is longer than memory"), "pass the number of its items"));
    }
    // SAFETY: not NULL, not too long, and the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(items, count) })
}

/// A struct that a program and the library may know in different versions: it begins with its size, and zero is a good value of each field.
///
/// # Safety
/// The struct is `repr(C)`, its first field is its size as `usize`, and all zeros are a value of it.
pub(crate) unsafe trait Sized0: Copy {
    /// The size that it had in the first version.
    const FIRST: usize;
}

/// Implements [`Sized0`] for a struct by the last field that its first version had.
macro_rules! sized {
    ($name:ident, $last:ident: $kind:ty) => {
        // SAFETY: `repr(C)`, begins with `size: usize`; pointers, options of functions and numbers may all be zero.
        unsafe impl $crate::input::Sized0 for $name {
            const FIRST: usize = std::mem::offset_of!($name, $last) + size_of::<$kind>();
        }
    };
}
pub(crate) use sized;

/// A caller's struct, as this version of the library knows it: what the caller's version does not have is zero.
///
/// # Safety
/// If the pointer is not `NULL`, so many bytes stand there as the struct's first field says.
pub(crate) unsafe fn read_sized<T: Sized0>(pointer: *const T, name: &str) -> Result<T, Fault> {
    // SAFETY: the caller's promise.
    let size = unsafe { said_size(pointer, name) }?;
    let newer = || {
        wrong_size(
            name,
            size,
            "it says something that this version of the library does not know: use the header and the library of one version",
        )
    };
    if size > MOST {
        return Err(newer());
    }
    let known = size.min(size_of::<T>());
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are in both, by the caller's promise about the size.
    unsafe { std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), copy.as_mut_ptr().cast::<u8>(), known) };
    // SAFETY: the caller's promise about the size.
    let unknown = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>().add(known), size - known) };
    if unknown.iter().any(|byte| *byte != 0) {
        return Err(newer());
    }
    // SAFETY: zeros but for what was copied, which is a value of the same struct.
    Ok(unsafe { copy.assume_init() })
}

/// The largest size that a struct can say it has: a page, so that rubbish is not read far.
const MOST: usize = 4_096;

/// Fills a caller's struct as far as the caller knows it; its size stays what the caller said.
///
/// # Safety
/// If the pointer is not `NULL`, so many bytes can be written there as the struct's first field says.
pub(crate) unsafe fn write_sized<T: Sized0>(pointer: *mut T, value: &T, name: &str) -> Result<(), Fault> {
    // SAFETY: the caller's promise.
    let size = unsafe { said_size(pointer, name) }?;
    let known = size.min(size_of::<T>()) - size_of::<usize>();
    let from = std::ptr::from_ref(value).cast::<u8>();
    // SAFETY: both have so many bytes after their size, by the caller's promise.
    unsafe {
        let behind_size = size_of::<usize>();
        std::ptr::copy_nonoverlapping(from.add(behind_size), pointer.cast::<u8>().add(behind_size), known);
    }
    Ok(())
}

/// The size that a caller's struct says it has.
///
/// # Safety
/// If the pointer is not `NULL`, a size stands there.
unsafe fn said_size<T: Sized0>(pointer: *const T, name: &str) -> Result<usize, Fault> {
    if pointer.is_null() {
        return Err(null(name));
    }
    if !pointer.is_aligned() {
        return Err(misuse(format!("{name} is not aligned"), "pass the address of a struct of that type"));
    }
    // SAFETY: not NULL, aligned, and every version of the struct begins with its size.
    let size = unsafe { pointer.cast::<usize>().read() };
    if size < T::FIRST { Err(wrong_size(name, size, "set its size to sizeof of it, and zero the rest")) } else { Ok(size) }
}

fn wrong_size(name: &str, size: usize, advice: &'static str) -> Fault {
    crate::error::at_the_boundary(LEDGERAUTH_STRUCT_SIZE, format!("{name} says that it is {size} bytes long"), advice)
}

pub(crate) fn null(name: &str) -> Fault {
    crate::error::at_the_boundary(LEDGERAUTH_NULL, format!("{name} is NULL"), "pass what the header says")
}

/// The error of an index that is too large.
pub(crate) fn beyond(name: &str, count: usize) -> Fault {
    misuse(format!("{name} is beyond the end: there are {count}"), "count from 0")
}

/// The error of an object that another thread is using.
fn busy() -> Fault {
    crate::error::at_the_boundary(
        LEDGERAUTH_BUSY,
        "another thread is using this object",
        "use it from one thread at a time, or give each thread its own",
    )
}
