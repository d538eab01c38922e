//! `auth-http` makes authenticated calls to accounting APIs: blocking I/O around the machine of [`auth_core`].
//!
//! ```no_run
//! use auth_http::{Client, Credential, Provider};
//!
//! let client = Client::builder(Provider::builtin("finora")?)
//!     .credential(Credential::from_env("FINORA_API_KEY")?)
//!     .build()?;
//! let invoices: serde_json::Value = client.get("/v1/invoices").send()?.json()?;
//! # Ok::<(), auth_http::Error>(())
//! ```
//!
//! Nothing is decided here: what to send, when to wait and what an answer means are the machine's; this crate sends, waits and stores. One [`Client`] is
//! one account at one provider. Any number of threads may share it; its token is fetched once for all of them, by a thread of its own, so that no call's
//! deadline, panic or cancellation can interrupt it.
//!
//! | what | where |
//! |---|---|
//! | the provider's facts | [`Provider`] |
//! | where a credential comes from | [`Credential`]: a value, a variable, a file, a callback |
//! | everything that can be said of a client | [`ClientBuilder`] |
//! | one call | [`Request`], [`Response`], [`Error`] |
//! | is the credential good? | [`Client::check`] |
//! | wait until a document is ready | [`Client::poll`] |
//! | the header alone, for another HTTP library | [`Client::authorize`], which gives an [`Authorized`] |
//! | another HTTP library, clock or event loop below the client | [`Transport`], [`Clock`], [`Drive`] |
//! | the whole conversation, with an HTTP library of one's own, or on an event loop | [`Client::deliver`], [`Delivery::step_async`] |
//! | a person logs in, once | [`Client::login`], [`Client::login_on_device`], [`Client::revoke`] |
//! | where tokens are kept | [`TokenStore`]: [`MemoryStore`], [`FileStore`], `RedisStore` (feature `redis`), your own |
//!
//! `Err` from [`Request::send`] means that there is no answer to the call. An answer that is not a success is a [`Response`] whose
//! [`Response::failure`] says what is wrong and what to do; [`Response::json`] and [`Response::text`] give that as an error.

mod ahead;
mod audit;
mod audit_queue;
mod authorized;
mod beside;
mod builder;
mod check;
mod client;
mod clock;
mod credential;
mod delivery;
mod discover;
mod drive;
mod error;
mod event_loop;
mod exact;
mod fetch;
mod fork;
mod interrupt;
#[cfg(feature = "ureq")]
mod language;
mod lock;
mod login;
mod mark;
mod poll;
#[cfg(feature = "sign")]
mod private_key;
mod quoted;
mod received;
mod records;
mod redirect;
mod renewal;
mod request;
mod response;
mod run;
mod shared;
pub mod store;
mod transport;
mod wakers;

pub use ahead::Ahead;
pub use audit::Heard;
pub use audit_queue::drain_audit;
/// The machine itself, for those who drive it with their own I/O.
pub use auth_core as core;
pub use auth_core::{
    ApiKey, Assertion, AuditEvent, Audited, Authorization, ClientAuth, Connected, Connection, Explanation, Failure, FailureKind, KeyAge,
    KeyError, KeyNotes, KeyState, Looks, Processed, ProfileError, Prompt, Provider, Redactor, RefreshForecast, RotationPlan, Secret,
    SessionState, Shown, Signer, UnixTime, retry::Policy,
};
pub use authorized::Authorized;
pub use builder::ClientBuilder;
pub use check::Check;
pub use client::Client;
pub use clock::{Clock, SystemClock};
pub use credential::{Credential, Key};
pub use delivery::{Delivery, Next};
pub use drive::{Drive, Driving};
pub use error::Error;
pub use fork::after_fork;
pub use http;
#[cfg(feature = "ureq")]
pub use language::Language;
pub use login::Login;
pub use poll::Poll;
#[cfg(feature = "sign")]
pub use private_key::{PrivateKey, SigningAlgorithm};
pub use received::Received;
pub use redirect::Redirect;
pub use request::Request;
pub use response::{Fields, Response};
pub use store::{FileStore, MemoryStore, SealKey, TokenStore};
#[cfg(feature = "redis")]
pub use store::{RedisSettings, RedisStore};
pub use transport::{Body, OpenConnection, Payload, Times, Transport};
