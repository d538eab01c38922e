//! Your own HTTP below a client
//!
//! A transport is a table of functions through which a client reaches the world. With one, the
//! library needs no HTTP of its own and can be built without; what a client decides is the same
//! to the last retry. The example examples/own_http.c does it with libcurl.

use crate::answer::ledgerauth_answer;
use crate::error::Fault;
use crate::gate::{Gate, Userdata};
use crate::input::{read_sized, sized};
use crate::request::ledgerauth_read_fn;
use crate::response::ledgerauth_header;
use crate::status::LEDGERAUTH_OK;
use crate::text::ledgerauth_str;
use auth_http::core::{Transport as Lost, Unanswered};
use auth_http::http::{Request, Response};
use auth_http::{Body, ClientBuilder, Clock, Payload, SystemClock, Times, Transport, UnixTime};
use std::ffi::c_void;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::Duration;

/// A request to be sent exactly as it is, with nothing of the transport's own that could carry a
/// credential. It lives for as long as send runs.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_outgoing {
    /// sizeof(ledgerauth_outgoing) of the library.
    pub size: usize,
    /// The method, such as GET.
    pub method: ledgerauth_str,
    /// The absolute URL.
    pub url: ledgerauth_str,
    /// The header fields, names in small letters.
    pub headers: *const ledgerauth_header,
    /// How many of them.
    pub header_count: usize,
    /// The body; none if its data is NULL.
    pub body: ledgerauth_str,
    /// If not NULL, gives the body piece by piece: call it with read_userdata.
    pub read_body: ledgerauth_read_fn,
    /// Handed to read_body.
    pub read_userdata: *mut c_void,
    /// How long it may take until the answer begins, in milliseconds.
    pub begin_ms: u64,
    /// How long it may take until the answer's last byte is here, in milliseconds; 0 if it may
    /// flow for as long as it does.
    pub end_ms: u64,
}
sized!(ledgerauth_outgoing, end_ms: u64);

/// A program's own way into the world. Zero it, set size, and what the program has; where a
/// function is NULL the library uses its own.
///
/// The functions are called from any thread and from several at once; with the option no_threads
/// only from the threads that use the client. They must not throw, must not leave by longjmp, and
/// must not free their client.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_transport {
    /// sizeof(ledgerauth_transport).
    pub size: usize,
    /// Handed to every function.
    pub userdata: *mut c_void,
    /// Sends a request once, follows no redirect, and fills the answer, whatever its status:
    /// LEDGERAUTH_OK. If there is none it says so by ledgerauth_answer_fail() and returns any
    /// other number; without that the library takes it that the request may have arrived.
    pub send:
        Option<unsafe extern "C" fn(userdata: *mut c_void, request: *const ledgerauth_outgoing, answer: *mut ledgerauth_answer) -> i32>,
    /// The time in milliseconds since 1970 UTC, by a clock that neither steps with the wall clock
    /// nor stops while the machine sleeps.
    pub now: Option<unsafe extern "C" fn(userdata: *mut c_void) -> u64>,
    /// Sleeps that long, 50 milliseconds at most. LEDGERAUTH_OK to go on waiting; any other number
    /// ends the wait, and the call with LEDGERAUTH_DEADLINE_EXCEEDED: for programs that shut down.
    pub sleep: Option<unsafe extern "C" fn(userdata: *mut c_void, span_ms: u64) -> i32>,
    /// A random number, from which a call's request id and the jitter of its pauses follow.
    pub random: Option<unsafe extern "C" fn(userdata: *mut c_void) -> u64>,
}
sized!(ledgerauth_transport, random: Option<unsafe extern "C" fn(userdata: *mut c_void) -> u64>);

/// The builder with the program's transport, if it has one.
///
/// # Safety
/// The table is NULL or there.
pub(crate) unsafe fn with_transport(
    builder: ClientBuilder,
    table: *const ledgerauth_transport,
    gate: &Arc<Gate>,
) -> Result<ClientBuilder, Fault> {
    if table.is_null() {
        return Ok(builder);
    }
    // SAFETY: the caller's promise.
    let ledgerauth_transport { userdata, send, now, sleep, random, .. } = unsafe { read_sized(table, "transport") }?;
    let (userdata, gate) = (Userdata(userdata), Arc::clone(gate));
    let builder = if now.is_some() || sleep.is_some() || random.is_some() {
        builder.clock(Arc::new(OwnClock { now, sleep, random, userdata, gate: Arc::clone(&gate) }))
    } else {
        builder
    };
    Ok(match send {
        Some(send) => builder.transport(Arc::new(OwnTransport { send, userdata, gate })),
        None => builder,
    })
}

struct OwnTransport {
    send: unsafe extern "C" fn(*mut c_void, *const ledgerauth_outgoing, *mut ledgerauth_answer) -> i32,
    userdata: Userdata,
    gate: Arc<Gate>,
}

impl Transport for OwnTransport {
    fn send(&self, request: Request<Payload<'_>>, times: Times) -> Result<Response<Body>, Lost> {
        let (head, mut payload) = request.into_parts();
        let url = head.uri.to_string();
        let field = |(name, value): (&auth_http::http::HeaderName, &auth_http::http::HeaderValue)| ledgerauth_header {
            name: ledgerauth_str::of(name.as_str()),
            value: ledgerauth_str::of_bytes(value.as_bytes()),
        };
        let headers: Vec<ledgerauth_header> = head.headers.iter().map(field).collect();
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut outgoing = ledgerauth_outgoing {
            size: size_of::<ledgerauth_outgoing>(),
            method: ledgerauth_str::of(head.method.as_str()),
            url: ledgerauth_str::of(&url),
            headers: headers.as_ptr(),
            header_count: headers.len(),
            body: ledgerauth_str::NONE,
            read_body: None,
            read_userdata: std::ptr::null_mut(),
            begin_ms: millis(times.begin),
            end_ms: times.end.map_or(0, millis),
        };
        match &mut payload {
            Payload::None => {}
            Payload::Bytes(bytes) => outgoing.body = ledgerauth_str::of_bytes(bytes),
            Payload::Stream(reader) => {
                outgoing.read_body = Some(read_on);
                outgoing.read_userdata = std::ptr::from_mut(reader).cast();
            }
        }
        let mut answer = ledgerauth_answer::empty();
        // SAFETY: the program's function, called as the header says; request and answer outlive the call.
        let status = self.gate.call(|| unsafe { (self.send)(self.userdata.0, &raw const outgoing, &raw mut answer) });
        let parts = answer.0.into_inner();
        match status {
            Some(LEDGERAUTH_OK) if parts.lost.is_none() && parts.status > 0 => {}
            Some(status) => return Err(parts.lost.unwrap_or_else(|| lost(status, parts.status))),
            None => return Err(Lost { how: Unanswered::NotSent, what: "the client was freed".into(), advice: String::new() }),
        }
        let mut response = Response::new(Body::from_reader(Cursor::new(parts.body)));
        *response.status_mut() = parts.status.try_into().map_err(|_| lost(LEDGERAUTH_OK, parts.status))?;
        *response.headers_mut() = parts.headers;
        Ok(response)
    }
}

/// Gives the next piece of a body that the library reads from somewhere.
unsafe extern "C" fn read_on(userdata: *mut c_void, buffer: *mut u8, capacity: usize, size_out: *mut usize) -> i32 {
    crate::guard::guard(std::ptr::null_mut(), || {
        let out = crate::input::can_write(size_out, "size_out")?;
        if userdata.is_null() || buffer.is_null() || capacity > isize::MAX.unsigned_abs() {
            return Err(crate::input::null("userdata or buffer"));
        }
        // SAFETY: `read_userdata`, which points to the reader for as long as `send` runs.
        let reader = unsafe { &mut *userdata.cast::<&mut dyn Read>() };
        // SAFETY: by the contract `capacity` bytes can be written there. They may not be initialised, so they are made so first.
        let buffer = unsafe {
            std::ptr::write_bytes(buffer, 0, capacity);
            std::slice::from_raw_parts_mut(buffer, capacity)
        };
        let size = reader
            .read(buffer)
            .map_err(|error| crate::error::misuse(format!("the body could not be read: {error}"), "give the request up"))?;
        // SAFETY: by the contract.
        unsafe { out.write(size) };
        Ok(())
    })
}

fn lost(status: i32, http_status: u16) -> Lost {
    let what = if status == LEDGERAUTH_OK {
        format!("the transport gave no answer that can be one (status {http_status})")
    } else {
        format!("the transport returned {status}")
    };
    Lost { how: Unanswered::Lost, what, advice: String::new() }
}

struct OwnClock {
    now: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
    sleep: Option<unsafe extern "C" fn(*mut c_void, u64) -> i32>,
    random: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
    userdata: Userdata,
    gate: Arc<Gate>,
}

impl Clock for OwnClock {
    fn now(&self) -> UnixTime {
        // SAFETY: the program's function, called as the header says.
        let own = self.now.and_then(|now| self.gate.call(|| unsafe { now(self.userdata.0) }));
        own.map_or_else(|| SystemClock.now(), UnixTime::from_millis)
    }

    fn sleep(&self, span: Duration) -> bool {
        let Some(sleep) = self.sleep else { return SystemClock.sleep(span) };
        // A whole millisecond at least, or a program that sleeps by whole ones would not sleep at all.
        let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1);
        // SAFETY: the program's function, called as the header says. A client that was freed waits for nothing.
        self.gate.call(|| unsafe { sleep(self.userdata.0, span) }) == Some(LEDGERAUTH_OK)
    }

    fn seed(&self) -> u64 {
        // SAFETY: the program's function, called as the header says.
        let own = self.random.and_then(|random| self.gate.call(|| unsafe { random(self.userdata.0) }));
        own.unwrap_or_else(|| SystemClock.seed())
    }
}
