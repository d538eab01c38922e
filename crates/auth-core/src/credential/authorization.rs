//! `Authorization`: what is put on a request so that the API knows who asks.

use super::secret::Secret;
use crate::time::UnixTime;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

/// Where a credential goes on each request of a connection: the header's name and the scheme word, empty for none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attach {
    pub(crate) header: String,
    pub(crate) scheme: String,
}

/// `Authorization` is one header field that carries a credential, ready to be put on any number of requests.
///
/// Immutable but for the note when it was last used; share it between threads in an `Arc`, because a clone copies the secret. `Debug` shows the header's name
/// and the generation. The default carries nothing.
#[derive(Default)]
pub struct Authorization {
    attach: Arc<Attach>,
    value: Secret,
    generation: u64,
    last_used_millis: AtomicU64,
}

impl Attach {
    /// Where in the header's value the credential begins.
    fn credential_at(&self) -> usize {
        if self.scheme.is_empty() { 0 } else { self.scheme.len() + 1 }
    }
}

impl Authorization {
    /// The header field that carries a credential.
    pub(crate) fn new(attach: &Arc<Attach>, credential: &Secret, generation: u64) -> Self {
        let mut value = String::with_capacity(attach.credential_at() + credential.expose().len());
        if !attach.scheme.is_empty() {
            value.push_str(&attach.scheme);
            value.push(' ');
        }
        value.push_str(credential.expose());
        Self { attach: Arc::clone(attach), value: Secret::new(value), generation, last_used_millis: AtomicU64::new(0) }
    }

    /// The header's name.
    pub fn header(&self) -> &str {
        &self.attach.header
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
        &self.value.expose()[self.attach.credential_at()..]
    }
}

impl Clone for Authorization {
    fn clone(&self) -> Self {
        let last_used_millis = AtomicU64::new(self.last_used_millis.load(Ordering::Relaxed));
        Self { attach: Arc::clone(&self.attach), value: self.value.clone(), generation: self.generation, last_used_millis }
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorization({}: [redacted], generation {})", self.header(), self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization(scheme: &str, credential: &str) -> Authorization {
        let attach = Arc::new(Attach { header: "Authorization".into(), scheme: scheme.into() });
        Authorization::new(&attach, &Secret::new(credential), 7)
    }

    #[test]
    fn the_credential_is_what_follows_the_scheme_word() {
        let bearer = authorization("Bearer", "made-up-token");
        assert_eq!((bearer.value().expose(), bearer.credential_text()), ("Bearer made-up-token", "made-up-token"));
        assert_eq!((bearer.credential().expose(), bearer.generation()), ("made-up-token", 7));
        let bare = authorization("", "made-up-key");
        assert_eq!((bare.value().expose(), bare.credential_text()), ("made-up-key", "made-up-key"));
        assert_eq!(alloc::format!("{bearer:?}"), "Authorization(Authorization: [redacted], generation 7)");
    }

    #[test]
    fn its_last_use_is_noted_and_goes_along_with_a_copy() {
        let authorization = authorization("Bearer", "made-up-token");
        assert_eq!(authorization.last_used(), None);
        let now = UnixTime::from_secs(1_764_000_000);
        authorization.use_now(now);
        assert_eq!((authorization.last_used(), authorization.clone().last_used()), (Some(now), Some(now)));
    }
}
