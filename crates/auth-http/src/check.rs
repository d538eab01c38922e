//! `Check`: is the credential good, and if not, what to do?

use crate::client::Client;
use crate::error::Error;
use auth_core::Requirement;
use std::fmt;

/// `Check` is what came of a credential's test call.
///
/// `Display` is one line for a person.
#[derive(Clone, Debug)]
pub struct Check {
    provider: String,
    environment: String,
    tried: String,
    status: Option<u16>,
    error: Option<Error>,
    closed: Vec<Requirement>,
}

impl Check {
    pub(crate) fn run(client: &Client) -> Self {
        let connection = client.connection();
        let (tried, result) = match connection.provider().check_path() {
            Some(path) => {
                let result = client.get(path).send().and_then(|response| {
                    let status = response.status();
                    response.error_for_status().map(|_| Some(status))
                });
                (format!("GET {path}"), result)
            }
            // Where no harmless call is documented, a token proves as much as the token endpoint knows.
            None => ("the token call (no test call is documented)".to_owned(), client.authorize("/").map(|_| None)),
        };
        let failed_with = result.as_ref().err().and_then(|error| error.failure()?.status());
        let status = result.as_ref().map_or(failed_with, |status| *status);
        Self {
            provider: connection.provider().title().into(),
            environment: connection.environment().into(),
            tried,
            status,
            error: result.err(),
            closed: connection.unmet_requirements().cloned().collect(),
        }
    }

    /// Whether the credential was accepted.
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }

    /// What is wrong, if it was not.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// What to do about it, in words for a person; `None` if all is well.
    pub fn advice(&self) -> Option<String> {
        self.error.as_ref()?.advice()
    }

    /// What calls of other paths would need and the credential, as its owner declared it, does not have: they are refused before they are sent. Empty where
    /// nothing was declared.
    pub fn closed(&self) -> &[Requirement] {
        &self.closed
    }

    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}), {}: ", self.provider, self.environment, self.tried)?;
        match &self.error {
            None => f.write_str("accepted")?,
            Some(error) => write!(f, "{error}")?,
        }
        for requirement in &self.closed {
            let (paths, needed) = (requirement.paths.join(", "), requirement.needs_one_of.join(" or "));
            write!(f, "; calls of {paths} cannot succeed with it, they need the permission {needed}")?;
        }
        Ok(())
    }
}
