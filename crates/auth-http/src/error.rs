//! `Error`: everything that can go wrong, with the advice that belongs to it.

use auth_core::{Failure, FailureKind, KeyError, Processed, ProfileError};
use std::fmt;
use std::sync::Arc;

/// `Error` is why there is no answer to a call, or why an answer is not a success.
///
/// No part of it holds a secret. It can be cloned and sent between threads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The machine's verdict: what happened, whose fault it is, what to do.
    Failure(Failure),
    /// A key or secret that cannot be right.
    Key(KeyError),
    /// A profile that cannot be right.
    Profile(ProfileError),
    /// A credential whose source gave nothing.
    Source {
        /// Which source: the variable's or file's name.
        source: String,
        /// What is wrong with it, and how to mend it.
        reason: String,
    },
    /// A setting of the client that cannot be used: certificate, proxy.
    Setting {
        /// Which one.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The program gave the call up while it waited ([`crate::ClientBuilder::interrupt`]); with it, what became of the request so
    /// far: [`Processed::No`] if nothing of it had been sent.
    Interrupted(Processed),
    /// A body that is not the JSON it should be.
    Json(Arc<serde_json::Error>),
}

impl Error {
    /// The same, of a call of whose request this became.
    pub(crate) fn of_call(self, processed: Processed) -> Self {
        if matches!(self, Self::Interrupted(_)) { Self::Interrupted(processed) } else { self }
    }

    /// The machine's verdict, if that is what it is.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failure(failure) => Some(failure),
            _ => None,
        }
    }

    /// What to do about it, in words for a person; `None` if that is in the caller's own hands.
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Failure(failure) => Some(failure.advice().to_owned()),
            Self::Key(error) => Some(error.advice()),
            Self::Source { reason, .. } | Self::Setting { reason, .. } => Some(reason.clone()),
            Self::Profile(error) => Some(error.reason().to_owned()),
            Self::Interrupted(_) | Self::Json(_) => None,
        }
    }

    /// Whether the server may have acted on the call.
    pub fn processed(&self) -> Processed {
        match self {
            Self::Failure(failure) => failure.processed(),
            Self::Interrupted(processed) => *processed,
            // Only a success is read as JSON.
            Self::Json(_) => Processed::Yes,
            Self::Key(_) | Self::Profile(_) | Self::Source { .. } | Self::Setting { .. } => Processed::No,
        }
    }

    /// Whether the same call may be sent again later without anybody changing anything, and without a chance that it books twice.
    pub fn is_retryable(&self) -> bool {
        self.failure().is_some_and(Failure::is_retryable)
    }

    /// The class of the machine's verdict, if that is what it is.
    pub fn kind(&self) -> Option<FailureKind> {
        self.failure().map(Failure::kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure(failure) => failure.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Profile(error) => error.fmt(f),
            Self::Source { source, reason } => write!(f, "no credential from {source}: {reason}"),
            Self::Setting { name, reason } => write!(f, "{name} cannot be used: {reason}"),
            Self::Interrupted(processed) => f.write_str(match processed {
                Processed::No => "the call was given up while it waited; nothing of it was processed",
                Processed::Yes => "the call was given up while it waited; its request was processed",
                Processed::Unknown => "the call was given up while it waited; whether its request was processed is not known",
            }),
            // serde's own message can quote what stands in the body.
            Self::Json(error) => write!(
                f,
                "the body is not the JSON that was expected ({:?} error at line {}, column {})",
                error.classify(),
                error.line(),
                error.column()
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failure(failure) => Some(failure),
            Self::Key(error) => Some(error),
            Self::Profile(error) => Some(error),
            Self::Json(error) => Some(&**error),
            Self::Source { .. } | Self::Setting { .. } | Self::Interrupted(_) => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<ProfileError> for Error {
    fn from(error: ProfileError) -> Self {
        Self::Profile(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(Arc::new(error))
    }
}
