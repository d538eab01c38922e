//! Audit and log
//!
//! An audit callback receives what happened with a credential: who used it where, what came of it,
//! what was decided. A log callback receives the same as lines. Nothing in them is secret. An audit
//! callback is called in order on a thread of the client's, so that a slow one holds no call up:
//! 16384 events wait for it at most, and how many found no room is an event, "events_dropped".
//! Freeing the client waits five seconds for what is left. With the option audit_blocks, or
//! no_threads, it is called as a log callback is: in the thread in which it happens, from any thread
//! and from several at once; keep that short. Both must not throw, must not leave by longjmp, must
//! not free their client, and must not call through it: that is LEDGERAUTH_MISUSE.

use crate::gate::{Gate, Userdata};
use crate::input::sized;
use crate::text::ledgerauth_str;
use auth_http::core::Severity;
use auth_http::{AuditEvent, ClientBuilder};
use std::ffi::c_void;
use std::sync::Arc;

/// How much attention a line deserves: a call went out or was answered.
pub const LEDGERAUTH_LOG_DEBUG: i32 = 1;
/// How much attention a line deserves: something happened to a token or a key.
pub const LEDGERAUTH_LOG_INFO: i32 = 2;
/// How much attention a line deserves: something went wrong.
pub const LEDGERAUTH_LOG_WARN: i32 = 3;

/// One thing that happened with a credential. It lives for as long as the callback runs; texts
/// that say nothing are empty.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_audit_event {
    /// sizeof(ledgerauth_audit_event) of the library; fields that a program's header has and the
    /// library does not are beyond it.
    pub size: usize,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
    /// One of LEDGERAUTH_LOG_*.
    pub level: i32,
    /// The status of the answer, if it is about one; else 0.
    pub http_status: i32,
    /// What happened: "sent", "answered", "refused", "repeating", "replaced", "token_granted" and
    /// others.
    pub what: ledgerauth_str,
    /// The integration, as its owner named it.
    pub integration: ledgerauth_str,
    /// The provider's short name.
    pub provider: ledgerauth_str,
    /// The environment.
    pub environment: ledgerauth_str,
    /// The method of the request.
    pub method: ledgerauth_str,
    /// The path of the request, without its query.
    pub path: ledgerauth_str,
    /// The id under which we know the request.
    pub request_id: ledgerauth_str,
    /// The id under which the server knows it.
    pub server_request_id: ledgerauth_str,
    /// Which credential it was: 16 hexadecimal digits of a keyed hash.
    pub fingerprint: ledgerauth_str,
    /// What was decided and why, in one clause.
    pub decision: ledgerauth_str,
}
sized!(ledgerauth_audit_event, decision: ledgerauth_str);

/// Receives an audit event.
pub type ledgerauth_audit_fn = Option<unsafe extern "C" fn(userdata: *mut c_void, event: *const ledgerauth_audit_event)>;

/// Receives a line without a line break, and how much attention it deserves: one of
/// LEDGERAUTH_LOG_*.
pub type ledgerauth_log_fn = Option<unsafe extern "C" fn(userdata: *mut c_void, level: i32, line: ledgerauth_str)>;

/// Lets the program's callbacks listen, if there are any.
pub(crate) fn listen(
    builder: ClientBuilder,
    (on_audit, audit_userdata): (ledgerauth_audit_fn, *mut c_void),
    (on_log, log_userdata): (ledgerauth_log_fn, *mut c_void),
    gate: &Arc<Gate>,
) -> ClientBuilder {
    let builder = match on_audit {
        None => builder,
        Some(on_audit) => {
            let (userdata, gate) = (Userdata(audit_userdata), Arc::clone(gate));
            builder.on_audit(move |event| {
                // The closure takes the whole wrapper, not the bare pointer in it.
                let userdata = &userdata;
                gate.call(|| {
                    let event = seen(event);
                    // SAFETY: the program's function, called as the header says; the event outlives the call.
                    unsafe { on_audit(userdata.0, &raw const event) };
                });
            })
        }
    };
    let Some(on_log) = on_log else { return builder };
    let (userdata, gate) = (Userdata(log_userdata), Arc::clone(gate));
    builder.on_audit_log(move |event| {
        let userdata = &userdata;
        gate.call(|| {
            let line = event.to_string();
            // SAFETY: the program's function, called as the header says; the line outlives the call.
            unsafe { on_log(userdata.0, level(event), ledgerauth_str::of(&line)) };
        });
    })
}

fn seen(event: &AuditEvent) -> ledgerauth_audit_event {
    let text = |text: &Option<String>| ledgerauth_str::of_option(text.as_deref());
    ledgerauth_audit_event {
        size: size_of::<ledgerauth_audit_event>(),
        at: event.at.as_millis(),
        level: level(event),
        http_status: event.status.map_or(0, i32::from),
        what: ledgerauth_str::of(event.what.name()),
        integration: text(&event.integration),
        provider: ledgerauth_str::of(&event.provider),
        environment: ledgerauth_str::of(&event.environment),
        method: text(&event.method),
        path: text(&event.path),
        request_id: text(&event.request_id),
        server_request_id: text(&event.server_request_id),
        fingerprint: text(&event.fingerprint),
        decision: ledgerauth_str::of(&event.decision),
    }
}

fn level(event: &AuditEvent) -> i32 {
    match event.what.severity() {
        Severity::Debug => LEDGERAUTH_LOG_DEBUG,
        Severity::Info => LEDGERAUTH_LOG_INFO,
        Severity::Warn => LEDGERAUTH_LOG_WARN,
    }
}
