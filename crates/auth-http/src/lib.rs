//! Under construction.

mod builder;
mod check;
mod client;
mod clock;
mod credential;
mod error;
mod poll;
mod renewal;
mod request;
mod response;
mod run;
mod shared;
mod store;
mod transport;

pub use auth_core::{
    self as core, ApiKey, Authorization, ClientAuth, Connection, Failure, FailureKind, KeyError, ProfileError, Provider, Secret, SessionState, UnixTime,
    retry::Policy,
};
pub use builder::ClientBuilder;
pub use check::Check;
pub use client::Client;
pub use credential::Credential;
pub use error::Error;
pub use poll::Poll;
pub use request::Request;
pub use response::Response;
pub use store::{MemoryStore, TokenStore};
pub use ureq::http;
