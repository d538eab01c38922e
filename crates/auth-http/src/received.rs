//! `Received`: what stays known of a response when its body is read elsewhere.

use crate::error::Error;
use auth_core::{Failure, FailureKind, Processed};
use std::io;

/// `Received` is what stays known of a response whose body is read elsewhere: what makes a cut body
/// an error that says which call it was, and what became of that.
#[derive(Clone, Debug)]
pub struct Received {
    pub(crate) status: u16,
    pub(crate) request_id: String,
    pub(crate) server_request_id: Option<String>,
    pub(crate) processed: Processed,
    pub(crate) repeatable: bool,
}

impl Received {
    /// The error of a body that broke off.
    pub fn broken_off(&self, error: &io::Error) -> Error {
        let advice = match self.processed {
            _ if self.repeatable => "nothing is lost: send the call again",
            Processed::Yes => "the server has acted on the call: look for what it did, by its request id, and do not send it again",
            Processed::Unknown => "nobody knows whether the call was processed: look before you send it again",
            Processed::No => "the call was refused: its status says why",
        };
        self.failure(FailureKind::Body, format!("the body could not be read: {error}"), advice).into()
    }

    /// What is wrong with this answer otherwise: its body is not what was asked for, or is not there any more.
    pub fn failure(&self, kind: FailureKind, what: impl Into<String>, advice: &'static str) -> Failure {
        Failure::new(kind, what.into(), advice)
            .with_status(self.status)
            .with_server_request_id(self.server_request_id.clone())
            .with_request_id(&self.request_id)
            .with_processed(self.processed)
            .repeatable(self.repeatable)
    }
}
