//! `Delivery`: one call that the program sends by itself, on an event loop or with an HTTP library of its own.

use crate::beside::Away;
use crate::client::Client;
use crate::error::Error;
use crate::run::{Running, lost_for_good};
use crate::shared::Shared;
use crate::transport::unpack::unpacked_whole;
use crate::wakers::Waker;
use auth_core::{Call, Exchange, Outcome, Response, Send, Step, Transport, UnixTime};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// `Delivery` is one call whose request the program sends by itself: the machine's decisions, tokens and waits of a [`Client`], with other I/O.
///
/// Ask [`Delivery::poll`] what to do, do exactly that, report it, ask again, until [`Next::Done`]. Nothing here blocks but [`Delivery::step`]: tokens are
/// fetched, sources asked and stores written by threads of the client's. Dropping it, finished or not, strands nobody.
///
/// ```
/// use auth_http::core::{Outcome, Response, Send};
/// use auth_http::{Client, Clock as _, Credential, Next, Provider, SystemClock};
///
/// /// Puts the authorization and the request id on a request, sends it, follows no redirect: here, a server in a box.
/// fn by_own_http(send: &Send) -> (u16, Vec<(String, String)>, Vec<u8>) {
///     assert_eq!(send.url.as_str(), "https://api.finorabusiness.com/v1/invoices");
///     let is_known = send.authorization.as_ref().is_some_and(|authorization| authorization.header() == "Authorization");
///     (if is_known { 200 } else { 401 }, Vec::new(), b"[]".to_vec())
/// }
///
/// let key = format!("test_sk_{}", "0a".repeat(24));
/// let client = Client::builder(Provider::builtin("finora")?).credential(Credential::key(key)).build()?;
/// let mut delivery = client.deliver("GET", "/v1/invoices", None)?;
/// let mut last = Vec::new();
/// let outcome = loop {
///     match delivery.poll() {
///         Next::Send(send) => {
///             let (status, headers, body) = by_own_http(&send);
///             delivery.answered(&Response { status, headers: &headers.as_slice(), body: &body });
///             last = body;
///         }
///         // An event loop goes on with something else until then, or until what it gave to `delivery.on_wake` is called.
///         Next::Wait(until) => std::thread::sleep(until.since(SystemClock.now())),
///         Next::Done(outcome) => break outcome,
///     }
/// };
/// assert!(matches!(outcome, Outcome::Answered(None)) && last == b"[]");
/// # Ok::<(), auth_http::Error>(())
/// ```
pub struct Delivery {
    shared: Arc<Shared>,
    /// The exchange; `None` while a thread has it.
    running: Option<Running>,
    away: Option<Arc<Away>>,
    number: u64,
    seen: u64,
    over: Option<Outcome>,
    /// Whether the last request was answered.
    is_answered: bool,
}

/// `Next` is what a [`Delivery`] wants done.
#[derive(Clone, Debug)]
#[must_use]
pub enum Next {
    /// Put this on the request, send it, follow no redirect: [`Delivery::answered`] or [`Delivery::lost`].
    Send(Send),
    /// Poll again at that moment, or when woken ([`Delivery::on_wake`]).
    Wait(UnixTime),
    /// The end: the answer that was reported last is the caller's, or there is none.
    Done(Outcome),
}

/// How long to wait at most for a thread that has the exchange, before looking again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Client {
    /// A call that the program sends by itself: method (in capitals), path or absolute URL, and the body if there is one and it can be sent again; for a
    /// body that can be sent only once use [`Client::deliver_once`].
    ///
    /// # Errors
    /// [`Error::Failure`] if the credential may not go there; nothing was sent.
    pub fn deliver(&self, method: &str, path_or_url: &str, body: Option<&[u8]>) -> Result<Delivery, Error> {
        let call = self.admitted(method, path_or_url)?;
        Ok(self.delivery(match body {
            Some(body) => call.body(body),
            None => call,
        }))
    }

    /// The same for a body that can be sent only once: the call is not repeated after something of it has left.
    ///
    /// # Errors
    /// As [`Client::deliver`].
    pub fn deliver_once(&self, method: &str, path_or_url: &str) -> Result<Delivery, Error> {
        Ok(self.delivery(self.admitted(method, path_or_url)?.once()))
    }

    fn admitted(&self, method: &str, path_or_url: &str) -> Result<Call, Error> {
        let shared = &self.shared;
        let call = shared.call(method, path_or_url)?;
        Ok(call.deadline(shared.now().after(shared.connection.policy().deadline)))
    }

    fn delivery(&self, call: Call) -> Delivery {
        Delivery::of(&self.shared, Running::new(&self.shared, Exchange::new(call, self.shared.seed())))
    }
}

impl Delivery {
    fn of(shared: &Arc<Shared>, running: Running) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::clone(shared), running: Some(running), away: None, number, seen: 0, over: None, is_answered: false }
    }

    /// Of an exchange whose request was sent already: its answer is what is reported next.
    pub(crate) fn begun(shared: &Arc<Shared>, exchange: Exchange) -> Self {
        Self::of(shared, Running::begun(shared, exchange))
    }

    /// What to do next; never blocks.
    pub fn poll(&mut self) -> Next {
        loop {
            if let Some(over) = &self.over {
                return Next::Done(over.clone());
            }
            if let Some(again) = self.away_until() {
                return Next::Wait(again);
            }
            let Some(running) = &mut self.running else {
                return Next::Done(self.over.get_or_insert_with(|| Outcome::Failed(lost_for_good())).clone());
            };
            let step = running.next();
            self.seen = running.seen;
            match step {
                Step::Send(send) => return Next::Send(send),
                Step::Wait(until) => return Next::Wait(until),
                Step::Done(outcome) => self.over = Some(outcome),
                chore => self.send_away(chore),
            }
        }
    }

    /// What to do next, waiting here as long as there is nothing to do: a [`Next::Send`] or the end. For programs that may block; on an event loop, see
    /// [`Delivery::step_async`].
    ///
    /// # Errors
    /// [`Error::Interrupted`], if the client was built with an interrupt.
    pub fn step(&mut self) -> Result<Next, Error> {
        loop {
            match self.poll() {
                Next::Wait(until) => self.wait(until)?,
                next => return Ok(next),
            }
        }
    }

    /// Whether a success of this status ends the call without another look; the answer then needs no report. For all others the header fields and the body
    /// are wanted: [`Delivery::answered`].
    pub fn finish(&mut self, status: u16) -> bool {
        let over = self.running.as_mut().is_some_and(|running| running.finish_fresh(status));
        if over {
            self.over = Some(Outcome::Answered(None));
        }
        over
    }

    /// Reports the answer to the last [`Next::Send`]. Of a success the body may be left out.
    pub fn answered(&mut self, response: &Response<'_>) {
        self.is_answered = true;
        let unpacked = unpacked_whole(response.headers, response.body);
        let body = unpacked.as_ref().map_or(response.body, |body| body.as_slice());
        if let Some(running) = &mut self.running {
            running.answered(&Response { body, ..*response });
        }
    }

    /// Reports that there is no answer to the last [`Next::Send`].
    pub fn lost(&mut self, lost: Transport) {
        self.is_answered = false;
        if let Some(running) = &mut self.running {
            running.lost(lost);
        }
    }

    /// Calls this once, from any thread, as soon as polling again makes sense: perhaps at once. It takes the place of the one before.
    pub fn on_wake(&mut self, waker: impl FnOnce() + std::marker::Send + 'static) {
        let waker: Waker = Box::new(waker);
        if let Some(away) = &self.away {
            if let Some(waker) = away.on_done(waker) {
                waker();
            }
            return;
        }
        self.shared.wakers.set(self.number, waker);
        // It may have moved between the poll and now, and then nobody would call.
        if self.shared.has_moved(self.seen)
            && let Some(waker) = self.shared.wakers.take(self.number)
        {
            waker();
        }
    }

    /// The id under which the call is known to both sides.
    pub fn request_id(&self) -> Option<&str> {
        self.running.as_ref().map(Running::request_id)
    }

    /// The time by the client's clock.
    pub(crate) fn now(&self) -> UnixTime {
        self.shared.now()
    }

    /// When to look again whether a thread has brought the exchange back; `None` if none has it.
    fn away_until(&mut self) -> Option<UnixTime> {
        let away = self.away.as_ref()?;
        self.running = away.take();
        let failure = if self.running.is_none() { away.overdue(&self.shared) } else { None };
        if let Some(failure) = &failure {
            away.leave();
            // An answer that is here is the caller's, whatever happened afterwards.
            let answered = self.is_answered;
            self.over = Some(if answered { Outcome::Answered(Some(failure.clone())) } else { Outcome::Failed(failure.clone()) });
        }
        // If nobody holds the other end, the thread is gone with it.
        if self.running.is_some() || failure.is_some() || away.is_gone() {
            self.running = self.running.take().or_else(|| away.take());
            self.away = None;
            return None;
        }
        Some(away.look_again(self.shared.now().after(LOOK_AGAIN)))
    }

    /// Lets a thread do what may block. If none can be started, it is done here.
    fn send_away(&mut self, chore: Step) {
        self.away = self.running.take().map(|running| Away::send(running, chore));
    }

    fn wait(&self, until: UnixTime) -> Result<(), Error> {
        let Some(away) = &self.away else {
            let waited = self.shared.wait(until, self.seen);
            return waited.map_err(|error| self.running.as_ref().map_or(error.clone(), |running| running.told(error)));
        };
        self.shared.go_on().map_err(|error| away.told(error))?;
        away.rest();
        Ok(())
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(away) = &self.away {
            away.leave();
        }
        drop(self.shared.wakers.take(self.number));
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("request_id", &self.request_id()).finish_non_exhaustive()
    }
}
