//! Error bodies: where a code and a message stand, whatever shape the body has.

use super::{lenient, markup};
use crate::credential::Secret;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde_json::{Map, Value};
use zeroize::Zeroize as _;

pub(crate) use super::quote::{QUOTE_CHARS, quote};

/// A body that was read as far as it could be.
pub(crate) struct Body {
    json: Option<Value>,
    text: String,
}

/// What an error body says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

/// Members in which APIs wrap an error: RFC 9457 and most APIs none, many `error` or `errors`, Intuit `Fault` and in it `Error`.
const WRAPPERS: [&str; 6] = ["error", "errors", "fault", "exception", "odata.error", "serviceerror"];

/// What a code is called, the most particular name first.
const CODES: [&str; 8] = ["code", "error_code", "errorCode", "errorNumber", "faultcode", "error", "type", "__type"];

/// What a message is called, the most telling name first.
const MESSAGES: [&str; 11] = [
    "message",
    "error_description",
    "detail",
    "description",
    "title",
    "reason",
    "msg",
    "error_message",
    "errorMessage",
    "faultstring",
    "value",
];

/// How many wrappers are opened: the deepest known has two, and nobody's code stands deeper than this.
const DEPTH: usize = 5;

impl Body {
    /// Reads a body: JSON with the flaws of servers, a form, else text.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        if let Ok(json) = lenient::parse(bytes) {
            return Self { json: Some(json), text: String::new() };
        }
        let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let trimmed = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        // Nothing but such bytes is no text.
        let text = if trimmed.is_empty() { text.trim() } else { trimmed };
        match lenient::form(text) {
            Some(form) => Self { json: Some(form), text: String::new() },
            None => Self { json: None, text: text.to_owned() },
        }
    }

    /// The members, where the body is an object or a form.
    pub(crate) fn object(&self) -> Option<&Map<String, Value>> {
        self.json.as_ref()?.as_object()
    }

    /// Whether there is nothing to be read in it but a web page, words of no form, or nothing at all.
    pub(crate) fn is_formless(&self) -> bool {
        match &self.json {
            Some(json) => !wraps(json),
            None => !self.text.starts_with('<') || markup::is_page(&self.text),
        }
    }

    /// Whether the text stands in one of its values, in any case. `text` is in lower case.
    pub(crate) fn holds(&self, text: &str) -> bool {
        fn within(value: &Value, text: &str) -> bool {
            match value {
                Value::String(value) => value.to_lowercase().contains(text),
                Value::Array(items) => items.iter().any(|item| within(item, text)),
                Value::Object(members) => members.values().any(|member| within(member, text)),
                _ => false,
            }
        }
        self.json.as_ref().map_or_else(|| self.text.to_lowercase().contains(text), |json| within(json, text))
    }

    /// Every code in it, wherever it is nested, the outermost first.
    pub(crate) fn codes(&self) -> Vec<String> {
        let Some(root) = &self.json else {
            let said = self.words();
            let word = || said.message.filter(|text| !text.contains(char::is_whitespace));
            return said.code.or_else(word).into_iter().collect();
        };
        let (mut codes, mut level) = (Vec::new(), Vec::from([root]));
        for _ in 0..=DEPTH {
            let mut next = Vec::new();
            for value in level {
                codes.extend(CODES.iter().filter_map(|name| member(value, name)).filter(|value| !wraps(value)).filter_map(as_text));
                match value {
                    Value::Object(members) => next.extend(members.values().filter(|value| wraps(value))),
                    Value::Array(items) => next.extend(items.iter().filter(|value| wraps(value))),
                    _ => {}
                }
            }
            level = next;
        }
        codes
    }

    /// The value at a dotted path such as `error.retryAfter` or `Fault.Error.0.code`, as text.
    pub(crate) fn at(&self, path: &str) -> Option<String> {
        let value = path.split('.').try_fold(self.json.as_ref()?, |value, name| match value {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?),
            value => member(value, name),
        })?;
        as_text(value)
    }

    /// Code and message: where the profile says, else where they usually stand; quoted without `secrets`.
    pub(crate) fn said(&self, code_paths: &[String], message_paths: &[String], secrets: &[&Secret]) -> Said {
        let first = |paths: &[String]| paths.iter().find_map(|path| self.at(path));
        let usual = self.json.as_ref().map_or_else(|| self.words(), usual_places);
        let message = first(message_paths).or(usual.message);
        Said {
            code: first(code_paths).or(usual.code).map(|code| quote(&code, secrets)),
            message: message.map(|message| quote(&message, secrets)),
        }
    }

    /// What a body says that is neither JSON nor a form: a document, or words.
    fn words(&self) -> Said {
        let text = self.text.as_str();
        if text.starts_with('<') {
            let (code, message) = markup::said(text, &CODES[..5], &MESSAGES);
            return Said { code, message: Some(message) };
        }
        let start = || text.chars().take(QUOTE_CHARS);
        // A text in another encoding than UTF-8 has a few such characters, bytes that are no text have many.
        let unknown = start().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
        let unreadable = 4 * unknown > start().count() || start().any(|c| c == '\0');
        let message = if unreadable { "bytes that are not text".to_owned() } else { text.to_owned() };
        Said { code: None, message: Some(message).filter(|message| !message.is_empty()) }
    }
}

/// What was read may hold tokens.
impl Drop for Body {
    fn drop(&mut self) {
        self.text.zeroize();
        if let Some(json) = &mut self.json {
            wipe(json);
        }
    }
}

/// Wipes every text. The parser nests nothing deeper than 128 levels.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}

/// A member by its name; without regard to case if there is none that is written so.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The places where most APIs say what is wrong: inside their wrappers first, then around them.
fn usual_places(root: &Value) -> Said {
    let mut places = Vec::from([first_object(root)]);
    for _ in 0..DEPTH {
        let Some(inner) = places.last().and_then(|place| WRAPPERS.iter().find_map(|name| member(place, name).filter(|v| wraps(v)))) else {
            break;
        };
        places.push(first_object(inner));
    }
    let mut said = Said::default();
    let mut bare = None;
    for place in places.iter().rev() {
        let code = CODES.iter().filter_map(|name| member(place, name).filter(|value| !value.is_array()).and_then(as_text)).find(|code| {
            // A sentence is no code, whatever the member is called, and "about:blank" says that there is none (RFC 9457 section 4.2.1).
            let sentence = code.contains(char::is_whitespace);
            bare = bare.take().or_else(|| sentence.then(|| code.clone()));
            !sentence && code != "about:blank"
        });
        said.code = said.code.or(code);
        said.message = said.message.or_else(|| message(place));
    }
    let deepest = places.last().copied();
    said.message = said.message.or(bare).or_else(|| deepest.and_then(by_field)).or_else(|| as_text(root));
    said
}

fn message(place: &Value) -> Option<String> {
    MESSAGES.iter().find_map(|name| member(place, name).and_then(|value| words_in(value, 0)))
}

/// The first object of a list; anything else as it is.
fn first_object(value: &Value) -> &Value {
    value.as_array().and_then(|items| items.iter().find(|item| item.is_object())).unwrap_or(value)
}

/// Whether a wrapper's value can hold more than its own text.
fn wraps(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

/// Text, or the text that a list or an object around it holds: `{"value": "…"}`, `[{"msg": "…"}]`.
fn words_in(value: &Value, depth: usize) -> Option<String> {
    match value {
        Value::Object(_) if depth < DEPTH => MESSAGES.iter().find_map(|name| words_in(member(value, name)?, depth + 1)),
        Value::Array(items) if depth < DEPTH => {
            let texts: Vec<String> = items.iter().take(QUOTE_CHARS).filter_map(|item| words_in(item, depth + 1)).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        other => as_text(other),
    }
}

/// The first message by the field that it is about: `{"amount": ["is missing"]}`; a list of texts as it is.
fn by_field(value: &Value) -> Option<String> {
    let Value::Object(fields) = value else { return as_text(value) };
    let mut lists = fields.iter().filter(|(_, value)| value.is_array());
    lists.find_map(|(field, value)| words_in(value, 0).map(|text| format!("{field}: {text}")))
}

/// A scalar as it is, a list of texts joined; anything else is no text.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().take(QUOTE_CHARS).filter_map(as_text).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        Value::Null | Value::Object(_) => None,
    }
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
            (r#"{"type":"about:blank","title":"t","detail":"m"}"#, None, Some("m")),
            (r#"[{"errorCode":"X","message":"m"}]"#, Some("X"), Some("m")),
            (r#"{"error":{"message":["a","b"],"error":"Forbidden"}}"#, Some("Forbidden"), Some("a; b")),
            ("plain words", None, Some("plain words")),
            ("error=invalid_grant&error_description=m+n", Some("invalid_grant"), Some("m n")),
            ("oauth_problem=X&oauth_problem_advice=m", Some("X"), Some("m")),
            ("<html><title>502 Bad Gateway</title>", None, Some("an HTML page titled \"502 Bad Gateway\"")),
            ("", None, None),
            ("null", None, None),
            ("{\"error\":{}}", None, None),
        ] {
            assert_eq!(said(body), (code.map(Into::into), message.map(Into::into)), "{body}");
        }
    }

    #[test]
    fn codes_are_found_wherever_they_are_nested() {
        for (body, codes) in [
            (r#"{"error":"a","code":7}"#, &["7", "a"][..]),
            (r#"{"error":{"code":"a","error":"b"},"type":"c"}"#, &["c", "a", "b"]),
            (r#"{"data":[{"x":{"error":"a"}}]}"#, &["a"]),
            ("invalid_grant", &["invalid_grant"]),
            ("not here", &[]),
            ("<fault><faultcode>a</faultcode></fault>", &["a"]),
        ] {
            assert_eq!(Body::read(body.as_bytes()).codes(), codes, "{body}");
        }
    }

    #[test]
    fn words_are_looked_for_so_deep_and_no_deeper() {
        let wrapped = |open: &str, close: &str, levels: usize| {
            said(&format!("{{\"message\":{}\"m\"{}}}", open.repeat(levels), close.repeat(levels))).1
        };
        assert_eq!(wrapped("{\"message\":", "}", DEPTH).as_deref(), Some("m"));
        assert_eq!(wrapped("{\"message\":", "}", DEPTH + 1), None);
        assert_eq!(wrapped("[{\"msg\":", "}]", DEPTH / 2).as_deref(), Some("m"));
        assert_eq!(wrapped("[{\"msg\":", "}]", DEPTH), None);
        assert_eq!(said("{\"message\":\" \"}").1, None);
    }
}
