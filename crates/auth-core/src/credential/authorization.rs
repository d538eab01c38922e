//! `Authorization`: what is put on a request so that the API knows who asks.

use super::secret::Secret;
use crate::time::UnixTime;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

/// `Authorization` is one header field that carries a credential, made once and shared by every request that uses it.
///
/// Immutable but for the note when it was last used; share it between threads in an `Arc`. `Debug` shows the header's name and the generation.
pub struct Authorization {
    header: Arc<str>,
    value: Secret,
    credential_at: usize,
    generation: u64,
    last_used_millis: AtomicU64,
}

impl Authorization {
    /// A header field from its name, the scheme word (empty for none) and the credential.
    pub(crate) fn new(header: &Arc<str>, scheme: &str, credential: &Secret, generation: u64) -> Self {
        let credential_at = if scheme.is_empty() { 0 } else { scheme.len() + 1 };
        let mut value = String::with_capacity(credential_at + credential.expose().len());
        if !scheme.is_empty() {
            value.push_str(scheme);
            value.push(' ');
        }
        value.push_str(credential.expose());
        Self { header: Arc::clone(header), value: Secret::new(value), credential_at, generation, last_used_millis: AtomicU64::new(0) }
    }

    /// The header's name.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The header's whole value, scheme word included.
    pub fn value(&self) -> &Secret {
        &self.value
    }

    /// Which key or token of the session this is; it grows with each new one.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// When a request was last sent with it.
    pub fn last_used(&self) -> Option<UnixTime> {
        let millis = self.last_used_millis.load(Ordering::Relaxed);
        (millis > 0).then_some(UnixTime::from_millis(millis))
    }

    /// Notes that a request is sent with it now.
    pub(crate) fn use_now(&self, now: UnixTime) {
        self.last_used_millis.store(now.as_millis(), Ordering::Relaxed);
    }

    /// The credential without the scheme word.
    pub(crate) fn credential(&self) -> Secret {
        Secret::new(self.credential_text())
    }

    /// The credential without the scheme word, as text.
    pub(crate) fn credential_text(&self) -> &str {
        &self.value.expose()[self.credential_at..]
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorization({}: [redacted], generation {})", self.header, self.generation)
    }
}
