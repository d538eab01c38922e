//! Challenges: what a server wants to see before it answers, read from `WWW-Authenticate`, however it is written.
//!
//! RFC 9110 section 11.6.1 separates both challenges and their parameters with commas, so that only what follows a word tells whether it begins a challenge.
//! Nothing here fails: what fits no rule is skipped up to the next challenge that can be recognised.

use crate::headers::{Headers, is_token_byte, unfolded};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use core::fmt;
use core::time::Duration;
use serde::de::IgnoredAny;

/// `Challenge` is one way to authenticate that a server offers or insists on: a scheme, with a token or with parameters (RFC 9110 section 11.3).
///
/// Its text is the server's, unchecked; `Debug` shows the names of the parameters without their values, because a server may echo what it was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    token68: Option<String>,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The scheme as the server wrote it; compare with [`Challenge::is`].
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether it is of this scheme, without regard to case.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The token that stands in place of parameters, as in `Negotiate` (RFC 9110 section 11.2).
    pub fn token68(&self) -> Option<&str> {
        self.token68.as_deref()
    }

    /// Every parameter, in the server's order, names in lower case, a repeated one as often as it stands there.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a parameter, without regard to the case of its name; of a repeated one the first, so that nothing can be appended to overrule it.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The protection space (RFC 9110 section 11.5).
    pub fn realm(&self) -> Option<&str> {
        self.parameter("realm")
    }

    /// The scopes that the call needs, separated by spaces (RFC 6750 section 3).
    pub fn scope(&self) -> Option<&str> {
        self.parameter("scope")
    }

    /// The error code, such as `invalid_token` (RFC 6750 section 3.1).
    pub fn error(&self) -> Option<&str> {
        self.parameter("error")
    }

    /// The error in words for a developer (RFC 6750 section 3).
    pub fn error_description(&self) -> Option<&str> {
        self.parameter("error_description")
    }

    /// The address of a page about the error (RFC 6750 section 3).
    pub fn error_uri(&self) -> Option<&str> {
        self.parameter("error_uri")
    }

    /// The authentication contexts that the server would take, best first, separated by spaces (RFC 9470 section 3).
    pub fn acr_values(&self) -> Option<&str> {
        self.parameter("acr_values")
    }

    /// How old the person's sign-in may be at most (RFC 9470 section 3).
    pub fn max_age(&self) -> Option<Duration> {
        let text = self.parameter("max_age")?.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().map(Duration::from_secs)
    }

    /// The claims request to put into the next token request, as JSON (`OpenID` Connect Core section 5.5), taken out of its base64 where it is in one.
    pub fn claims(&self) -> Option<String> {
        let is_json = |text: &str| text.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok();
        let text = self.parameter("claims")?.trim();
        if is_json(text) {
            return Some(text.to_owned());
        }
        let alphabet = if text.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
        // Servers pad, do not pad, and leave bits over: none of it changes what is meant.
        let config =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);
        let decoded = GeneralPurpose::new(alphabet, config).decode(text).ok()?;
        String::from_utf8(decoded).ok().filter(|claims| is_json(claims))
    }

    /// The address of the document that says which authorization server to ask (RFC 9728 section 5.1).
    pub fn resource_metadata(&self) -> Option<&str> {
        self.parameter("resource_metadata")
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        if self.token68.is_some() {
            f.write_str(" (a token)")?;
        }
        f.debug_list().entries(self.parameters.iter().map(|(name, _)| name)).finish()
    }
}

/// Every challenge of the `WWW-Authenticate` header fields, in order.
pub fn challenges(headers: &dyn Headers) -> Vec<Challenge> {
    let mut read = Vec::new();
    headers.values("www-authenticate", &mut |value| {
        let value = unfolded(value);
        let text = String::from_utf8_lossy(&value);
        Reader { text: &text, at: 0, quotes: true }.read(&mut read);
    });
    read
}

/// A place in one header field; `quotes` is false once a quotation mark without an end was met, so that the rest is not searched again.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    quotes: bool,
}

impl<'a> Reader<'a> {
    fn read(mut self, read: &mut Vec<Challenge>) {
        // Fields of one name are one list (RFC 9110 section 5.3), so a field may go on with the parameters of the last challenge before it.
        let mut open = read.last().is_some_and(|last| last.token68.is_none());
        loop {
            self.skip(|byte| matches!(byte, b' ' | b'\t' | b','));
            if self.rest().is_empty() {
                return;
            }
            let word = self.token();
            let spaces = self.skip(is_space);
            let follows = self.peek();
            if word.is_empty() || !(spaces || matches!(follows, None | Some(b',' | b'='))) {
                open = false;
                self.skip_to_comma();
            } else if follows == Some(b'=') {
                let value = self.value();
                if let Some(last) = read.last_mut().filter(|_| open) {
                    last.parameters.push((word.to_ascii_lowercase(), value));
                }
            } else {
                let token68 = self.token68();
                open = token68.is_none() && (matches!(follows, None | Some(b',')) || self.parameter_follows(self.at));
                if !open && token68.is_none() {
                    self.skip_to_comma();
                }
                read.push(Challenge { scheme: word.to_owned(), token68, parameters: Vec::new() });
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes past the bytes that fit; whether there were any. Only ASCII may fit, so that `at` stays between characters.
    fn skip(&mut self, fits: impl Fn(u8) -> bool) -> bool {
        let length = run(self.rest(), fits);
        self.at += length;
        length > 0
    }

    fn token(&mut self) -> &'a str {
        let start = self.at;
        self.skip(is_token_byte);
        &self.text[start..self.at]
    }

    /// A token68, if one stands here and nothing else before the next comma.
    fn token68(&mut self) -> Option<String> {
        let rest = self.rest();
        let letters = run(rest, |byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
        let length = letters + run(&rest[letters..], |byte| byte == b'=');
        let after = rest[length..].trim_start_matches([' ', '\t']);
        let alone = letters > 0 && (after.is_empty() || after.starts_with(','));
        // `realm=` could be either; nobody's token is "realm", and an empty realm is a common slip.
        if !alone || rest[..length].eq_ignore_ascii_case("realm=") {
            return None;
        }
        self.at += length;
        Some(rest[..length].to_owned())
    }

    /// The value behind the `=` that stands here.
    fn value(&mut self) -> String {
        self.at += 1;
        self.skip(is_space);
        if self.peek() == Some(b'"') {
            let (value, _) = self.quoted();
            // Without a comma the next parameter or challenge is taken if it is plainly one, anything else is dropped.
            let spaces = self.skip(is_space);
            let goes_on = spaces && (self.parameter_follows(self.at) || self.challenge_follows());
            if !goes_on && self.peek().is_some_and(|byte| byte != b',') {
                self.skip_to_comma();
            }
            return value;
        }
        let start = self.at;
        let value = self.token();
        let spaces = self.skip(is_space);
        if matches!(self.peek(), None | Some(b',')) || (spaces && self.parameter_follows(self.at)) {
            return value.to_owned();
        }
        // An unquoted URL or sentence: not allowed, but what was meant is plain.
        self.skip(|byte| byte != b',');
        self.text[start..self.at].trim().to_owned()
    }

    /// A quoted string (RFC 9110 section 5.6.4), and whether it has an end; one without goes as far as the field does.
    fn quoted(&mut self) -> (String, bool) {
        let mut value = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((offset, char)) = chars.next() {
            match char {
                '"' => {
                    self.at += offset + 1;
                    return (value, true);
                }
                '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                other => value.push(other),
            }
        }
        self.at = self.text.len();
        (value, false)
    }

    /// Whether a name and `=` stand at this place.
    fn parameter_follows(&self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        let name = run(rest, is_token_byte);
        name > 0 && rest[name..].trim_start_matches([' ', '\t']).starts_with('=')
    }

    /// Whether a scheme and the first of its parameters stand here.
    fn challenge_follows(&self) -> bool {
        let scheme = run(self.rest(), is_token_byte);
        let spaces = run(&self.rest()[scheme..], is_space);
        scheme > 0 && spaces > 0 && self.parameter_follows(self.at + scheme + spaces)
    }

    /// Goes to the next comma that stands in no quoted string.
    fn skip_to_comma(&mut self) {
        loop {
            self.skip(|byte| byte != b',' && byte != b'"');
            if self.peek() != Some(b'"') {
                return;
            }
            let quote = self.at;
            self.quotes = self.quotes && self.quoted().1;
            if !self.quotes {
                self.at = quote + 1;
            }
        }
    }
}

/// How many bytes from the start fit.
fn run(text: &str, fits: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !fits(byte)).unwrap_or(text.len())
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn read(value: &str) -> Vec<Challenge> {
        let headers: &[(&str, &str)] = &[("www-authenticate", value)];
        challenges(&headers)
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", read("Bearer realm=\"books\", claims=\"made-up\""));
        assert!(shown.contains("Bearer") && shown.contains("claims") && !shown.contains("made-up") && !shown.contains("books"), "{shown}");
        assert_eq!(format!("{:?}", read("Negotiate bWFkZS11cA==")), "[Negotiate (a token)[]]");
    }

    #[test]
    fn what_follows_a_token_is_not_its_parameter() {
        let read = read("Negotiate bWFkZS11cA==, realm=\"books\"");
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].token68(), read[0].parameters().count()), (Some("bWFkZS11cA=="), 0));
    }

    #[test]
    fn without_a_comma_only_what_is_plainly_meant_is_taken() {
        for (value, schemes, error) in [
            ("Bearer realm=\"a\" error=\"e\"", "Bearer", Some("e")),
            ("Bearer realm=\"a\" Basic realm=\"b\"", "Bearer Basic", None),
            ("Bearer realm=\"a\" Basic", "Bearer", None),
            ("Bearer realm=\"a\" junk, error=\"e\"", "Bearer", Some("e")),
            ("Bearer realm=\"a\" junk more, error=\"e\"", "Bearer", Some("e")),
            ("Bearer realm=\"a\" x/y, error=\"e\"", "Bearer", Some("e")),
            ("Bearer realm=\"a\" =b, error=\"e\"", "Bearer", Some("e")),
            ("Bearer realm=\"a\"error=\"f\", error=\"e\"", "Bearer", Some("e")),
            ("Bearer junk more, error=\"e\"", "Bearer", None),
        ] {
            let read = read(value);
            assert_eq!(read.iter().map(Challenge::scheme).collect::<Vec<_>>().join(" "), schemes, "{value}");
            assert_eq!(read[0].error(), error, "{value}");
        }
    }
}
