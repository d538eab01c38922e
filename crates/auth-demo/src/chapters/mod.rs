//! The chapters of the close, in the order in which they are played.

mod adaas;
mod advice;
mod cut;
mod finora;
mod guard;
mod numeric;
mod numora;
mod rotation;

use crate::log::Log;
use crate::proof::Proof;
use crate::stage::Stage;
use auth_http::Error;

/// `Chapter` is one part of the close: what is done, and what must be in the sandbox's log afterwards.
pub(crate) struct Chapter {
    pub(crate) title: &'static str,
    /// What is going to happen, in a sentence or two.
    pub(crate) plot: &'static str,
    /// Does it. What only the caller can know is noted here as an expectation.
    pub(crate) play: fn(&Stage, &mut Proof) -> Result<(), Error>,
    /// Reads in the log what was done; it is given the entries of its own chapter, and nothing else.
    pub(crate) prove: fn(&Log, &mut Proof),
}

/// All of them. A new one is a file beside these and a line here.
pub(crate) const ALL: [Chapter; 8] = [
    numeric::CHAPTER,
    adaas::CHAPTER,
    finora::CHAPTER,
    numora::CHAPTER,
    cut::CHAPTER,
    guard::CHAPTER,
    advice::CHAPTER,
    // Last, because it moves the server's clock by three months.
    rotation::CHAPTER,
];
