//! Requests
//!
//! A request is sent with the credential, as often as it is right, until the server has answered.
//! LEDGERAUTH_OK means that it was a success: its status is below 400. Anything else is an error
//! that says whose affair it is and what to do; ledgerauth_error_response() has the answer, if
//! there was one.
//!
//! A request that may have been processed is sent again only if that cannot book anything twice:
//! by its method, by the provider's own convention (such as an external_id in a Numora document),
//! or because the answer proves that nothing was processed.

use crate::client::{ledgerauth_client, method};
use crate::error::{Fault, at_the_boundary, ledgerauth_error, misuse};
use crate::guard::make;
use crate::input::{get, list, read_sized, sized};
use crate::response::{ledgerauth_header, ledgerauth_response, whole, without_body};
use crate::status::{LEDGERAUTH_OK, LEDGERAUTH_STOPPED};
use crate::text::ledgerauth_str;
use auth_http::{Client, Processed, Request, Response};
use std::ffi::c_void;
use std::io::{self, Read};
use std::time::Duration;

/// Takes a piece of an answer's body as it comes. LEDGERAUTH_OK to go on; any other number ends
/// the call with LEDGERAUTH_STOPPED. Must not throw and must not leave by longjmp.
pub type ledgerauth_write_fn = Option<unsafe extern "C" fn(userdata: *mut c_void, data: *const u8, size: usize) -> i32>;

/// Gives the next piece of a request's body: writes at most capacity bytes to buffer and their
/// number to size_out, 0 at the end. LEDGERAUTH_OK to go on; any other number ends the call with
/// LEDGERAUTH_STOPPED. Must not throw and must not leave by longjmp.
pub type ledgerauth_read_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, buffer: *mut u8, capacity: usize, size_out: *mut usize) -> i32>;

/// Everything that can be said about a request. Zero it, set size, method and path, and what is
/// needed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_request {
    /// sizeof(ledgerauth_request).
    pub size: usize,
    /// GET, HEAD, POST, PUT, PATCH or DELETE.
    pub method: ledgerauth_str,
    /// A path such as "/v1/invoices", or an absolute URL of the same host.
    pub path: ledgerauth_str,
    /// Query parameters, which are percent-encoded and added to the path.
    pub query: *const ledgerauth_header,
    /// How many of them.
    pub query_count: usize,
    /// Header fields. When a redirect leads to another host, only those that say what answer is
    /// wanted go along.
    pub headers: *const ledgerauth_header,
    /// How many of them.
    pub header_count: usize,
    /// The body; none if its data is NULL.
    pub body: ledgerauth_str,
    /// Gives the body instead, piece by piece: the call is then never repeated after something of
    /// it has left.
    pub read_body: ledgerauth_read_fn,
    /// Handed to read_body.
    pub read_userdata: *mut c_void,
    /// Takes the body of a success piece by piece instead of the response.
    pub write_body: ledgerauth_write_fn,
    /// Handed to write_body.
    pub write_userdata: *mut c_void,
    /// How long the call may take with all its waits and repeats, until the answer begins, in
    /// milliseconds; the client's deadline if 0.
    pub deadline_ms: u64,
    /// The id under which the call is known to both sides; a random one if not said.
    pub request_id: ledgerauth_str,
    /// How many bytes read_body gives in all; not known if 0, and then the body is sent in chunks. A
    /// body that ends before, or has more, fails the call before its last byte is sent.
    pub read_size: u64,
    /// Hosts whose answers count as the API's where a redirect leads there, beside those of the
    /// client's options: "files.example", "files.example:8443". The credential goes to none of them.
    pub allow_redirect_to: *const ledgerauth_str,
    /// How many of them.
    pub allow_redirect_to_count: usize,
}
sized!(ledgerauth_request, request_id: ledgerauth_str);

/// Gets a path such as "/v1/invoices". The caller frees the response.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_get(
    client: *const ledgerauth_client,
    path: ledgerauth_str,
    response_out: *mut *mut ledgerauth_response,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(response_out, "response_out", error_out, || {
        // SAFETY: by the contract.
        let (client, path) = unsafe { (get(client, "client")?, path.text("path")?) };
        let response = whole(client.client.get(path).send()?)?;
        Ok(response)
    })
}

/// Posts JSON to a path. The caller frees the response.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_post(
    client: *const ledgerauth_client,
    path: ledgerauth_str,
    json: ledgerauth_str,
    response_out: *mut *mut ledgerauth_response,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(response_out, "response_out", error_out, || {
        // SAFETY: by the contract.
        let (client, path, json) = unsafe { (get(client, "client")?, path.text("path")?, json.bytes("json")?) };
        let request = client.client.post(path).header("content-type", "application/json").body(json);
        let response = whole(request.send()?)?;
        Ok(response)
    })
}

/// Sends a request of any kind. The caller frees the response.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_send(
    client: *const ledgerauth_client,
    request: *const ledgerauth_request,
    response_out: *mut *mut ledgerauth_response,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(response_out, "response_out", error_out, || {
        // SAFETY: by the contract.
        let (client, request) = unsafe { (get(client, "client")?, read_sized(request, "request")?) };
        let mut stopped = false;
        // SAFETY: by the contract.
        let sent = unsafe { prepared(&client.client, &request, &mut stopped) }?.send();
        if stopped {
            return Err(ended("read_body").processed(Processed::Unknown));
        }
        let response = match request.write_body {
            Some(write) if sent.as_ref().is_ok_and(|response| response.failure().is_none()) => {
                // SAFETY: by the contract.
                unsafe { poured(sent?, write, request.write_userdata) }?
            }
            _ => whole(sent?)?,
        };
        Ok(response)
    })
}

/// The request in the making.
///
/// # Safety
/// Whatever the struct points to is there.
unsafe fn prepared<'c>(client: &'c Client, request: &ledgerauth_request, stopped: &'c mut bool) -> Result<Request<'c>, Fault> {
    // SAFETY: the caller's promise, here and below.
    let (word, path) = unsafe { (request.method.text("method")?, request.path.text("path")?) };
    let mut making = match method(word)? {
        "GET" => client.get(path),
        "HEAD" => client.head(path),
        "POST" => client.post(path),
        "PUT" => client.put(path),
        "PATCH" => client.patch(path),
        _ => client.delete(path),
    };
    // SAFETY: as above.
    for pair in unsafe { list(request.query, request.query_count, "query") }? {
        // SAFETY: as above.
        making = unsafe { making.query(pair.name.text("a query name")?, pair.value.text("a query value")?) };
    }
    // SAFETY: as above.
    for field in unsafe { list(request.headers, request.header_count, "headers") }? {
        // SAFETY: as above.
        making = unsafe { making.header(field.name.text("a header name")?, field.value.text("a header value")?) };
    }
    // SAFETY: as above.
    for host in unsafe { list(request.allow_redirect_to, request.allow_redirect_to_count, "allow_redirect_to") }? {
        // SAFETY: as above.
        making = making.allow_redirect_to(unsafe { host.text("a host of allow_redirect_to") }?);
    }
    if request.deadline_ms > 0 {
        making = making.deadline(Duration::from_millis(request.deadline_ms));
    }
    // SAFETY: as above.
    if let Some(id) = unsafe { request.request_id.given("request_id") }? {
        making = making.request_id(id);
    }
    match (request.read_body, request.body.data.is_null()) {
        (None, true) => Ok(making),
        // SAFETY: as above.
        (None, false) => Ok(making.body(unsafe { request.body.bytes("body") }?)),
        (Some(read), true) => {
            let pieces = Pieces { read, userdata: request.read_userdata, stopped };
            Ok(match request.read_size {
                0 => making.stream(pieces),
                length => making.sized_stream(pieces, length),
            })
        }
        (Some(_), false) => Err(misuse("both body and read_body are set", "set one of them; nothing was sent")),
    }
}

/// A body that the program gives piece by piece.
struct Pieces<'a> {
    read: unsafe extern "C" fn(*mut c_void, *mut u8, usize, *mut usize) -> i32,
    userdata: *mut c_void,
    stopped: &'a mut bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut size = 0;
        // SAFETY: the program's function, called as the header says.
        let status = unsafe { (self.read)(self.userdata, buffer.as_mut_ptr(), buffer.len(), &raw mut size) };
        if status == LEDGERAUTH_OK && size <= buffer.len() {
            return Ok(size);
        }
        *self.stopped = true;
        Err(io::Error::other("the program's callback ended it"))
    }
}

/// Pours the body of a response into the program's function.
///
/// # Safety
/// The function may be called with that pointer.
unsafe fn poured(
    response: Response,
    write: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> i32,
    userdata: *mut c_void,
) -> Result<ledgerauth_response, Fault> {
    let (poured, received) = (without_body(&response), response.received());
    let mut reader = response.into_reader();
    let mut buffer = vec![0; 16 * 1_024];
    loop {
        let size = reader.read(&mut buffer).map_err(|error| received.broken_off(&error))?;
        if size == 0 {
            return Ok(poured);
        }
        // SAFETY: the caller's promise.
        if unsafe { write(userdata, buffer.as_ptr(), size) } != LEDGERAUTH_OK {
            return Err(ended("write_body").processed(Processed::Yes));
        }
    }
}

fn ended(callback: &'static str) -> Fault {
    at_the_boundary(
        LEDGERAUTH_STOPPED,
        format!("{callback} ended the call"),
        "nobody knows how much of it was processed: look before you send it again",
    )
}
