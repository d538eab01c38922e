//! `Error`: everything that can go wrong, with the advice that belongs to it.

use auth_core::{Failure, FailureKind, KeyError, ProfileError};
use std::fmt;
use std::io;
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
    /// The program gave the call up while it waited ([`crate::ClientBuilder::interrupt`]).
    Interrupted,
    /// A body that could not be read or written.
    Body(Arc<io::Error>),
    /// A body that is not the JSON it should be.
    Json(Arc<serde_json::Error>),
}

impl Error {
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
            Self::Interrupted | Self::Body(_) | Self::Json(_) => None,
        }
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
            Self::Interrupted => {
                f.write_str("the call was given up while it waited; whether a request that was under way was processed is not known")
            }
            Self::Body(error) => write!(f, "the body could not be read: {error}"),
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
            Self::Body(error) => Some(&**error),
            Self::Json(error) => Some(&**error),
            Self::Source { .. } | Self::Setting { .. } | Self::Interrupted => None,
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

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Body(Arc::new(error))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(Arc::new(error))
    }
}
