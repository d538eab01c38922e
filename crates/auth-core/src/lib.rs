//! Under construction.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod call;
mod connection;
mod credential;
mod exchange;
mod headers;
mod origin;
mod polling;
mod provider;
mod session;
mod step;
mod time;
mod token;
mod verdict;

pub use call::Call;
pub use connection::{Connection, ConnectionBuilder};
pub use credential::{ApiKey, Authorization, ClientCredentials, Credential, Grant, KeyError, KeyFault, Secret};
pub use exchange::Exchange;
pub use headers::Headers;
pub use origin::{Origin, Url, UrlError, may_go_anywhere};
pub use polling::{Polling, Progress};
pub use provider::{Alphabet, ClientAuth, Difference, Environment, GrantKind, ProfileError, Provider};
pub use session::{Fresh, Session, SessionState};
pub use step::{Outcome, Send, Step, Transport};
pub use time::UnixTime;
pub use token::answer::MAX_TOKEN_ANSWER;
pub use token::record::{Claim, Claimed, Lease, Record, Save, Saved, Spending};
pub use token::request::TokenRequest;
pub use verdict::answer::Response;
pub use verdict::failure::{Failure, FailureKind};
pub use verdict::retry;
