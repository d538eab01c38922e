//! `Poll`: asking until a document is ready.

use crate::client::Client;
use crate::error::Error;
use crate::response::{Fields, Response};
use auth_core::{Polling, Progress};
use std::time::Duration;

/// The first pause: a second, because few documents are done sooner.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The usual deadline: five minutes, because reading a long invoice takes minutes and not hours.
const DEADLINE: Duration = Duration::from_mins(5);

/// `Poll` asks for a document until it is ready, as the provider's profile says what "not ready" looks like.
#[must_use]
pub struct Poll<'c> {
    client: &'c Client,
    path: String,
    deadline: Duration,
    pause: Duration,
}

impl<'c> Poll<'c> {
    pub(crate) fn new(client: &'c Client, path: &str) -> Self {
        Self { client, path: path.into(), deadline: DEADLINE, pause: FIRST_PAUSE }
    }

    /// How long to go on asking; five minutes if not said.
    pub fn deadline(mut self, span: Duration) -> Self {
        self.deadline = span;
        self
    }

    /// The first pause between two questions; one second if not said. Pauses grow by half each time, to a quarter of a minute.
    pub fn first_pause(mut self, span: Duration) -> Self {
        self.pause = span;
        self
    }

    /// Asks until the document is ready, and gives the answer that says so.
    ///
    /// # Errors
    /// [`Error::Failure`]: of kind `DeadlineExceeded` if it is still not ready, or whatever a call failed with.
    pub fn wait(self) -> Result<Response, Error> {
        let shared = &self.client.shared;
        let deadline = shared.now().after(self.deadline);
        let mut polling = Polling::new(&self.path, self.pause, deadline, shared.seed());
        loop {
            let left = deadline.since(shared.now());
            let response = self.client.get(&self.path).deadline(left).send()?.error_for_status()?;
            let (response, body) = response.buffered()?;
            let now = shared.now();
            let seen = auth_core::Response { status: response.status(), headers: &Fields(response.headers()), body: &body };
            match polling.handle_response(shared.connection.provider(), now, &seen) {
                Progress::Ready => return Ok(response),
                Progress::AskAgain(at) => shared.sleep_until(at)?,
                Progress::TooLate(failure) => return Err(failure.into()),
            }
        }
    }
}
