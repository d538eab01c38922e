//! Error bodies: where a code and a message stand, whatever shape the body has.

use crate::credential::Secret;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde_json::Value;

/// How much of a server's words is kept: enough for any sentence, too little for a dump.
const QUOTE_CHARS: usize = 300;

/// A body that was read as far as it could be.
pub(crate) struct Body {
    json: Option<Value>,
    text: String,
}

/// What an error body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

impl Body {
    /// Reads a body: JSON if it is that, else text.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let json = serde_json::from_slice(bytes).ok();
        let text = if json.is_none() { String::from_utf8_lossy(bytes).into_owned() } else { String::new() };
        Self { json, text }
    }

    /// The value at a dotted path such as `error.retryAfter`, as text.
    pub(crate) fn at(&self, path: &str) -> Option<String> {
        let value = path.split('.').try_fold(self.json.as_ref()?, |value, name| value.get(name))?;
        as_text(value)
    }

    /// Code and message: where the profile says, else where they usually stand; quoted without `secrets`.
    pub(crate) fn said(&self, code_paths: &[String], message_paths: &[String], secrets: &[&Secret]) -> Said {
        let first = |paths: &[String]| paths.iter().find_map(|path| self.at(path));
        let usual = self.json.as_ref().map(usual_places).unwrap_or_default();
        let message = first(message_paths).or(usual.message).or_else(|| self.words());
        Said {
            code: first(code_paths).or(usual.code).map(|code| quote(&code, secrets)),
            message: message.map(|message| quote(&message, secrets)),
        }
    }

    /// The text of a body that is not JSON; of an HTML page its title.
    fn words(&self) -> Option<String> {
        let text = self.text.trim();
        if !text.starts_with('<') {
            return (!text.is_empty()).then(|| text.to_owned());
        }
        let title = text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| title.trim());
        Some(title.map_or_else(|| "an HTML page".to_owned(), |title| format!("an HTML page titled {title:?}")))
    }
}

/// The places of RFC 6749 section 5.2, RFC 9457 and of most APIs: at the top, in `error`, or in the first of `errors`.
fn usual_places(root: &Value) -> Said {
    let nested = root.get("error").filter(|error| error.is_object());
    let listed = root.get("errors").and_then(|errors| errors.get(0));
    let first_of_list = root.get(0);
    let mut said = Said::default();
    for value in [nested, listed, first_of_list, Some(root)].into_iter().flatten() {
        let find = |names: &[&str]| names.iter().find_map(|name| value.get(name).and_then(as_text));
        said.code = said.code.or_else(|| find(&["code", "error_code", "errorCode", "error", "type"]));
        said.message = said.message.or_else(|| find(&["message", "error_description", "detail", "description", "title", "reason"]));
    }
    said
}

/// A scalar as it is, a list of texts joined; anything else is no text.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(as_text).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// A server's words, without the secrets that it may have echoed, without control characters, and not longer than a sentence.
pub(crate) fn quote(text: &str, secrets: &[&Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret.expose(), "[redacted]");
    }
    let mut quoted: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTE_CHARS).collect();
    if text.chars().count() > QUOTE_CHARS {
        quoted.push('…');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> (Option<String>, Option<String>) {
        let said = Body::read(body.as_bytes()).said(&[], &[], &[]);
        (said.code, said.message)
    }

    #[test]
    fn finds_code_and_message_in_every_usual_shape() {
        for (body, code, message) in [
            (r#"{"error":{"code":"X","message":"m"}}"#, Some("X"), Some("m")),
            (r#"{"error":"invalid_grant","error_description":"m"}"#, Some("invalid_grant"), Some("m")),
            (r#"{"errors":[{"code":7,"detail":"m"}]}"#, Some("7"), Some("m")),
            (r#"{"type":"about:blank","title":"t","detail":"m"}"#, Some("about:blank"), Some("m")),
            (r#"[{"errorCode":"X","message":"m"}]"#, Some("X"), Some("m")),
            (r#"{"error":{"message":["a","b"],"error":"Forbidden"}}"#, Some("Forbidden"), Some("a; b")),
            ("plain words", None, Some("plain words")),
            ("<html><title>502 Bad Gateway</title>", None, Some("an HTML page titled \"502 Bad Gateway\"")),
            ("", None, None),
            ("null", None, None),
            ("{\"error\":{}}", None, None),
        ] {
            assert_eq!(said(body), (code.map(Into::into), message.map(Into::into)), "{body}");
        }
    }

    #[test]
    fn a_quote_is_short_and_without_the_secret() {
        let secret = Secret::new("s3cret");
        assert_eq!(quote("token s3cret\r\nis bad", &[&secret]), "token [redacted]  is bad");
        assert_eq!(quote(&"x".repeat(1_000), &[]).chars().count(), QUOTE_CHARS + 1);
    }
}
