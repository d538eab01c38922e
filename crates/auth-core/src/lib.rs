//! `auth-core` decides everything about authenticating a call to an accounting API, and does none of it itself.
//!
//! It is a machine without I/O: no sockets, no clock, no dice, no threads, no globals, no `unsafe`, not even `std`. Time and randomness are
//! arguments; what has to be done comes out as a [`Step`]. A shell does it and reports. So every language whose shell obeys behaves the same, to the last
//! retry, and a test can replay years in a second. Most Rust programs want the shell `auth-http` instead; this crate is for those with their own I/O.
//!
//! ```text
//!      Provider ──────► Connection ─────────► Session ◄────────── Exchange ◄──── Call
//!      a vendor's facts  where the credential  one credential      one request    method, URL,
//!      (a TOML profile)  may go (the guard)    over time           from start     may it be sent
//!                                              (tokens, keys,      to answer      again?
//!                                              pauses, budget)        │ ▲
//!                                                            Step ◄───┘ └─── what came of it
//! ```
//!
//! # The run loop
//!
//! It is the same in every language. Here it is driven by hand, with a token endpoint and an API that answer at once:
//!
//! ```
//! use auth_core::{Call, Claimed, ClientCredentials, ConnectOutcome, Connection, Credential, Exchange, Grant, Outcome, Provider, Response, Saved, Session, Step, UnixTime};
//! use std::sync::Arc;
//!
//! let provider = Provider::builtin("numeric")?;
//! let client = ClientCredentials::parse(&provider, "my-client", "my-secret")?;
//! let credential = Credential::Grant(Grant::client_credentials(client));
//! let connection = Arc::new(Connection::builder(provider).environment("production").build(&credential)?);
//! let mut session = Session::new(connection.clone(), credential, false);
//!
//! let now = UnixTime::from_secs(1_764_000_000);                  // your clock
//! let call = Call::new(&connection, "GET", "/v1/health")?;       // refused here if the credential may not go there
//! let mut exchange = Exchange::new(call, 42);                    // your dice
//! let none: &[(&str, &str)] = &[];
//! let outcome = loop {
//!     match exchange.poll(&mut session, now) {
//!         // take the store's lease and hand over its record
//!         Step::Claim(_) => exchange.handle_claimed(&mut session, now, Claimed::Granted(None)),
//!         // make this durable before anything else happens
//!         Step::Save(_) => exchange.handle_saved(&mut session, now, Saved::Durable),
//!         // give the lease back
//!         Step::Release(_) => {}
//!         // ask the credential's source again
//!         Step::Load => exchange.handle_loaded(&mut session, now, None),
//!         // ask the store for a limit that another process met, tell it of one that was met here
//!         Step::Look => exchange.handle_looked(&mut session, now, None),
//!         Step::Pause(_) => {}
//!         // open a connection that the next fetch uses, if this shell can
//!         Step::Connect(_) => exchange.handle_connected(&mut session, now, ConnectOutcome::NotSupported),
//!         // sign this, outside of every lock; send it to the token endpoint as it is, follow no redirect
//!         Step::Fetch(mut request) => {
//!             if let Err(not_sent) = request.sign() {
//!                 exchange.handle_failure(&mut session, now, not_sent);
//!                 continue;
//!             }
//!             assert_eq!((request.method, request.url.as_str()), ("POST", "https://auth.numeric.io/oauth/token"));
//!             let body = br#"{"access_token": "abc", "token_type": "Bearer", "expires_in": 3600}"#;
//!             exchange.handle_response(&mut session, now, &Response { status: 200, headers: &none, body });
//!         }
//!         // put this on your request and send it, follow no redirect
//!         Step::Send(send) => {
//!             assert_eq!(send.authorization.unwrap().value().expose(), "Bearer abc");
//!             exchange.handle_response(&mut session, now, &Response { status: 200, headers: &none, body: b"" });
//!         }
//!         // sleep until then, or be woken when the session changes
//!         Step::Wait(until) => unreachable!("nothing to wait for until {until}"),
//!         Step::Done(outcome) => break outcome,
//!     }
//! };
//! // However the loop is left: let go on whoever waits for this exchange, and release the lease if it is still held.
//! let lease = exchange.abandon(&mut session);
//! assert!(matches!(outcome, Outcome::Answered(None)) && lease.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//!
//! Each is a test by name in `tests/invariants`; `tests/interleaving.rs` tries to break them at random within one process, `tests/simulation` among many that
//! share an account.
//!
//! 1. Poll once, do exactly that, report with the one matching `handle_*`, poll again.
//! 2. The core never holds the caller's request or body; the last response reaches the caller unread and unaltered.
//! 3. At most one fetch is in flight per session; a caller whose token is still valid never waits for it.
//! 4. A rotated refresh token is durable before it is used; a failed save loses nothing; a still-valid token is never thrown away because an early renewal failed.
//! 5. A 401 for an old generation sends again with the newer token and fetches nothing; a freshly minted token that is refused stops, and says why.
//! 6. A request that may have been processed is sent again only if repeating it is harmless. A single-use refresh token whose answer was lost is sent
//!    again only where nothing can be lost by it: see [`RefreshRules::resend_in_doubt`]. A login's code is never sent again.
//! 7. A credential leaves only over https (loopback may be allowed by name), only to the hosts of its own environment; token endpoints' redirects are
//!    refused; on a cross-origin redirect everything that could carry a credential stays behind, whatever its name.
//! 8. No secret in `Debug`, `Display`, errors; memory is wiped on drop.
//! 9. The same inputs give the same steps.
//!
//! # Threads
//!
//! Everything is `Send` and `Sync`, and nothing locks. A shell that shares a [`Session`] locks it around each call of an [`Exchange`], for
//! microseconds, never across I/O; [`Session::fresh`] is what it can keep beside the lock.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod audit;
mod call;
mod connection;
mod credential;
mod date;
mod exchange;
mod explain;
mod headers;
mod oauth;
mod origin;
mod pauses;
mod polling;
mod provider;
mod redact;
mod session;
mod shown;
mod step;
mod time;
mod token;
mod verdict;

pub use audit::{AuditEvent, Audited, Severity};
pub use call::{Call, check_field, is_idempotent, of_the_frame};
pub use connection::{Connection, ConnectionBuilder};
pub use credential::{
    ApiKey, Authorization, ClientCredentials, Credential, Grant, KeyAge, KeyError, KeyFault, KeyNotes, KeyState, PlanStep, RotationPlan,
    Secret,
};
pub use exchange::{Exchange, request_id};
pub use explain::Explanation;
pub use headers::{Headers, is_of_the_frame, may_frame, unfolded};
pub use oauth::assertion::Assertion;
pub use oauth::authorization::CodeLogin;
pub use oauth::browser::StartVisit;
pub use oauth::consent::{Connected, Consent, ConsentStep, Redirected};
pub use oauth::device::Prompt;
pub use oauth::discovery::{Discovery, Metadata};
pub use oauth::signer::Signer;
pub use origin::{Origin, Url, UrlError, may_go_anywhere};
pub use polling::{Polling, Progress};
pub use provider::{Alphabet, ClientAuth, Difference, Environment, GrantKind, ProfileError, Provider, Requirement, Rotation, profile_page};
pub use redact::{MAX_LINE, RedactStream, Redactor};
pub use session::{Fresh, HandedOver, Session, SessionState};
pub use shown::{Looks, Shown};
pub use step::{Connect, ConnectOutcome, Outcome, Send, Step, Transport, Unanswered};
pub use time::UnixTime;
pub use token::answer::MAX_TOKEN_ANSWER;
pub use token::place::Place;
pub use token::record::{Claim, Claimed, Held, Lease, Record, Save, Saved, SharedPause, Spending};
pub use token::refresh::{RefreshForecast, RefreshRules};
pub use token::refused::Refusal;
pub use token::request::TokenRequest;
pub use token::stored::{MAX_RECORD, RecordError};
pub use verdict::answer::{Response, is_success};
pub use verdict::challenge::{Challenge, challenges};
pub use verdict::failure::{Failure, FailureKind};
pub use verdict::limit::{Limit, limits};
pub use verdict::processed::Processed;
pub use verdict::retry;
pub use verdict::wait::wait_until;
