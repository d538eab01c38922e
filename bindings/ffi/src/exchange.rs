//! Exchanges, for event loops
//!
//! An exchange is one call of a client, driven by a program with its own event loop: a hundred of
//! them on one thread. Nothing in it waits or sends. The loop is always the same:
//!
//!     ledgerauth_step step = {.size = sizeof step};
//!     ledgerauth_exchange_poll(exchange, &step, NULL);
//!     switch (step.kind) {
//!     FETCH, SEND   send what the step says, then ledgerauth_exchange_handle_response()
//!                   or ledgerauth_exchange_handle_failure(); then poll
//!     CONNECT       ledgerauth_exchange_handle_connected(), with
//!                   LEDGERAUTH_CONNECT_NOT_SUPPORTED if the program cannot; then poll
//!     WAIT          poll after step.wait_ms, or as soon as ledgerauth_client_changes() moves
//!     DONE          the answer that was reported last is the caller's, or step.error says why
//!                   there is none
//!     }
//!     ledgerauth_exchange_free(exchange);      however it is left
//!
//! A FETCH is sent exactly as it is. To a SEND the program adds its own header fields and its own
//! body; if step.foreign is not 0, only those that ledgerauth_header_may_go_anywhere(). Redirects
//! are not followed. To its own store the library talks by itself, inside of poll.
//!
//! An exchange is for one thread at a time; another one gets LEDGERAUTH_BUSY. Free a client's
//! exchanges before the client. The example examples/event_loop.c does it with curl_multi.

use crate::answer::{ledgerauth_answer, lost, parts};
use crate::client::ledgerauth_client;
use crate::credential::ledgerauth_credential;
use crate::error::{Fault, ledgerauth_error, misuse};
use crate::guard::{ask, free, guard, make};
use crate::input::{alone, can_write, get, handle, read_sized, sized, write_sized};
use crate::response::ledgerauth_header;
use crate::step::{LEDGERAUTH_CONNECT_FAILED, LEDGERAUTH_CONNECT_NOT_SUPPORTED, LEDGERAUTH_CONNECTED, Shown, ledgerauth_step};
use crate::store::{LEDGERAUTH_STORE_DONE, LEDGERAUTH_STORE_DOWN, LEDGERAUTH_STORE_HOLDER_DIED, LEDGERAUTH_STORE_TAKEN, limit};
use crate::text::ledgerauth_str;
use auth_http::Drive;
use auth_http::core::{Claimed, ConnectOutcome, Record, Response, Saved, Step, may_go_anywhere};
use parking_lot::{Mutex, MutexGuard};
use std::time::Duration;

/// An exchange.
pub struct ledgerauth_exchange(Mutex<Driven>);

struct Driven {
    drive: Drive,
    method: String,
    own_store: bool,
    shown: Shown,
}

/// What the library has to know of a request, which is never the request itself. Zero it, set
/// size, method and path.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_call {
    /// sizeof(ledgerauth_call).
    pub size: usize,
    /// The method in capitals.
    pub method: ledgerauth_str,
    /// A path such as "/v1/invoices", or an absolute URL of the same host.
    pub path: ledgerauth_str,
    /// The body, if there is one: looked at now and not kept. Where the provider has a convention
    /// that makes a repeat harmless, and the body keeps it, the call may be repeated.
    pub body: ledgerauth_str,
    /// Not 0 if the body is a stream that can be sent only once.
    pub once: i32,
    /// Not 0 to do CLAIM, SAVE, LOOK, PAUSE, RELEASE and LOAD oneself, for stores with I/O of
    /// their own.
    pub own_store: i32,
    /// How long the call may take with all its waits and repeats, in milliseconds; the client's
    /// deadline if 0.
    pub deadline_ms: u64,
    /// The id under which the call is known to both sides; a random one if not said.
    pub request_id: ledgerauth_str,
}
sized!(ledgerauth_call, request_id: ledgerauth_str);

/// Starts an exchange for a call. Refused here if the credential may not go there; nothing was
/// sent. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_new(
    client: *const ledgerauth_client,
    call: *const ledgerauth_call,
    exchange_out: *mut *mut ledgerauth_exchange,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(exchange_out, "exchange_out", error_out, || {
        // SAFETY: by the contract.
        let (client, call) = unsafe { (get(client, "client")?, read_sized(call, "call")?) };
        // SAFETY: by the contract.
        let (method, path) = unsafe { (call.method.text("method")?, call.path.text("path")?) };
        let mut driving = client.client.drive(method, path)?;
        if call.deadline_ms > 0 {
            driving = driving.deadline(Duration::from_millis(call.deadline_ms));
        }
        // SAFETY: by the contract.
        if let Some(id) = unsafe { call.request_id.given("request_id") }? {
            driving = driving.request_id(id);
        }
        if call.once != 0 {
            driving = driving.once();
        } else if !call.body.data.is_null() {
            // SAFETY: by the contract.
            driving = driving.body(unsafe { call.body.bytes("body") }?);
        }
        let driven = Driven { drive: driving.start(), method: method.to_owned(), own_store: call.own_store != 0, shown: Shown::default() };
        Ok(ledgerauth_exchange(Mutex::new(driven)))
    })
}

/// Starts the exchange that gets the client's next token, if one is wanted and nobody is at it;
/// else writes NULL. Driven beside the others, it renews without one of them waiting. A program
/// that never asks for one works too: then the first exchange that has no token gets it. The
/// caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_renewal(
    client: *const ledgerauth_client,
    exchange_out: *mut *mut ledgerauth_exchange,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        let out = can_write(exchange_out, "exchange_out")?;
        // SAFETY: by the contract.
        let renewal = unsafe { get(client, "client") }?.client.drive_renewal();
        let renewal = renewal.map_or(std::ptr::null_mut(), |drive| {
            let driven = Driven { drive, method: String::new(), own_store: false, shown: Shown::default() };
            handle(ledgerauth_exchange(Mutex::new(driven)))
        });
        // SAFETY: by the contract.
        unsafe { out.write(renewal) };
        Ok(())
    })
}

/// Says what to do next. The caller sets step->size; what the step points to belongs to the
/// exchange and lives until its next poll.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_poll(
    exchange: *mut ledgerauth_exchange,
    step_out: *mut ledgerauth_step,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        unsafe { write_sized(step_out, &ledgerauth_step::nothing(), "step_out") }?;
        // SAFETY: by the contract.
        unsafe {
            let driven = &mut *driven(exchange)?;
            let step = driven.next();
            let filled = driven.shown.show(step, &driven.method, driven.drive.now());
            write_sized(step_out, &filled, "step_out")
        }
    })
}

/// Reports the answer to FETCH or SEND. Of a success that answers a SEND, the body may be left
/// out.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_handle_response(
    exchange: *mut ledgerauth_exchange,
    answer: *const ledgerauth_answer,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let answer = parts(answer)?;
        if answer.status == 0 {
            return Err(misuse("the answer has no status", "fill it, or call ledgerauth_exchange_handle_failure()"));
        }
        let headers: Vec<(&str, &[u8])> = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let response = Response { status: answer.status, headers: &headers.as_slice(), body: &answer.body };
        driven(exchange)?.drive.handle_response(&response);
        Ok(())
    })
}

/// Reports that FETCH or SEND got no answer, in the words of ledgerauth_answer_fail().
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_handle_failure(
    exchange: *mut ledgerauth_exchange,
    not_sent: i32,
    what: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let lost = lost(not_sent, what)?;
        driven(exchange)?.drive.handle_failure(lost);
        Ok(())
    })
}

/// Reports how CONNECT ended: one of LEDGERAUTH_CONNECTED, LEDGERAUTH_CONNECT_FAILED and
/// LEDGERAUTH_CONNECT_NOT_SUPPORTED. If it failed: not_sent and what as in
/// ledgerauth_answer_fail(); nothing was sent, whatever not_sent says.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_handle_connected(
    exchange: *mut ledgerauth_exchange,
    result: i32,
    not_sent: i32,
    what: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let outcome = match result {
            LEDGERAUTH_CONNECTED => ConnectOutcome::Connected,
            LEDGERAUTH_CONNECT_FAILED => ConnectOutcome::Failed(lost(not_sent, what)?),
            LEDGERAUTH_CONNECT_NOT_SUPPORTED => ConnectOutcome::NotSupported,
            _ => {
                let advice = "pass LEDGERAUTH_CONNECTED, LEDGERAUTH_CONNECT_FAILED or LEDGERAUTH_CONNECT_NOT_SUPPORTED";
                return Err(misuse("result is no end of a CONNECT", advice));
            }
        };
        driven(exchange)?.drive.handle_connected(outcome);
        Ok(())
    })
}

/// Reports what a store answered to CLAIM: LEDGERAUTH_STORE_DONE or LEDGERAUTH_STORE_HOLDER_DIED
/// with the record, if it has one; LEDGERAUTH_STORE_TAKEN; or LEDGERAUTH_STORE_DOWN with the reason
/// in the record's place.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_handle_claimed(
    exchange: *mut ledgerauth_exchange,
    result: i32,
    record: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let claimed = match result {
            LEDGERAUTH_STORE_DONE => match record.given_bytes("record")?.map(Record::from_bytes).transpose() {
                Ok(record) => Claimed::Granted(record),
                Err(error) => Claimed::Down(error.to_string()),
            },
            LEDGERAUTH_STORE_HOLDER_DIED => match record.given_bytes("record")?.map(Record::from_bytes).transpose() {
                Ok(record) => Claimed::TakenOver(record),
                Err(error) => Claimed::Down(error.to_string()),
            },
            LEDGERAUTH_STORE_TAKEN => Claimed::Busy,
            LEDGERAUTH_STORE_DOWN => Claimed::Down(record.text("record")?.to_owned()),
            _ => return Err(no_result()),
        };
        driven(exchange)?.drive.handle_claimed(claimed);
        Ok(())
    })
}

/// Reports what a store answered to SAVE: LEDGERAUTH_STORE_DONE, LEDGERAUTH_STORE_TAKEN, or
/// LEDGERAUTH_STORE_DOWN with the reason.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_handle_saved(
    exchange: *mut ledgerauth_exchange,
    result: i32,
    reason: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let saved = match result {
            LEDGERAUTH_STORE_DONE => Saved::Durable,
            LEDGERAUTH_STORE_TAKEN => Saved::Superseded,
            LEDGERAUTH_STORE_DOWN => Saved::Down(reason.text("reason")?.to_owned()),
            _ => return Err(no_result()),
        };
        driven(exchange)?.drive.handle_saved(saved);
        Ok(())
    })
}

/// Reports what a store answered to LOOK: until when a limit is in force in milliseconds since
/// 1970 UTC, and why; 0 if it knows of none.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_handle_looked(
    exchange: *mut ledgerauth_exchange,
    until: u64,
    why: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let pause = Some(limit(until, why)?).filter(|_| until > 0);
        driven(exchange)?.drive.handle_looked(pause);
        Ok(())
    })
}

/// Reports what the credential's source gave on LOAD; NULL if it gave nothing. The caller keeps
/// the credential.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_handle_loaded(
    exchange: *mut ledgerauth_exchange,
    client: *const ledgerauth_client,
    credential: *const ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let client = get(client, "client")?;
        let credential = match credential.as_ref() {
            Some(credential) => Some(credential.for_client(&client.gate)?),
            None => None,
        };
        driven(exchange)?.drive.handle_loaded(credential);
        Ok(())
    })
}

/// Frees an exchange, finished or not; NULL is fine. Whoever waits for it is let go on.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_exchange_free(exchange: *mut ledgerauth_exchange) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(exchange) };
}

/// A number that moves whenever an exchange that waits should be polled again.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_changes(client: *const ledgerauth_client) -> u64 {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(client, 0, |client| client.client.changes()) }
}

/// Whether a header field of the program's own may go along to another host, where a redirect led.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_header_may_go_anywhere(field: *const ledgerauth_header) -> bool {
    // SAFETY: by the contract, NULL or a struct whose name stands there.
    unsafe { ask(field, false, |field| field.name.text("name").is_ok_and(may_go_anywhere)) }
}

impl Driven {
    /// The next step that is the program's.
    fn next(&mut self) -> Step {
        loop {
            let step = self.drive.poll();
            if self.own_store {
                return step;
            }
            if let Some(step) = self.drive.obey(step) {
                return step;
            }
        }
    }
}

/// An exchange, for this thread alone.
///
/// # Safety
/// The handle is NULL or live.
unsafe fn driven<'a>(exchange: *const ledgerauth_exchange) -> Result<MutexGuard<'a, Driven>, Fault> {
    // SAFETY: the caller's promise.
    unsafe { alone(exchange, "exchange", |exchange| &exchange.0) }
}

fn no_result() -> Fault {
    misuse("result is no answer of a store", "pass LEDGERAUTH_STORE_DONE, LEDGERAUTH_STORE_TAKEN or LEDGERAUTH_STORE_DOWN")
}
