//! `Drive`: one exchange of a client, driven by a program with its own I/O.

use crate::credential::Credential;
use crate::error::Error;
use crate::run::{keep, leave, obey, report};
use crate::shared::Shared;
use crate::transport::unpack::unpacked_whole;
use auth_core::{Call, Claimed, ConnectOutcome, Exchange, Response, Saved, SharedPause, Step, Transport, UnixTime};
use std::sync::Arc;
use std::time::Duration;

/// `Driving` is an exchange in the making: say what the machine has to know of the request, then [`Driving::start`] it.
#[must_use]
pub struct Driving {
    shared: Arc<Shared>,
    call: Call,
}

impl Driving {
    pub(crate) fn new(shared: &Arc<Shared>, call: Call) -> Self {
        let deadline = shared.now().after(shared.connection.policy().deadline);
        Self { shared: Arc::clone(shared), call: call.deadline(deadline) }
    }

    /// Looks at the body: where the provider has a convention that makes a repeat harmless, and the body keeps it, the call is repeatable.
    pub fn body(mut self, body: &[u8]) -> Self {
        self.call = self.call.body(body);
        self
    }

    /// Says that the body is a stream that can be sent only once.
    pub fn once(mut self) -> Self {
        self.call = self.call.once();
        self
    }

    /// Takes the answers of these hosts for the API's where a redirect leads there, beside those of the client.
    ///
    /// # Errors
    /// [`Error::Failure`] if one of them is no host.
    pub fn allow_redirect_to<'a>(mut self, hosts: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        self.call = self.call.allow_redirect_to(hosts)?;
        Ok(self)
    }

    /// How long the call may take with all its waits and repeats; the client's deadline if not said.
    pub fn deadline(mut self, span: Duration) -> Self {
        let at = self.shared.now().after(span);
        self.call = self.call.deadline(at);
        self
    }

    /// The id under which the call is known to both sides; a random one if not said.
    pub fn request_id(mut self, id: &str) -> Self {
        self.call = self.call.request_id(id);
        self
    }

    /// Starts the exchange.
    pub fn start(self) -> Drive {
        let exchange = Exchange::new(self.call, self.shared.seed());
        Drive { exchange: self.shared.audited(exchange), shared: self.shared }
    }
}

/// `Drive` is one exchange of a client, driven by a program that does its own I/O: an event loop with a hundred requests in flight on one thread.
///
/// Nothing in it waits or sends. Poll once, do exactly what the [`Step`] says, report it with the one matching `handle_*`, poll again, until [`Step::Done`].
/// [`Drive::obey`] does the steps that are the client's store's and credential source's. After a [`Step::Wait`], poll when the time has come or
/// [`Client::changes`](crate::Client::changes) has moved. Dropping it, finished or not, lets go on whoever waits for it.
pub struct Drive {
    shared: Arc<Shared>,
    exchange: Exchange,
}

impl Drive {
    /// The exchange that gets the next token, if one is wanted and nobody is at it.
    pub(crate) fn renewal(shared: &Arc<Shared>) -> Option<Self> {
        let (renewal, _) = shared.with(|session, now| session.begin_renewal(now, shared.seed()));
        Some(Self { exchange: shared.audited(renewal?), shared: Arc::clone(shared) })
    }

    /// What to do next.
    pub fn poll(&mut self) -> Step {
        let Self { shared, exchange } = self;
        let step = shared.with(|session, now| exchange.poll(session, now)).0;
        report(shared, exchange);
        step
    }

    /// Does a step that is for the client's own store or credential source, and reports it; a [`Step::Connect`], [`Step::Fetch`], with its assertions signed, [`Step::Send`],
    /// [`Step::Wait`] or [`Step::Done`] comes back.
    pub fn obey(&mut self, step: Step) -> Option<Step> {
        obey(&self.shared, &mut self.exchange, step)
    }

    /// Reports what a store answered to [`Step::Claim`].
    pub fn handle_claimed(&mut self, claimed: Claimed) {
        let Self { shared, exchange } = self;
        shared.with(|session, now| exchange.handle_claimed(session, now, claimed));
    }

    /// Reports what a store answered to [`Step::Save`].
    pub fn handle_saved(&mut self, saved: Saved) {
        let Self { shared, exchange } = self;
        shared.with(|session, now| exchange.handle_saved(session, now, saved));
    }

    /// Reports what a store answered to [`Step::Look`].
    pub fn handle_looked(&mut self, pause: Option<SharedPause>) {
        let Self { shared, exchange } = self;
        shared.with(|session, now| exchange.handle_looked(session, now, pause));
    }

    /// Reports what the credential's source gave on [`Step::Load`]: nothing, if it cannot be read or is for another environment.
    pub fn handle_loaded(&mut self, credential: Option<Credential>) {
        let Self { shared, exchange } = self;
        let credential = credential.and_then(|credential| keep(shared, credential, |_| true));
        shared.with(|session, now| exchange.handle_loaded(session, now, credential));
    }

    /// Reports how [`Step::Connect`] ended.
    pub fn handle_connected(&mut self, outcome: ConnectOutcome) {
        let Self { shared, exchange } = self;
        shared.with(|session, now| exchange.handle_connected(session, now, outcome));
    }

    /// Reports the response to [`Step::Fetch`] or [`Step::Send`].
    pub fn handle_response(&mut self, response: &Response<'_>) {
        let Self { shared, exchange } = self;
        let unpacked = unpacked_whole(response.headers, response.body);
        let body = unpacked.as_ref().map_or(response.body, |body| body.as_slice());
        let response = Response { body, ..*response };
        shared.with(|session, now| exchange.handle_response(session, now, &response));
    }

    /// Reports that [`Step::Fetch`] or [`Step::Send`] got no response.
    pub fn handle_failure(&mut self, lost: Transport) {
        let Self { shared, exchange } = self;
        shared.with(|session, now| exchange.handle_failure(session, now, lost));
    }

    /// The time by the client's clock, which a [`Step::Wait`] is measured by.
    pub fn now(&self) -> UnixTime {
        self.shared.now()
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        report(&self.shared, &mut self.exchange);
        leave(&self.shared, &mut self.exchange, true);
    }
}
