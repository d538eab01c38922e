//! What `ledgerauth_client_authorize` costs beside the Rust call that it wraps, both for a fresh token, in one run and in turn.
//!
//! The library is the shared one, loaded as a C program's loader does it, so that nothing of it can be inlined here.

#[allow(dead_code, reason = "shared with the ratios of auth-http, which use all of it")]
#[path = "../../../crates/auth-http/benches/ratios/clock.rs"]
mod clock;
#[allow(dead_code, reason = "as above")]
#[path = "../../../crates/auth-http/benches/ratios/measure.rs"]
mod measure;
#[allow(dead_code, reason = "as above")]
#[path = "../../../crates/auth-http/benches/ratios/stage.rs"]
mod stage;
#[allow(dead_code, reason = "as above")]
#[path = "../../../crates/auth-http/benches/ratios/table.rs"]
mod table;

use auth_sandbox::{Sandbox, Service};
use ledgerauth::{ledgerauth_client, ledgerauth_client_options, ledgerauth_credential, ledgerauth_error, ledgerauth_str};
use std::error::Error;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::hint::black_box;
use std::mem::{transmute, zeroed};
use std::os::unix::ffi::OsStrExt as _;
use std::ptr::null_mut;

const CALLS: u32 = 200_000;

type Authorize =
    unsafe extern "C" fn(*const ledgerauth_client, ledgerauth_str, *mut c_char, usize, *mut usize, *mut *mut ledgerauth_error) -> i32;
type FromClient = unsafe extern "C" fn(ledgerauth_str, ledgerauth_str, *mut *mut ledgerauth_credential, *mut *mut ledgerauth_error) -> i32;
type New = unsafe extern "C" fn(*const ledgerauth_client_options, *mut *mut ledgerauth_client, *mut *mut ledgerauth_error) -> i32;

unsafe extern "C" {
    fn dlopen(path: *const c_char, mode: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test` starts every target, and tests measure nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let sandbox = stage::sandbox()?;
    let rust = stage::with_tokens(&sandbox)?;
    let (authorize, client) = through_c(&sandbox)?;
    let mut buffer = [0 as c_char; 512];
    let path = ledgerauth_str { data: c"/v1/invoices".as_ptr(), len: 12 };
    let mut by_c = |calls: u32| {
        for _ in 0..calls {
            let mut length = 0;
            // SAFETY: a live client, a text, a buffer of that size, a place for the length.
            let status =
                unsafe { authorize(black_box(client), black_box(path), buffer.as_mut_ptr(), buffer.len(), &raw mut length, null_mut()) };
            black_box((status, length, &buffer));
        }
    };
    by_c(1);
    let by_rust = |calls: u32| {
        for _ in 0..calls {
            if let Ok(authorization) = rust.authorize(black_box("/v1/invoices")) {
                black_box(authorization.value().expose().as_bytes());
            }
        }
    };
    by_rust(1);
    table::head();
    measure::pair("ledgerauth_client_authorize / Client::authorize, fresh token", table::Bar::Ratio(1.3), CALLS, by_c, by_rust).print();
    Ok(())
}

/// A client of the shared library's, and the function to be measured, which has given a header once.
fn through_c(sandbox: &Sandbox) -> Result<(Authorize, *const ledgerauth_client), Box<dyn Error>> {
    // The library as it is installed, which `make bench` builds; cargo's own is not optimised across crates.
    let library = std::env::var_os("LEDGERAUTH_LIBRARY").ok_or("LEDGERAUTH_LIBRARY does not name a library: call `make bench`")?;
    let path = CString::new(library.as_bytes())?;
    // SAFETY: a path; 2 is RTLD_NOW everywhere.
    let library = unsafe { dlopen(path.as_ptr(), 2) };
    if library.is_null() {
        return Err(format!("{} cannot be loaded", path.to_string_lossy()).into());
    }
    let symbol = |name: &CStr| {
        // SAFETY: a library that was loaded, and a name.
        let symbol = unsafe { dlsym(library, name.as_ptr()) };
        if symbol.is_null() { Err(format!("the library has no {name:?}")) } else { Ok(symbol) }
    };
    // SAFETY: the types are those of the header.
    let (from_client, new, authorize) = unsafe {
        (
            transmute::<*mut c_void, FromClient>(symbol(c"ledgerauth_credential_from_client")?),
            transmute::<*mut c_void, New>(symbol(c"ledgerauth_client_new")?),
            transmute::<*mut c_void, Authorize>(symbol(c"ledgerauth_client_authorize")?),
        )
    };
    let keys = &sandbox.keys().numeric;
    let (base, token) = (sandbox.url(Service::NumericApi), format!("{}/oauth/token", sandbox.url(Service::NumericAuth)));
    let text = |text: &str| ledgerauth_str { data: text.as_ptr().cast(), len: text.len() };
    let (mut credential, mut client) = (null_mut(), null_mut());
    // SAFETY: texts and places that are there; zeros are a value of the options.
    let status = unsafe {
        let made = from_client(text(&keys.client_id), text(&keys.client_secret), &raw mut credential, null_mut());
        let mut options: ledgerauth_client_options = zeroed();
        options.size = size_of::<ledgerauth_client_options>();
        options.provider = text("numeric");
        options.environment = text("production");
        options.credential = credential;
        (options.base_url, options.token_url) = (text(&base), text(&token));
        (options.insecure_loopback, options.no_proxy) = (1, 1);
        if made == 0 { new(&raw const options, &raw mut client, null_mut()) } else { made }
    };
    let (mut buffer, path) = ([0 as c_char; 512], text("/v1/invoices"));
    // SAFETY: as above.
    let status = if status == 0 { unsafe { authorize(client, path, buffer.as_mut_ptr(), 512, null_mut(), null_mut()) } } else { status };
    if status == 0 { Ok((authorize, client)) } else { Err(format!("the library says {status}").into()) }
}
