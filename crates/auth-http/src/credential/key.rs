//! `Key`: a static key with what its owner knows about it.

use auth_core::{KeyNotes, Secret, UnixTime};
use std::fmt;
use std::time::SystemTime;

/// `Key` is a static key with what its owner knows about it: name, creation date, integration.
///
/// Text converts into a key without notes. `Debug` shows the notes and not the key.
#[derive(Clone)]
pub struct Key {
    pub(super) secret: Secret,
    pub(super) notes: KeyNotes,
    pub(super) relaxed: bool,
}

impl Key {
    /// A key without notes.
    pub fn new(key: impl Into<Secret>) -> Self {
        Self { secret: key.into(), notes: KeyNotes::default(), relaxed: false }
    }

    /// The name it was given in the vendor's dashboard.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.notes.name = Some(name.into());
        self
    }

    /// When it was created: what its age is counted from.
    #[must_use]
    pub fn created(mut self, at: SystemTime) -> Self {
        self.notes.created = Some(UnixTime::default().after(at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()));
        self
    }

    /// What it may do, in the vendor's words: calls that the profile says need more are refused before they are sent.
    #[must_use]
    pub fn permissions<S: Into<String>>(mut self, permissions: impl IntoIterator<Item = S>) -> Self {
        self.notes.permissions = permissions.into_iter().map(Into::into).collect();
        self
    }

    /// The integration that it belongs to.
    #[must_use]
    pub fn integration(mut self, name: impl Into<String>) -> Self {
        self.notes.integration = Some(name.into());
        self
    }

    /// Accepts a prefix, length or alphabet that the profile does not know: for when a vendor has extended its formats.
    #[must_use]
    pub fn relaxed(mut self) -> Self {
        self.relaxed = true;
        self
    }

    /// All that is known about it.
    #[must_use]
    pub fn notes(mut self, notes: KeyNotes) -> Self {
        self.notes = notes;
        self
    }
}

impl<T: Into<Secret>> From<T> for Key {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key([redacted], {:?})", self.notes)
    }
}
