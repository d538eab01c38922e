//! How far a request gets: connections that cannot be made cost nothing, answers that come late are
//! heard, and kept connections that died are replaced.
#![cfg(all(target_os = "linux", feature = "ureq"))]

#[path = "../stores/places.rs"]
#[allow(dead_code, reason = "the tests of stores use more of it")]
mod places;
#[path = "../support/mod.rs"]
mod support;

mod child;
mod endpoint;
mod handshake;
mod kept;
mod nowhere;
mod proxy;
mod stopped;
mod threads;
mod wire;
