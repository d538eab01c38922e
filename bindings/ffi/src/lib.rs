//! ledgerauth: authentication to accounting and finance APIs, for C and C++
//!
//! A program that talks to an accounting API needs a key or a token on each request, another one
//! when that ends, a wait when the API says so, and a word for a person when nothing helps. This
//! library does that, and nothing else. A token is fetched once, however many threads ask for it,
//! and renewed without anybody waiting. A key that is refused is replaced by the next one. A live
//! key does not reach a test host. A 429 is obeyed. A POST that may have been booked is not sent
//! twice. A 403 says what to do.
//!
//! There are three ways to use it. They decide alike, to the last retry.
//!
//! 1. The simple client. The library sends: ledgerauth_client_new(), _get(), _post(), _send(),
//!    _check(), _free(). See examples/simple.c.
//! 2. Your own HTTP. The same client on top of a table of your functions (send, now, sleep,
//!    random). See examples/own_http.c, with libcurl.
//! 3. Your own event loop. An exchange says what to do next and is told what came of it; it never
//!    waits. See examples/event_loop.c, with curl_multi.
//!
//! All three run this loop, in the library or in your program:
//!
//!     step = what is next?
//!     FETCH     send it to the token endpoint, report the answer
//!     SEND      put the header fields on the request, send it, report the answer
//!     WAIT      poll again later
//!     DONE      the last answer is the caller's, or the error says why there is none
//!
//! Conventions. A function is ledgerauth_<noun>_<verb>() and takes its object first. One that can
//! fail returns a status, LEDGERAUTH_OK (0) or a number, and takes last where to put an error
//! object, or NULL. Outputs stand at the end, are named *_out, and are written only on success.
//! _free(NULL) is fine; nothing else may be freed twice or used after it was freed. Structs that a
//! program fills begin with their size; zero the rest. Times are milliseconds, moments are
//! milliseconds since 1970-01-01 UTC. A callback gets its userdata first.
//!
//! Threads. A client, a redactor, a provider, an error, a response and every list may be used by
//! any number of threads at once. An exchange, an answer and a redaction stream are for one thread
//! at a time; a second one gets LEDGERAUTH_BUSY. Freeing is for when no other thread uses the
//! object.
//!
//! Nothing that the library prints, logs or puts into an error is secret, and memory that held a
//! secret is wiped.

// Names are what C programs see, and what a caller has to promise stands in the header's own words.
#![allow(non_camel_case_types, clippy::missing_safety_doc, clippy::missing_errors_doc)]

mod answer;
mod assertion;
mod audit;
mod client;
mod credential;
mod error;
mod exchange;
mod gate;
mod given;
mod guard;
mod input;
mod kept;
mod key;
mod login;
mod options;
mod provider;
mod redact;
mod request;
mod response;
mod ring;
mod status;
mod step;
mod store;
mod text;
mod transport;
mod version;

pub use answer::*;
pub use assertion::*;
pub use audit::*;
pub use client::*;
pub use credential::*;
pub use error::*;
pub use exchange::*;
pub use key::*;
pub use login::*;
pub use options::*;
pub use provider::*;
pub use redact::*;
pub use request::*;
pub use response::*;
pub use ring::*;
pub use status::*;
pub use step::*;
pub use store::*;
pub use text::*;
pub use transport::*;
pub use version::*;
