//! `Redirect`: one redirect that was followed on the way to an answer.

use auth_core::Url;
use std::fmt;

/// `Redirect` is one redirect that was followed: where it was met, and with which status.
///
/// `Debug` leaves the query of the URL out.
#[derive(Clone, PartialEq, Eq)]
pub struct Redirect {
    pub(crate) status: u16,
    pub(crate) url: Url,
}

impl Redirect {
    /// The status code (RFC 9110 section 15.4).
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The URL that answered so, with its query.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.url)
    }
}
