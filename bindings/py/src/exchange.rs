//! One call whose request another HTTP library sends: what the adapters for requests, httpx and aiohttp drive.

use crate::client::Client;
use crate::engine::Engine;
use crate::error;
use crate::interrupt;
use auth_http::core::{Outcome, Response, Send, is_of_the_frame, may_frame, may_go_anywhere, of_the_frame};
use auth_http::{Ahead, Delivery, Error, Failure, Next};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Private to the package: adapters drive it.
#[pyclass(frozen, module = "ledgerauth._ledgerauth", name = "_Exchange")]
pub(crate) struct Exchange {
    engine: Arc<Engine>,
    state: Mutex<State>,
}

enum State {
    /// It is sent before its exchange begins, because most answers are successes that need none: the method and the URL (a text, or an object whose text it is).
    Ahead(Ahead, Py<PyString>, Py<PyAny>),
    Delivered(Box<Delivered>),
    Over,
}

struct Delivered {
    delivery: Delivery,
    /// How the request has to look now; `None` when there is nothing to send.
    send: Option<Send>,
    failure: Option<Failure>,
}

impl Exchange {
    /// A call that needs no exchange by now, and its header fields put into `headers`; `None` if it needs one.
    pub(crate) fn ahead(
        client: &Client,
        method: Bound<'_, PyString>,
        url: Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
    ) -> PyResult<Option<Self>> {
        let py = url.py();
        let engine = client.engine(py)?;
        crate::audit::look_at_logging(py);
        // The body is not here to compare a length with: where there should be none, its length is looked at with it.
        let is_bodiless = ["GET", "HEAD"].iter().any(|known| method == *known);
        let unusual = |name: &str, value: &str| {
            !may_frame(name, value, engine.own_authority(py), None) || is_bodiless && name.eq_ignore_ascii_case("content-length")
        };
        if find_in_frame(headers, unusual)?.is_some() {
            return Ok(None);
        }
        let Some(ahead) = (if engine.is_own(&url)? { engine.client.ahead() } else { None }) else { return Ok(None) };
        engine.put(headers, Some(ahead.authorization()), ahead.request_id())?;
        let state = State::Ahead(ahead, method.unbind(), url.unbind());
        Ok(Some(Self { engine: Arc::clone(engine), state: Mutex::new(state) }))
    }

    /// A call, driven to its first request if that takes no time, or if it `waits`; the request's header fields are put into `headers`.
    pub(crate) fn start(
        client: &Client,
        method: &str,
        url: &Bound<'_, PyAny>,
        body: Option<&Bound<'_, PyAny>>,
        headers: &Bound<'_, PyAny>,
        waits: bool,
    ) -> PyResult<Self> {
        let py = url.py();
        let engine = Arc::clone(client.engine(py)?);
        crate::audit::look_at_logging(py);
        let (url, body) = (text_of(url)?, Body::read(body)?);
        let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        if let Some(name) = find_in_frame(headers, |name, value| !may_frame(name, value, authority, body.length()))? {
            return Err(error::failure(py, &of_the_frame(&name), &engine.provider));
        }
        let started = match &body {
            Body::Once => engine.client.deliver_once(method, &url),
            Body::Known(body) => engine.client.deliver(method, &url, body.as_deref()),
        };
        let state = State::of(started.map_err(|failed| error::raised(py, &failed, Some(&engine.provider)))?);
        let exchange = Self { engine, state: Mutex::new(state) };
        if waits {
            exchange.step(py)?;
        } else {
            exchange.poll(py)?;
        }
        exchange.put(headers)?;
        Ok(exchange)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks about the delivery, if it has come to one.
    fn delivered<R>(&self, ask: impl FnOnce(&Delivered) -> Option<R>) -> Option<R> {
        match &*self.state() {
            State::Delivered(delivered) => ask(delivered),
            State::Ahead(..) | State::Over => None,
        }
    }

    /// Notes what is to be done next; the seconds to wait, if it is that.
    fn note(&self, py: Python<'_>, delivered: &mut Delivered, next: Next) -> PyResult<Option<f64>> {
        (delivered.send, delivered.failure) = (None, None);
        match next {
            Next::Send(send) => delivered.send = Some(send),
            Next::Wait(until) => {
                // A little more, because the machine counts whole milliseconds.
                return Ok(Some(until.since(self.engine.now()).as_secs_f64() + 0.001));
            }
            Next::Done(Outcome::Failed(failure)) => return Err(error::failure(py, &failure, &self.engine.provider)),
            Next::Done(Outcome::Answered(failure)) => delivered.failure = failure,
            Next::Done(Outcome::Renewed) => {}
        }
        Ok(None)
    }
}

#[pymethods]
impl Exchange {
    /// What is to be done next, without waiting: the seconds after which to ask again, or `None` if there is something to send, or nothing more to do.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        match &mut *self.state() {
            State::Delivered(delivered) => {
                let next = delivered.delivery.poll();
                self.note(py, delivered, next)
            }
            State::Ahead(..) | State::Over => Ok(None),
        }
    }

    /// The same, waiting here for as long as it takes.
    fn step(&self, py: Python<'_>) -> PyResult<()> {
        if self.poll(py)?.is_none() {
            return Ok(());
        }
        let stepped = interrupt::detached(py, || match &mut *self.state() {
            State::Delivered(delivered) => delivered.delivery.step().map(Some),
            State::Ahead(..) | State::Over => Ok(None),
        })?;
        let next = stepped.map_err(|failed: Error| error::raised(py, &failed, Some(&self.engine.provider)))?;
        match (&mut *self.state(), next) {
            (State::Delivered(delivered), Some(next)) => self.note(py, delivered, next).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Whether there is something to send.
    #[getter]
    fn sending(&self) -> bool {
        match &*self.state() {
            State::Ahead(..) => true,
            State::Delivered(delivered) => delivered.send.is_some(),
            State::Over => false,
        }
    }

    /// Where to send it, if that is not where the call began.
    #[getter]
    fn url(&self) -> Option<String> {
        self.delivered(|delivered| Some(delivered.send.as_ref()?.url.as_str().to_owned()))
    }

    /// Whether that is a foreign host, where nothing of the credential goes.
    #[getter]
    fn foreign(&self) -> bool {
        self.delivered(|delivered| Some(delivered.send.as_ref()?.foreign)).unwrap_or(false)
    }

    /// Puts the header fields of what is to be sent into a mapping; for a foreign host, takes out what must not go there.
    fn put(&self, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let state = self.state();
        let State::Delivered(delivered) = &*state else { return Ok(()) };
        let Some(send) = &delivered.send else { return Ok(()) };
        if send.foreign {
            take_out_what_stays(headers)?;
        }
        self.engine.put(headers, send.authorization.as_deref(), &send.request_id.1)
    }

    /// Whether a success of this status is the end, without another look.
    fn finish(&self, status: u16) -> bool {
        let mut state = self.state();
        let is_over = match &mut *state {
            State::Ahead(ahead, ..) => ahead.ends_with(status),
            State::Delivered(delivered) => delivered.delivery.finish(status),
            State::Over => false,
        };
        if is_over {
            *state = State::Over;
        }
        is_over
    }

    /// Reports an answer: status, header fields as pairs, and the body of an error; `sent` is the request's own body.
    fn answered(
        &self,
        py: Python<'_>,
        status: u16,
        headers: Vec<(String, String)>,
        body: &Bound<'_, PyBytes>,
        sent: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let mut state = self.state();
        if let State::Ahead(ahead, method, url) = &*state {
            let (method, url, sent) = (method.extract::<String>(py)?, text_of(url.bind(py))?, Body::read(sent)?);
            let (known, once) = match &sent {
                Body::Once => (None, true),
                Body::Known(body) => (body.as_deref(), false),
            };
            let overtaken = self.engine.client.overtake(ahead, &method, &url, known, once);
            *state = State::of(overtaken.map_err(|failed| error::raised(py, &failed, Some(&self.engine.provider)))?);
        }
        if let State::Delivered(delivered) = &mut *state {
            let response = Response { status, headers: &headers.as_slice(), body: body.as_bytes() };
            delivered.delivery.answered(&response);
        }
        Ok(())
    }

    /// Leaves the call to whoever goes on with it elsewhere.
    fn give_up(&self) {
        *self.state() = State::Over;
    }

    /// Calls this once, from any thread, as soon as asking again makes sense.
    fn on_wake(&self, waker: Py<PyAny>) {
        // If the interpreter is going away, so is whoever waits.
        let wake = move || drop(interrupt::attached(|py| waker.call0(py)));
        if let State::Delivered(delivered) = &mut *self.state() {
            delivered.delivery.on_wake(wake);
        }
    }

    /// What is wrong with the answer, as an exception that is not raised; `None` if nothing is.
    #[getter]
    fn failure<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.delivered(|delivered| {
            let raised = error::failure(py, delivered.failure.as_ref()?, &self.engine.provider);
            Some(raised.into_value(py).into_bound(py).into_any())
        })
    }
}

impl State {
    fn of(delivery: Delivery) -> Self {
        Self::Delivered(Box::new(Delivered { delivery, send: None, failure: None }))
    }
}

/// The caller's body, as far as it decides whether the request can be repeated.
enum Body {
    Known(Option<Vec<u8>>),
    /// It can be read only once.
    Once,
}

impl Body {
    /// How long it is, in bytes; `None` if that is not known before it is sent.
    fn length(&self) -> Option<usize> {
        match self {
            Self::Known(body) => Some(body.as_ref().map_or(0, Vec::len)),
            Self::Once => None,
        }
    }

    fn read(given: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(given) = given else { return Ok(Self::Known(None)) };
        if let Ok(text) = given.cast::<PyString>() {
            return Ok(Self::Known(Some(text.extract::<String>()?.into_bytes())));
        }
        Ok(given.cast::<PyBytes>().map_or(Self::Once, |bytes| Self::Known(Some(bytes.as_bytes().to_vec()))))
    }
}

fn text_of(url: &Bound<'_, PyAny>) -> PyResult<String> {
    url.str()?.extract()
}

/// The name of the first field of the frame of which that holds, or that is there twice, as no library writes one.
fn find_in_frame(headers: &Bound<'_, PyAny>, holds: impl Fn(&str, &str) -> bool) -> PyResult<Option<String>> {
    let py = headers.py();
    // The bytes of httpx, because decoding each would take longer than all else.
    if let Some(raw) = headers.getattr_opt(intern!(py, "raw"))? {
        for field in raw.try_iter()? {
            let (name, value): (Bound<'_, PyBytes>, Bound<'_, PyBytes>) = field?.extract()?;
            let Some(name) = str::from_utf8(name.as_bytes()).ok().filter(|name| is_of_the_frame(name)) else { continue };
            if str::from_utf8(value.as_bytes()).map_or(true, |value| holds(name, value)) {
                return Ok(Some(name.to_owned()));
            }
        }
        return Ok(None);
    }
    for field in headers.try_iter()? {
        // requests makes texts of names; a value of bytes stays one, and is the caller's.
        let Ok(field) = field?.cast_into::<PyString>() else { continue };
        let name = field.to_cow()?;
        if !is_of_the_frame(&name) {
            continue;
        }
        // aiohttp's mapping names a field once, however often it is there.
        let twice = match headers.getattr_opt(intern!(py, "getall"))? {
            Some(all) => all.call1((&field,))?.len()? > 1,
            None => false,
        };
        if twice || headers.get_item(&field)?.extract::<Cow<'_, str>>().map_or(true, |value| holds(&name, &value)) {
            return Ok(Some(name.into_owned()));
        }
    }
    Ok(None)
}

fn take_out_what_stays(headers: &Bound<'_, PyAny>) -> PyResult<()> {
    for name in headers.py().get_type::<PyList>().call1((headers,))?.try_iter()? {
        let name = name?;
        if !may_go_anywhere(&name.extract::<String>()?) {
            headers.del_item(name)?;
        }
    }
    Ok(())
}
