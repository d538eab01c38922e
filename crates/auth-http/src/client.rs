//! `Client`: authenticated calls to one account at one provider.

use crate::authorized::Authorized;
use crate::builder::ClientBuilder;
use crate::check::Check;
use crate::credential::Credential;
use crate::drive::{Drive, Driving};
use crate::error::Error;
use crate::poll::Poll;
use crate::request::Request;
use crate::run::{Deliver, Ended, run};
use crate::shared::Shared;
use auth_core::{
    Call, Connection, Exchange, Explanation, Failure, FailureKind, HandedOver, KeyState, Provider, RefreshForecast, RotationPlan,
    SessionState, UnixTime,
};
use std::fmt;
use std::sync::Arc;

/// `Client` makes authenticated calls to one account at one provider.
///
/// Cloning is cheap, and clones share everything: any number of threads may use one client, and its token is fetched once for all of them.
/// Connections are kept open and reused. Dropping a client, or a panic in a thread that uses it, strands nobody.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

impl Client {
    /// Starts a client for a provider.
    pub fn builder(provider: Provider) -> ClientBuilder {
        ClientBuilder::new(provider)
    }

    /// A GET of a path such as `/v1/invoices`, or of an absolute URL of the same host.
    pub fn get(&self, path: &str) -> Request<'_> {
        Request::new(self, "GET", path)
    }

    /// A HEAD.
    pub fn head(&self, path: &str) -> Request<'_> {
        Request::new(self, "HEAD", path)
    }

    /// A POST. It is repeated only where that cannot book anything twice.
    pub fn post(&self, path: &str) -> Request<'_> {
        Request::new(self, "POST", path)
    }

    /// A PUT.
    pub fn put(&self, path: &str) -> Request<'_> {
        Request::new(self, "PUT", path)
    }

    /// A PATCH. It is repeated only where that cannot book anything twice.
    pub fn patch(&self, path: &str) -> Request<'_> {
        Request::new(self, "PATCH", path)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Request<'_> {
        Request::new(self, "DELETE", path)
    }

    /// Proves the credential with the provider's harmless test call, and says what came of it and what to do.
    pub fn check(&self) -> Check {
        Check::run(self)
    }

    /// Asks for a document until it is ready.
    pub fn poll(&self, path: &str) -> Poll<'_> {
        Poll::new(self, path)
    }

    /// The header that authenticates a request to `path` (or to an absolute URL of the same host): for those who send by themselves.
    ///
    /// Blocks while a token has to be fetched: on an event loop, see [`Delivery::step_async`](crate::Delivery::step_async).
    ///
    /// While the token is fresh this takes no lock, makes no copy and touches no count, so that any number of threads can do it side by side.
    ///
    /// # Errors
    /// [`Error::Failure`] if the credential may not go there, or no token can be had.
    pub fn authorize(&self, path: &str) -> Result<Authorized, Error> {
        let shared = &self.shared;
        shared.audit.admit()?;
        let is_path = matches!(path.as_bytes(), [b'/', rest @ ..] if rest.first() != Some(&b'/'));
        if !is_path || !shared.connection.permissions().is_empty() {
            // Refused here, or not at all: with nothing declared, every path of the own host is fine.
            let _admitted = Call::new(&shared.connection, "GET", path)?;
        }
        let fresh = shared.fresh();
        if shared.now() < fresh.until {
            return Ok(Authorized::of(fresh));
        }
        let exchange = Exchange::new(Call::new(&shared.connection, "GET", path)?, shared.seed());
        match run(shared, exchange, Deliver::Nothing)? {
            Ended::Authorized(authorization) => Ok(Authorized::once(authorization)),
            Ended::Answered(..) | Ended::Renewed => {
                Err(Failure::new(FailureKind::Misuse, "the exchange ended without an authorization", "report this as a bug of ledgerauth")
                    .into())
            }
        }
    }

    /// The generation of what requests to the client's own host carry at the moment, if that needs neither a wait nor a look at the path: for bindings that keep
    /// the header in a form of their own. With permissions declared there is none, because then each path is looked at.
    pub fn fresh_generation(&self) -> Option<u64> {
        let shared = &self.shared;
        shared.mark.read(shared.now()).filter(|_| shared.connection.permissions().is_empty())
    }

    /// One exchange to be driven by the caller: for those with an event loop, or any other I/O of their own.
    ///
    /// # Errors
    /// [`Error::Failure`] if the credential may not go there.
    pub fn drive(&self, method: &str, path: &str) -> Result<Driving, Error> {
        Ok(Driving::new(&self.shared, self.shared.call(method, path)?))
    }

    /// The exchange that gets the next token, if one is wanted and nobody is at it: to be driven beside the others, so that none of them waits for it.
    pub fn drive_renewal(&self) -> Option<Drive> {
        Drive::renewal(&self.shared)
    }

    /// A number that moves whenever an exchange that waits should be polled again.
    pub fn changes(&self) -> u64 {
        self.shared.with(|session, _| session.changes()).0
    }

    /// The time by the client's clock.
    pub fn now(&self) -> UnixTime {
        self.shared.now()
    }

    /// Ends the client, for programs whose store or transport ends after it: waits are given up ([`Error::Interrupted`]), and a token that is being
    /// fetched by a thread of the client's is waited for and stored, because a single-use refresh token was spent on it. Merely dropping a client leaves
    /// such a thread to itself. The clones end with it.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Where the client may send its credential.
    pub fn connection(&self) -> &Connection {
        &self.shared.connection
    }

    /// What the session is doing right now.
    pub fn state(&self) -> SessionState {
        self.shared.with(|session, now| session.state(now)).0
    }

    /// How the credential stands, in one value that can be pasted into a ticket: state, generation, who renews it, what ends when, what went wrong last, what to
    /// do. Reads the store, for no longer than a call may take, and sends nothing.
    pub fn explain(&self) -> Explanation {
        let shared = &self.shared;
        let late = || (Err("it did not answer before the call's deadline".to_owned()), None);
        let (stored, lease) = crate::beside::value(shared, Shared::stored).unwrap_or_else(late);
        let stored = stored.as_ref().map(Option::as_ref).map_err(String::as_str);
        shared.with(|session, now| session.explain(now, stored, lease)).0
    }

    /// Until when the connection can go on without a person, as far as the vendor or the server says; `None` without a refresh token, or if nobody says.
    pub fn refresh_forecast(&self) -> Option<RefreshForecast> {
        self.shared.with(|session, now| session.refresh_forecast(now)).0
    }

    /// Takes over another credential of the same kind and account, from the next call on: keys for keys, a client's id and secret for another. So a rotation
    /// needs neither a restart nor a single 401: hand the new one over, then end the old one at the provider.
    ///
    /// A token that the old id and secret bought is used no more. What the credential may do stays as it was declared when the client was made. Waits while a
    /// token is being fetched with the old one. Any thread may call this; calls that were begun before end with what they have.
    ///
    /// ```
    /// # use auth_http::{Client, Credential, Provider};
    /// # let (spring, summer) = (format!("test_sk_{}", "0a".repeat(24)), format!("test_sk_{}", "1b".repeat(24)));
    /// let client = Client::builder(Provider::builtin("finora")?).credential(Credential::key(spring)).build()?;
    /// client.replace_credential(Credential::key(summer))?;
    /// # Ok::<(), auth_http::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Key`] if it is malformed, [`Error::Failure`] if it is of another kind or environment, or a refresh token, which a login replaces. The client then
    /// goes on with what it has.
    #[expect(clippy::needless_pass_by_value, reason = "as the builder takes it: the caller keeps no secret")]
    pub fn replace_credential(&self, credential: Credential) -> Result<(), Error> {
        let shared = &self.shared;
        let parsed = credential.parse(shared.connection.provider())?;
        loop {
            let (handed_over, seen) = shared.with(|session, now| {
                let handed_over = session.hand_over(&parsed, credential.is_reloadable(), now)?;
                if handed_over == HandedOver::Taken {
                    *shared.credential.lock() = credential.clone();
                }
                Ok::<_, Failure>(handed_over)
            });
            match handed_over? {
                HandedOver::Taken => break,
                HandedOver::Busy(until) => shared.wait(until, seen)?,
            }
        }
        shared.audit.handed_over(&shared.connection, shared.now());
        Ok(())
    }

    /// Reads the credential's source again now, without waiting for a refusal: environment variables, a file or a callback. The next call uses what it gave, as
    /// with [`Client::replace_credential`].
    ///
    /// # Errors
    /// [`Error::Source`] if the source cannot be read, and those of [`Client::replace_credential`]; `Misuse` if the credential came as a value.
    pub fn reload(&self) -> Result<(), Error> {
        let credential = self.credential().read_again()?;
        self.replace_credential(credential)
    }

    /// The credential that the client has now: the one that it was made with, or what took its place.
    pub fn credential(&self) -> Credential {
        self.shared.credential.lock().clone()
    }

    /// How each key of the client stands: age, whether it is in use, when it was last needed. Empty if it authenticates with tokens.
    pub fn keys(&self) -> Vec<KeyState> {
        self.shared.with(|session, now| session.keys(now)).0
    }

    /// What to do with the client's keys, and by when.
    pub fn rotation_plan(&self) -> RotationPlan {
        self.shared.with(|session, now| session.rotation_plan(now)).0
    }

    /// How far the server's clock is ahead of this machine's, in milliseconds; `None` before the first token answer.
    pub fn skew_millis(&self) -> Option<i64> {
        self.shared.with(|session, _| session.skew_millis()).0
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = self.connection();
        write!(f, "Client({}, {}, {})", connection.provider().name(), connection.environment(), connection.base_url())
    }
}
