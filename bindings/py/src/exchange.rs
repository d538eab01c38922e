//! One call whose request another HTTP library sends: what the adapters for requests, httpx and aiohttp drive.

use crate::client::Client;
use crate::engine::Engine;
use crate::error;
use crate::interrupt;
use auth_http::core::{Outcome, Response, Send, may_go_anywhere};
use auth_http::{Delivery, Failure, Next};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Private to the package: adapters drive it.
#[pyclass(frozen, module = "ledgerauth._ledgerauth", name = "_Exchange")]
pub(crate) struct Exchange {
    engine: Arc<Engine>,
    state: Mutex<State>,
}

struct State {
    delivery: Delivery,
    /// How the request has to look now; `None` when there is nothing to send.
    send: Option<Send>,
    failure: Option<Failure>,
}

impl Exchange {
    pub(crate) fn start(
        py: Python<'_>,
        client: &Client,
        method: &str,
        url: &str,
        body: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let engine = Arc::clone(client.engine(py)?);
        crate::audit::look_at_logging(py);
        let started = match body {
            None => engine.client.deliver(method, url, None),
            Some(body) if body.is_instance_of::<PyString>() => {
                engine.client.deliver(method, url, Some(body.extract::<String>()?.as_bytes()))
            }
            Some(body) => match body.cast::<PyBytes>() {
                Ok(bytes) => engine.client.deliver(method, url, Some(bytes.as_bytes())),
                Err(_) => engine.client.deliver_once(method, url),
            },
        };
        let delivery = started.map_err(|failed| error::raised(py, &failed, Some(&engine.provider)))?;
        let exchange = Self { engine, state: Mutex::new(State { delivery, send: None, failure: None }) };
        if let Some(headers) = headers {
            exchange.step(py)?;
            exchange.put(headers)?;
        }
        Ok(exchange)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is to be done next; the seconds to wait, if it is that.
    fn note(&self, py: Python<'_>, state: &mut State, next: Next) -> PyResult<Option<f64>> {
        (state.send, state.failure) = (None, None);
        match next {
            Next::Send(send) => state.send = Some(send),
            Next::Wait(until) => {
                // A little more, because the machine counts whole milliseconds.
                return Ok(Some(until.since(self.engine.now()).as_secs_f64() + 0.001));
            }
            Next::Done(Outcome::Failed(failure)) => return Err(error::failure(py, &failure, &self.engine.provider, None)),
            Next::Done(Outcome::Answered(failure)) => state.failure = failure,
            Next::Done(Outcome::Renewed) => {}
        }
        Ok(None)
    }
}

#[pymethods]
impl Exchange {
    /// What is to be done next, without waiting: the seconds after which to ask again, or `None` if there is something to send, or nothing more to do.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        let mut state = self.state();
        let next = state.delivery.poll();
        self.note(py, &mut state, next)
    }

    /// The same, waiting here for as long as it takes.
    fn step(&self, py: Python<'_>) -> PyResult<()> {
        if self.poll(py)?.is_none() {
            return Ok(());
        }
        let stepped = interrupt::detached(py, || self.state().delivery.step())?;
        let next = stepped.map_err(|failed| error::raised(py, &failed, Some(&self.engine.provider)))?;
        self.note(py, &mut self.state(), next).map(|_| ())
    }

    /// Whether there is something to send.
    #[getter]
    fn sending(&self) -> bool {
        self.state().send.is_some()
    }

    /// Where to send it.
    #[getter]
    fn url(&self) -> Option<String> {
        self.state().send.as_ref().map(|send| send.url.as_str().to_owned())
    }

    /// Whether that is a foreign host, where nothing of the credential goes.
    #[getter]
    fn foreign(&self) -> bool {
        self.state().send.as_ref().is_some_and(|send| send.foreign)
    }

    /// Puts the header fields of what is to be sent into a mapping; for a foreign host, takes out what must not go there.
    fn put(&self, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = headers.py();
        let state = self.state();
        let Some(send) = &state.send else { return Ok(()) };
        if send.foreign {
            for name in py.get_type::<PyList>().call1((headers,))?.try_iter()? {
                let name = name?;
                if !may_go_anywhere(&name.extract::<String>()?) {
                    headers.del_item(name)?;
                }
            }
        }
        if let Some(authorization) = &send.authorization {
            let value = self.engine.header_text(py, authorization.generation(), || authorization.value().expose())?;
            headers.set_item(authorization.header(), value)?;
        }
        let (name, id) = &send.request_id;
        headers.set_item(&**name, &**id)
    }

    /// The header that carries the credential.
    #[getter]
    fn header(&self) -> Option<String> {
        self.state().send.as_ref()?.authorization.as_ref().map(|authorization| authorization.header().to_owned())
    }

    /// Whether a success of this status is the end, without another look.
    fn finish(&self, status: u16) -> bool {
        let mut state = self.state();
        let is_over = state.delivery.finish(status);
        if is_over {
            state.send = None;
        }
        is_over
    }

    /// Reports an answer: status, header fields as pairs, and the body of an error.
    fn answered(&self, status: u16, headers: Vec<(String, String)>, body: &Bound<'_, PyBytes>) {
        let response = Response { status, headers: &headers.as_slice(), body: body.as_bytes() };
        self.state().delivery.answered(&response);
    }

    /// Leaves the call to whoever goes on with it elsewhere.
    fn give_up(&self) {
        self.state().send = None;
    }

    /// Calls this once, from any thread, as soon as asking again makes sense.
    fn on_wake(&self, waker: Py<PyAny>) {
        // If the interpreter is going away, so is whoever waits.
        let wake = move || drop(interrupt::attached(|py| waker.call0(py)));
        self.state().delivery.on_wake(wake);
    }

    /// What is wrong with the answer, as an exception that is not raised; `None` if nothing is.
    #[getter]
    fn failure<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let state = self.state();
        let failure = state.failure.as_ref()?;
        let raised = error::failure(py, failure, &self.engine.provider, state.delivery.request_id());
        Some(raised.into_value(py).into_bound(py).into_any())
    }
}
