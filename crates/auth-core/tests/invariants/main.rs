//! The invariants that the crate's documentation counts, each by its number; the eighth is `leak.rs`.

#[path = "../support/mod.rs"]
mod support;

mod guarded;
mod journal;
mod one_fetch;
mod refused;
mod repeated;
mod saved;
mod steps;
mod time;
