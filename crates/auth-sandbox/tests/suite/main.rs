//! The documented behaviour of each system, sentence by sentence, over real sockets.

mod adaas;
mod client;
mod clock;
mod control;
mod faults;
mod finora;
mod log;
mod numeric;
mod numora;
mod program;
mod proxy;
mod server;
mod token_faults;
mod wire;
