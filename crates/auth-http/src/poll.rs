//! `Poll`: asking until a document is ready.

use crate::client::Client;
use crate::error::Error;
use crate::response::Response;
use auth_core::{Failure, FailureKind};
use std::time::Duration;

/// The first pause: a second, because few documents are done sooner.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: a quarter of a minute, because a person may be waiting.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// The usual deadline: five minutes, because reading a long invoice takes minutes and not hours.
const DEADLINE: Duration = Duration::from_secs(300);

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
    pub fn wait(mut self) -> Result<Response, Error> {
        let clock = self.client.shared.clock;
        let until = clock.now().after(self.deadline);
        loop {
            let left = until.since(clock.now());
            let response = self.client.get(&self.path).deadline(left).send()?.error_for_status()?;
            let (response, body) = response.buffered()?;
            if !self.client.connection().provider().says_not_ready(response.status(), &body) {
                return Ok(response);
            }
            // Between three quarters of the pause and all of it, so that those who began together do not stay together.
            let asked_for = response.header("retry-after").and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
            let pause = asked_for.unwrap_or_else(|| self.pause.mul_f64(0.75 + fastrand::f64() / 4.0));
            if clock.now().after(pause) >= until {
                let what = format!("{} is not ready after {} seconds", self.path.split('?').next().unwrap_or_default(), self.deadline.as_secs());
                return Err(Failure::new(FailureKind::DeadlineExceeded, what, "nothing is lost: poll the same path again later").into());
            }
            std::thread::sleep(pause);
            self.pause = self.pause.mul_f64(1.5).min(LONGEST_PAUSE);
        }
    }
}
