//! `Authorized`: the header that authenticates a request, borrowed from the client.

use arc_swap::Guard;
use auth_core::{Authorization, Fresh, UnixTime};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// `Authorized` is the [`Authorization`] to put on one request: what [`Client::authorize`](crate::Client::authorize) gives.
///
/// It touches nothing that another thread touches. Drop it when the request is sent, and ask again for the next one: after a renewal it is the old token's.
/// Whoever has to keep it for longer takes [`Authorized::into_shared`]. It may be sent to another thread. `Debug` shows the header's name and the generation.
pub struct Authorized(Guard<Arc<Fresh>>);

impl Authorized {
    pub(crate) fn of(fresh: Guard<Arc<Fresh>>) -> Self {
        Self(fresh)
    }

    /// Of what an exchange was given for this one request.
    pub(crate) fn once(authorization: Arc<Authorization>) -> Self {
        Self(Guard::from_inner(Arc::new(Fresh { authorization, until: UnixTime::default() })))
    }

    /// The same, to be kept as long as needed and shared between threads.
    pub fn into_shared(self) -> Arc<Authorization> {
        Arc::clone(&self.0.authorization)
    }
}

impl Deref for Authorized {
    type Target = Authorization;

    fn deref(&self) -> &Authorization {
        &self.0.authorization
    }
}

impl fmt::Debug for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.authorization.fmt(f)
    }
}
