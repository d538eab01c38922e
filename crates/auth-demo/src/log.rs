//! The sandbox's request log, as the expectations read it.

use auth_sandbox::{Entry, Kind, Service};
use std::collections::HashSet;
use std::time::Duration;

/// `Log` is a part of the sandbox's request log, oldest entry first.
pub(crate) struct Log(Vec<Entry>);

impl Log {
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        Self(entries)
    }

    /// The part that fits.
    pub(crate) fn only(&self, mut fits: impl FnMut(&Entry) -> bool) -> Self {
        Self(self.0.iter().filter(|entry| fits(entry)).cloned().collect())
    }

    /// The requests to token endpoints.
    pub(crate) fn tokens(&self) -> Self {
        self.only(|entry| entry.kind == Kind::Token)
    }

    /// The requests to one API.
    pub(crate) fn api(&self, service: Service) -> Self {
        self.only(|entry| entry.kind == Kind::Api && entry.service == service)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many were answered with this status.
    pub(crate) fn answered(&self, status: u16) -> usize {
        self.0.iter().filter(|entry| entry.status == Some(status)).count()
    }

    /// How many made the server do something: mint a token, book an invoice.
    pub(crate) fn acted(&self) -> usize {
        self.0.iter().filter(|entry| entry.acted).count()
    }

    /// How many different values a header had.
    pub(crate) fn different(&self, header: &str) -> usize {
        self.0.iter().filter_map(|entry| entry.header(header)).collect::<HashSet<_>>().len()
    }

    /// The longest time without a request between two requests.
    pub(crate) fn longest_gap(&self) -> Duration {
        self.0.windows(2).map(|pair| between(&pair[0], &pair[1])).max().unwrap_or_default()
    }
}

/// The time from one entry to another.
pub(crate) fn between(earlier: &Entry, later: &Entry) -> Duration {
    Duration::from_millis(later.at_millis.saturating_sub(earlier.at_millis))
}
