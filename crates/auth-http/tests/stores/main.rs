//! Every store keeps the same contract: between threads, between processes, through kills, damage and downtime.

mod contract;
mod down;
#[cfg(unix)]
mod files;
mod places;
mod processes;
#[cfg(feature = "redis")]
mod redis_server;
#[cfg(feature = "redis")]
mod redis_store;
#[cfg(unix)]
mod seals;
#[path = "../support/mod.rs"]
mod support;

use places::{Files, Memory};

#[test]
fn memory() {
    contract::all(&Memory::default());
}

#[cfg(unix)]
#[test]
fn files() {
    let place = Files::plain();
    contract::all(&place);
    processes::all(&place);
}

#[cfg(unix)]
#[test]
fn sealed_files() {
    let place = Files::sealed();
    contract::all(&place);
    processes::all(&place);
}

#[cfg(not(feature = "redis"))]
#[test]
fn redis() {
    support::server::skipped("features", "RedisStore was not tested: this was built without the feature redis");
}
