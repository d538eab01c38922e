//! Logins: a person consents, and the tokens are in the client's store.

use crate::engine::Engine;
use crate::error;
use crate::interrupt;
use auth_http::{Error, Login, Prompt};
use pyo3::prelude::*;
use std::time::Duration;

/// In a browser of this machine.
pub(crate) fn by_browser(
    py: Python<'_>,
    engine: &Engine,
    show: Option<Py<PyAny>>,
    open_browser: bool,
    redirect_uri: Option<String>,
    patience: Duration,
    parameters: Option<Vec<(String, String)>>,
) -> PyResult<()> {
    let done = interrupt::detached(py, || {
        let mut login = Login::new(|prompt| shown(show.as_ref(), open_browser, prompt)).patience(patience);
        if let Some(uri) = redirect_uri {
            login = login.redirect_uri(uri);
        }
        for (name, value) in parameters.unwrap_or_default() {
            login = login.parameter(name, value);
        }
        engine.client.login(login).map(drop)
    });
    ended(py, engine, done)
}

/// On another device.
pub(crate) fn on_device(py: Python<'_>, engine: &Engine, show: Option<Py<PyAny>>) -> PyResult<()> {
    let done = interrupt::detached(py, || engine.client.login_on_device(|prompt| shown(show.as_ref(), false, prompt)).map(drop));
    ended(py, engine, done)
}

fn ended(py: Python<'_>, engine: &Engine, done: PyResult<Result<(), Error>>) -> PyResult<()> {
    done?.map_err(|failed| error::raised(py, &failed, Some(&engine.provider)))
}

/// Hands the address, and the code to enter there, to the person: by the program's own function, by the browser, or on the screen.
fn shown(show: Option<&Py<PyAny>>, open_browser: bool, prompt: &Prompt) {
    let told = interrupt::attached(|py| {
        let show = match show {
            Some(show) => show.clone_ref(py),
            None => py.import("ledgerauth._login")?.getattr("show")?.unbind(),
        };
        show.call1(py, (prompt.url.as_str(), prompt.user_code.as_deref(), prompt.url_with_code.as_deref()))?;
        if open_browser {
            py.import("webbrowser")?.call_method1("open", (prompt.url.as_str(),))?;
        }
        PyResult::Ok(())
    });
    if let Some(Err(raised)) = told {
        interrupt::keep(raised);
    }
}
