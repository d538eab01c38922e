//! `ApiKey`: a key that was read against its provider's formats. An invalid key has no type.

use super::error::{KeyError, KeyFault};
use super::notes::KeyNotes;
use super::plain::{PLACEHOLDERS, has_right_length, is_plain};
use super::secret::Secret;
use crate::provider::{FormatFacts, Provider};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

/// `ApiKey` is a static key that has one of the forms its provider documents.
///
/// `Debug` shows the prefix that everybody's keys share and nothing more.
#[derive(Clone)]
pub struct ApiKey {
    text: Secret,
    prefix_length: usize,
    environment: Option<Arc<str>>,
    notes: KeyNotes,
}

impl ApiKey {
    /// Reads a key as one of the provider's documented forms.
    ///
    /// # Errors
    /// A [`KeyError`] that names fault, position and remedy, and never shows the key.
    pub fn parse(provider: &Provider, text: impl Into<Secret>) -> Result<Self, KeyError> {
        if !provider.takes_keys() {
            return Err(error(provider, "key", KeyFault::NotTaken { instead: "a client id and a client secret" }));
        }
        let text = text.into();
        let format = recognise(provider, "key", text.expose(), || provider.key_formats())?;
        let (prefix_length, environment) = (format.prefix.len(), format.environment.as_ref().map(|name| Arc::clone(name.get_ref())));
        Ok(Self { text, prefix_length, environment, notes: KeyNotes::default() })
    }

    /// Reads a key whose form the profile may not know: for when a vendor has extended its formats. What no key of any provider has in
    /// it (white space, quotes, a scheme word, a placeholder) is refused all the same, and a known prefix still tells the environment.
    ///
    /// # Errors
    /// A [`KeyError`] as from [`ApiKey::parse`], but for prefix, length and alphabet.
    pub fn parse_relaxed(provider: &Provider, text: impl Into<Secret>) -> Result<Self, KeyError> {
        let text = text.into();
        match Self::parse(provider, text.clone()) {
            Err(error) if matches!(error.fault(), KeyFault::UnknownPrefix { .. } | KeyFault::Length { .. } | KeyFault::Alphabet { .. }) => {
                let known = provider
                    .key_formats()
                    .filter(|format| text.expose().starts_with(&format.prefix))
                    .max_by_key(|format| format.prefix.len());
                let prefix_length = known.map_or(0, |format| format.prefix.len());
                let environment = known.and_then(|format| format.environment.as_ref().map(|name| Arc::clone(name.get_ref())));
                Ok(Self { text, prefix_length, environment, notes: KeyNotes::default() })
            }
            result => result,
        }
    }

    /// The same key, declared to be for an environment: for keys that do not say so themselves.
    ///
    /// # Errors
    /// A [`KeyError`] if the provider has no such environment or the key's prefix says another.
    pub fn declared(mut self, provider: &Provider, environment: &str) -> Result<Self, KeyError> {
        check_declared(provider, "key", self.environment(), environment)?;
        self.environment = Some(environment.into());
        Ok(self)
    }

    /// The same key, with what its owner knows about it.
    #[must_use]
    pub fn with_notes(mut self, notes: KeyNotes) -> Self {
        self.notes = notes.showable();
        self
    }

    /// What its owner knows about it.
    pub fn notes(&self) -> &KeyNotes {
        &self.notes
    }

    /// The environment that the key is for, by its prefix or by declaration; `None` if neither says.
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// The prefix that tells the form; empty where the provider's keys have none.
    pub fn prefix(&self) -> &str {
        &self.text.expose()[..self.prefix_length]
    }

    /// The key itself, as a [`Secret`].
    pub fn secret(&self) -> &Secret {
        &self.text
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}[redacted], environment: {:?})", self.prefix(), self.environment)
    }
}

/// Refuses to declare an environment that there is none of, or other than the prefix says.
pub(super) fn check_declared(provider: &Provider, what: &'static str, known: Option<&str>, declared: &str) -> Result<(), KeyError> {
    if provider.environment(declared).is_none() {
        let known = provider.environments().map(|environment| environment.name().to_owned()).collect();
        return Err(error(provider, what, KeyFault::UnknownEnvironment { known }));
    }
    match known {
        Some(said) if said != declared => {
            let fault = KeyFault::DeclaredOtherwise { prefix_says: said.to_owned(), declared: declared.to_owned() };
            Err(error(provider, what, fault))
        }
        _ => Ok(()),
    }
}

/// Finds the form that a text has, or what keeps it from having one.
pub(super) fn recognise<'p, F: Iterator<Item = &'p FormatFacts>>(
    provider: &Provider,
    what: &'static str,
    text: &str,
    formats: impl Fn() -> F,
) -> Result<&'p FormatFacts, KeyError> {
    let format = formats().filter(|format| text.starts_with(&format.prefix)).max_by_key(|format| format.prefix.len());
    if let Some(format) = format.filter(|format| is_plain(format, text)) {
        return Ok(format);
    }
    let fault = match (pasted_along(text).or_else(|| placeholder(text)), format) {
        (Some(fault), _) => fault,
        (None, Some(format)) => match misfit(format, text) {
            None => return Ok(format),
            Some(fault) => fault,
        },
        (None, None) => unknown_prefix(provider, text, formats()),
    };
    Err(error(provider, what, fault))
}

pub(super) fn error(provider: &Provider, what: &'static str, fault: KeyFault) -> KeyError {
    KeyError { provider: provider.title().to_owned(), what, fault, obtain: provider.where_to_obtain().map(ToOwned::to_owned) }
}

/// What no key of any provider has in it.
fn pasted_along(text: &str) -> Option<KeyFault> {
    if text.trim().is_empty() {
        return Some(KeyFault::Empty);
    }
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default().trim_end_matches(':');
    if words.next().is_some() && ["bearer", "basic", "token", "authorization"].iter().any(|scheme| first.eq_ignore_ascii_case(scheme)) {
        return Some(KeyFault::SchemePasted);
    }
    let quote = |c: char| matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’');
    if text.starts_with(quote) || text.ends_with(quote) {
        return Some(KeyFault::Quoted);
    }
    text.chars().enumerate().find_map(|(index, c)| {
        let position = index + 1;
        if c.is_whitespace() {
            Some(KeyFault::WhiteSpace { position })
        } else if c.is_control() {
            Some(KeyFault::ControlCharacter { position })
        } else if !c.is_ascii() {
            Some(KeyFault::NotAscii { position })
        } else {
            None
        }
    })
}

/// Texts that stand for a key in documentation: `<api_key>`, `YOUR_ACCESS_TOKEN`, `sk_live_xxxx`, `${TOKEN}`.
fn placeholder(text: &str) -> Option<KeyFault> {
    let framed = [('<', '>'), ('{', '}'), ('[', ']')].iter().any(|(open, close)| text.ends_with(*close) && text.contains(*open));
    let bytes = text.as_bytes();
    let mut words = PLACEHOLDERS.iter().flat_map(|(_, words)| words.iter());
    let named = words.any(|word| bytes.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes())));
    let body = text.rsplit('_').next().unwrap_or_default();
    let repeated = body.len() >= 3 && body.bytes().all(|b| matches!(b, b'x' | b'X' | b'*' | b'.'));
    (framed || named || repeated || text.starts_with('$')).then_some(KeyFault::Placeholder)
}

/// What keeps a text with the right prefix from having this form.
fn misfit(format: &FormatFacts, text: &str) -> Option<KeyFault> {
    let body = text.as_bytes().get(format.prefix.len()..).unwrap_or_default();
    let alphabet = format.alphabet;
    let wrong = body.iter().position(|byte| !alphabet.contains(*byte));
    if let Some(index) = wrong {
        return Some(KeyFault::Alphabet { position: format.prefix.len() + index + 1, expected: format.alphabet.describe() });
    }
    if has_right_length(format, body.len()) {
        return None;
    }
    let at_least = format.min_length.map_or(String::new(), |minimum| format!("at least {minimum}"));
    Some(KeyFault::Length { expected: format.length.map_or(at_least, |length| length.to_string()), found: body.len() })
}

fn unknown_prefix<'p>(provider: &Provider, text: &str, formats: impl Iterator<Item = &'p FormatFacts>) -> KeyFault {
    let others = Provider::builtin_names().filter(|name| *name != provider.name()).filter_map(|name| Provider::builtin(name).ok());
    for other in others {
        let theirs = |format: &FormatFacts| !format.prefix.is_empty() && text.starts_with(&format.prefix) && misfit(format, text).is_none();
        if other.key_formats().chain(other.secret_formats()).any(theirs) {
            return KeyFault::OtherProvider { title: other.title().to_owned() };
        }
    }
    KeyFault::UnknownPrefix { known: formats.map(|format| format.prefix.clone()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_declaration_may_add_to_a_key_but_not_contradict_it() {
        let numeric = Provider::builtin("numeric").unwrap();
        let key = ApiKey::parse(&numeric, "opaque-token").unwrap();
        assert_eq!(key.environment(), None);
        assert_eq!(key.clone().declared(&numeric, "sandbox").unwrap().environment(), Some("sandbox"));
        assert!(key.declared(&numeric, "moon").unwrap_err().to_string().contains("production, sandbox"));

        let finora = Provider::builtin("finora").unwrap();
        let live = ApiKey::parse(&finora, format!("live_sk_{}", "0a".repeat(24))).unwrap();
        assert_eq!((live.prefix(), live.environment()), ("live_sk_", Some("production")));
        assert!(matches!(live.declared(&finora, "staging").unwrap_err().fault(), KeyFault::DeclaredOtherwise { .. }));
    }

    #[test]
    fn a_format_can_be_relaxed_but_not_to_nonsense() {
        let finora = Provider::builtin("finora").unwrap();
        let longer = format!("live_sk_{}", "0a".repeat(32));
        assert!(ApiKey::parse(&finora, longer.as_str()).is_err());
        assert_eq!(ApiKey::parse_relaxed(&finora, longer.as_str()).unwrap().environment(), Some("production"));
        assert_eq!(ApiKey::parse_relaxed(&finora, "next_generation_key").unwrap().environment(), None);
        for nonsense in ["", " live_sk_0a", "Bearer live_sk_0a", "<api_key>", "sk_live_abcdefghijklmnop1234"] {
            assert!(ApiKey::parse_relaxed(&finora, nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn debug_shows_the_shared_prefix_only() {
        let finora = Provider::builtin("finora").unwrap();
        let live = ApiKey::parse(&finora, format!("live_sk_{}", "0a".repeat(24))).unwrap();
        assert_eq!(format!("{live:?}"), "ApiKey(live_sk_[redacted], environment: Some(\"production\"))");
    }

    #[test]
    fn an_api_that_takes_no_keys_says_what_it_takes() {
        let adaas = Provider::builtin("adaas").unwrap();
        assert!(ApiKey::parse(&adaas, "SB_0123456789").unwrap_err().to_string().contains("client id and a client secret"));
    }
    #[test]
    fn one_look_passes_nothing_that_a_closer_look_would_not() {
        let words = PLACEHOLDERS.iter().flat_map(|(_, words)| words.iter().copied());
        let odd = [
            "\"", "'", "`", "$", "<", ">", "{", "}", "x", "XX", "***", "...", " ", "\u{7f}", "é", "_", "-", "/", "g", "0a", "", "YOU",
            "cHaNgEmE",
        ];
        let pieces: Vec<&str> = words.chain(odd).chain(["test_sk_", "live_sk_", "sk_live_", "0a3f9c0a3f9c0a3f9c0a3f9c0a3f9c0a"]).collect();
        let mut dice = fastrand::Rng::with_seed(1);
        let (mut plain, mut other) = (0, 0);
        for provider in Provider::builtin_names().map(|name| Provider::builtin(name).unwrap()) {
            for _ in 0..20_000 {
                let text: String = (0..dice.usize(1..5)).map(|_| pieces[dice.usize(..pieces.len())]).collect();
                for format in provider.key_formats().filter(|format| text.starts_with(&format.prefix)) {
                    let closer = pasted_along(&text).or_else(|| placeholder(&text)).or_else(|| misfit(format, &text));
                    if is_plain(format, &text) {
                        assert_eq!(closer, None, "{text:?}");
                        plain += 1;
                    } else {
                        other += usize::from(closer.is_some());
                    }
                }
            }
        }
        assert!(plain > 100 && other > 100, "{plain} {other}");
        assert!(PLACEHOLDERS.iter().all(|(pair, words)| words.iter().all(|word| word.as_bytes().starts_with(pair))));
    }

    #[test]
    fn what_was_pasted_along_is_seen_on_either_side() {
        let finora = Provider::builtin("finora").unwrap();
        let key = format!("live_sk_{}", "0a".repeat(24));
        for text in [format!("\"{key}"), format!("{key}\"")] {
            assert_eq!(*ApiKey::parse(&finora, text).unwrap_err().fault(), KeyFault::Quoted);
        }
        let fault = |text: &str| ApiKey::parse(&finora, text).unwrap_err().fault().clone();
        assert_eq!(fault("live_sk_xxx"), KeyFault::Placeholder);
        assert!(matches!(fault("live_sk_xx"), KeyFault::Alphabet { position: 9, .. }));
        assert!(matches!(fault("live_sk_abc"), KeyFault::Length { found: 3, .. }));
        let error = ApiKey::parse(&finora, format!("live_sk_{}", "0g".repeat(24))).unwrap_err();
        assert!(error.to_string().contains("a character at position 10 that is not one of 0-9 a-f;"), "{error}");
        let error = ApiKey::parse(&finora, "live_sk_abc").unwrap_err();
        assert_eq!(error.provider(), finora.title());
        assert!(
            error.to_string().starts_with("the key for Finora Business has 3 characters after its prefix instead of 48; copy it again as")
        );
        assert!(error.advice().starts_with("copy it again as a whole; it is issued at: "), "{}", error.advice());
        // What no relaxing makes a key of keeps its own fault.
        assert!(matches!(ApiKey::parse_relaxed(&finora, "live sk").unwrap_err().fault(), KeyFault::WhiteSpace { position: 5 }));
        let key = ApiKey::parse(&finora, key).unwrap();
        assert!(matches!(key.clone().declared(&finora, "moon").unwrap_err().fault(), KeyFault::UnknownEnvironment { .. }));
        assert_eq!(key.declared(&finora, "production").unwrap().environment(), Some("production"));
    }
}
