//! Providers: a shipped name, a path, or a profile as a dict.

use crate::argument;
use crate::error;
use crate::reference::absolute;
use auth_http::{Error, Provider};
use auth_http::{Looks, Shown};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::PathBuf;

/// The provider that `given` stands for: a shipped name, the path of a profile, or a profile as a dict.
pub(crate) fn read(given: &Bound<'_, PyAny>) -> PyResult<Provider> {
    let py = given.py();
    let provider = if let Ok(profile) = given.cast::<PyDict>() {
        let unfit =
            || error::plain(py, "profile", "the dict is not a profile", "use text, numbers (no NaN), booleans, lists and dicts in it");
        let json = py.import("json")?.call_method1("dumps", (profile,)).and_then(|json| json.extract::<String>()).map_err(|_| unfit())?;
        let fields: serde_json::Map<String, Value> = serde_json::from_str(&json).map_err(|_| unfit())?;
        Provider::from_toml(&toml(&fields))
    } else {
        let text = py.import("os")?.call_method1("fspath", (given,)).map_err(|failed| argument::about("provider", py, failed))?;
        let text: String = argument::read("provider", &text)?;
        if is_path(given, &text) {
            let profile = std::fs::read_to_string(&text).map_err(|failed| {
                error::plain(py, "profile", &format!("{}: {failed}", Shown::new(&text, Looks::Path)), "give the path of a profile in TOML")
            })?;
            Provider::from_toml(&profile)
        } else {
            Provider::builtin(&text)
        }
    };
    provider.map_err(|failed| error::raised(py, &Error::Profile(failed), None))
}

fn is_path(given: &Bound<'_, PyAny>, text: &str) -> bool {
    !given.is_instance_of::<PyString>() || text.contains(['/', '\\']) || text.to_ascii_lowercase().ends_with(".toml")
}

/// The same provider for another process: a path is made absolute.
pub(crate) fn name<'py>(given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match given.extract::<PathBuf>() {
        Ok(path) if path.to_str().is_none_or(|text| is_path(given, text)) => Ok(absolute(&path).into_pyobject(given.py())?.into_any()),
        _ => Ok(given.clone()),
    }
}

/// A profile as TOML text, a field a line, so that a fault is told by its line.
fn toml(fields: &serde_json::Map<String, Value>) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if !value.is_null() {
            let _ = writeln!(text, "{} = {}", quoted(name), inline(value));
        }
    }
    text
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            let fields: Vec<_> = fields.map(|(name, value)| format!("{} = {}", quoted(name), inline(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// JSON's strings are TOML's, but for the one control character that JSON lets stand.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// The names of the shipped profiles.
#[pyfunction]
pub(crate) fn provider_names() -> Vec<&'static str> {
    Provider::builtin_names().collect()
}

/// The page about every table and field of a profile, in Markdown.
#[pyfunction]
pub(crate) fn profile_page() -> String {
    auth_http::core::profile_page()
}

/// The text of a shipped profile.
#[pyfunction]
pub(crate) fn provider_text(py: Python<'_>, name: String) -> PyResult<&'static str> {
    match (Provider::builtin_text(&name), Provider::builtin(&name)) {
        (Some(text), _) => Ok(text),
        (None, Err(failed)) => Err(error::raised(py, &Error::Profile(failed), None)),
        (None, Ok(_)) => Err(error::plain(py, "profile", "the profile has no text", "report this as a bug of ledgerauth")),
    }
}

/// What a profile says, without what only the machine needs.
#[pyfunction]
pub(crate) fn provider_facts<'py>(provider: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let py = provider.py();
    let provider = read(provider)?;
    let facts = PyDict::new(py);
    facts.set_item("name", provider.name())?;
    facts.set_item("title", provider.title())?;
    facts.set_item("documentation", provider.documentation())?;
    facts.set_item("takes_keys", provider.takes_keys())?;
    facts.set_item("takes_tokens", provider.takes_tokens())?;
    facts.set_item("where_to_obtain", provider.where_to_obtain())?;
    facts.set_item("check_path", provider.check_path())?;
    let environments = provider.environments().map(|environment| {
        let facts = PyDict::new(py);
        facts.set_item("name", environment.name())?;
        facts.set_item("base_url", environment.base_url())?;
        facts.set_item("token_url", environment.token_url())?;
        Ok(facts)
    });
    facts.set_item("environments", environments.collect::<PyResult<Vec<_>>>()?)?;
    let days = |span: std::time::Duration| span.as_secs() / 86_400;
    facts.set_item("key_lifetime_days", provider.key_lifetime().map(days))?;
    let differences = provider.differences().iter().map(|difference| (&difference.about, &difference.says));
    facts.set_item("differences", differences.collect::<Vec<_>>())?;
    Ok(facts)
}
