//! Fields: a name, a separator, a value, in headers, JSON, printed maps, form bodies, URLs and commands.

use super::names::{Kind, Name, name_around};
use super::place::{Place, Separator, Where, place};
use super::rules::Rules;
use super::value::{BASE64URL, Quote, Text, is_plain, is_words, looks_random, rest_of_line, run, says_nothing};
use super::{Found, Sign};
use crate::redact::prefixes::is_mixed;

/// Scheme words that are followed by one credential (IANA's registry of authentication schemes, and what vendors add to it).
const ONE_CREDENTIAL: [&str; 12] =
    ["bearer", "basic", "token", "apikey", "api-key", "key", "dpop", "negotiate", "ntlm", "privatetoken", "jwt", "gnap"];

/// Scheme words that are followed by parameters, of which some are secret; all are taken out.
const PARAMETERS: [&str; 8] = ["digest", "oauth", "signature", "hmac", "hawk", "aws4-hmac-sha256", "scram-sha-256", "sharedkey"];

/// Shorter values of `code` are status numbers, countries and the like.
const SHORTEST_CODE: usize = 6;
/// Shorter values of `key` are names of columns and the like.
const SHORTEST_KEY: usize = 16;
/// How far the end of a `code` or a `key` is looked for before it is called one.
const LOOK_AHEAD: usize = 1024;
/// The shortest value that is taken out of `name: value` in plain text, where a word may as well follow.
const SHORTEST_PLAIN: usize = 6;

/// The shortest private member of a JSON web key that is taken out: 192 bits in base64url.
const SHORTEST_MEMBER: usize = 32;
/// Longer values are no paths of files and no names of functions.
const LONGEST_PATH: usize = 128;
/// What the names of files with keys end with.
const PATH_ENDS: [&str; 5] = [".pem", ".key", ".p8", ".der", ".json"];
/// How far the first `=` of a cookie is looked for: a cookie's name is shorter.
const LONGEST_COOKIE_NAME: usize = 256;

/// What a line leaves open for the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Open {
    #[default]
    Nothing,
    /// A private key in PEM; whether a line of it was seen.
    Key { seen: bool },
    /// The value of a name; of a pair it is called `value` there.
    Value { kind: Kind, hyphened: bool, pair: bool },
}

/// The credential in the field whose name is around `hit`.
pub(super) fn field(text: Text<'_>, hit: core::ops::Range<usize>, rules: &Rules) -> Option<Sign> {
    let name = name_around(text.bytes, hit, &rules.headers)?;
    match place(text, &name)? {
        Where::Here(place) => value(text, &name, &place, rules).map(Sign::Found),
        Where::Below { pair } if !matches!(name.kind, Kind::Code | Kind::Key | Kind::JwkMember) => {
            Some(Sign::Opens(Open::Value { kind: name.kind, hyphened: name.hyphened, pair }))
        }
        Where::Below { .. } => None,
    }
}

/// The credential at the beginning of a line, whose name ended the line before.
pub(super) fn next_line(text: Text<'_>, start: usize, kind: Kind, hyphened: bool, pair: bool, rules: &Rules) -> Option<Found> {
    let bytes = text.bytes;
    let mut at = text.skip_blanks(start);
    // JSON and YAML may indent by more than what aligns.
    at += bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let name = Name { start, end: at, kind, hyphened, option: false };
    if pair {
        let at = super::place::value_of_pair(text, at)?;
        let (quote, from) = Quote::at(bytes, at)?;
        return value(text, &name, &Place { start: from, end: Some(quote.end(bytes, from)), separator: Separator::Colon }, rules);
    }
    let separator = Separator::Colon;
    let (found, after) = if let Some((quote, from)) = Quote::at(bytes, at) {
        let end = quote.end(bytes, from);
        let after = Quote::at(bytes, end).map_or(end, |(_, after)| after);
        (value(text, &name, &Place { start: from, end: Some(end), separator }, rules)?, after)
    } else if matches!(kind, Kind::Authorization | Kind::Cookie | Kind::Custom) {
        // A folded header (RFC 9112 section 5.2): its next line begins with a blank.
        return if at > start { value(text, &name, &Place { start: at, end: None, separator }, rules) } else { None };
    } else {
        let end = run(bytes, at, false);
        let alone =
            looks_random(&bytes[at..end], SHORTEST_PLAIN) && !matches!(bytes[at], b'/' | b'[' | b'{') && !bytes[at..end].contains(&b'=');
        if !alone {
            return None;
        }
        (value(text, &name, &Place { start: at, end: None, separator }, rules)?, end)
    };
    // A name with a value of its own, or a sentence, is no value.
    let after = after + bytes[after..].iter().take(4).take_while(|byte| matches!(byte, b',' | b';' | b']' | b'}' | b')')).count();
    text.is_line_end(text.skip_blanks(after)).then_some(found)
}

/// The part of a value that is secret.
fn value(text: Text<'_>, name: &Name, place: &Place, rules: &Rules) -> Option<Found> {
    let bytes = text.bytes;
    if place.end.is_none() && begins_code(bytes, name, place.start) {
        return None;
    }
    let (start, end) = match (name.kind, place.end, place.separator) {
        (Kind::Authorization, ..) => authorization(text, name, place)?,
        (Kind::Cookie | Kind::Custom, Some(end), _) => (place.start, end),
        (Kind::Cookie, None, Separator::Colon) => {
            // A cookie is a name and an equals sign (RFC 6265 section 4.1.1); prose about cookies has a blank first.
            let near = &bytes[place.start..bytes.len().min(place.start + LONGEST_COOKIE_NAME)];
            let length = near.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)).count();
            let is_cookie = length > 0 && near.get(length) == Some(&b'=');
            is_cookie.then(|| (place.start, rest_of_line(bytes, name.start, place.start)))?
        }
        // The grammar of the caller's header is not known, so nothing of it stays.
        (Kind::Custom, None, Separator::Colon) => (place.start, rest_of_line(bytes, name.start, place.start)),
        (Kind::Cookie | Kind::Custom, None, _) => (place.start, run(bytes, place.start, false)),
        _ => single(text, name, place)?,
    };
    rules.found(text, start, end)
}

/// What follows `Authorization:` without its scheme word.
fn authorization(text: Text<'_>, name: &Name, place: &Place) -> Option<(usize, usize)> {
    let bytes = text.bytes;
    let limit = place.end.unwrap_or_else(|| run(bytes, place.start, place.separator == Separator::Encoded));
    let word_length = bytes[place.start..].iter().take(32).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    let word = &bytes[place.start..place.start + word_length];
    let after = place.start + word_length;
    let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    let single = is(&ONE_CREDENTIAL);
    let blank = matches!(text.at(after), Some(b' ' | b'\t')) || after >= bytes.len();
    if blank && (single || is(&PARAMETERS)) {
        let start = text.skip_blanks(after);
        let end = match place.end {
            Some(end) => end,
            None if single => run(bytes, start, false),
            None => rest_of_line(bytes, name.start, start),
        };
        let rest = bytes.get(start..end)?;
        return (!is_idle(rest) && !says_nothing(rest)).then_some((start, end));
    }
    if (single && after >= limit) || says_nothing(bytes.get(place.start..limit)?) {
        return None;
    }
    let end = match (place.end, place.separator) {
        (Some(end), _) => end,
        (None, Separator::Colon) => rest_of_line(bytes, name.start, place.start),
        (None, _) => limit,
    };
    Some((place.start, end))
}

/// Whether what follows a scheme word is more of a sentence.
fn is_idle(value: &[u8]) -> bool {
    ["token", "tokens", "auth", "authentication", "authorization", "credentials", "scheme"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

/// The one value of a name that announces a secret.
fn single(text: Text<'_>, name: &Name, place: &Place) -> Option<(usize, usize)> {
    let bytes = text.bytes;
    // Before the end is looked for, because what is left alone must not be read again and again.
    if matches!(name.kind, Kind::Pwd | Kind::PrivateKey) && begins_path(&bytes[place.start..]) {
        return None;
    }
    let encoded = place.separator == Separator::Encoded;
    let (start, end) = match place.end {
        Some(end) => (place.start, end),
        None if matches!(name.kind, Kind::Code | Kind::Key) && place.start < bytes.len() => {
            // A look ahead that is bounded, because most of these lead nowhere; what is longer than this is no word.
            let near = bytes.len().min(place.start + LOOK_AHEAD);
            let end = run(&bytes[..near], place.start, encoded);
            if end == near && near < bytes.len() {
                return Some((place.start, run(bytes, place.start, encoded)));
            }
            (place.start, end)
        }
        None => (place.start, run(bytes, place.start, encoded)),
    };
    let value = bytes.get(start..end)?;
    if says_nothing(value) {
        return None;
    }
    let assigned = place.separator != Separator::Colon;
    let quoted = place.end.is_some();
    let is_path = || value.len() <= LONGEST_PATH && PATH_ENDS.iter().any(|end| value.ends_with(end.as_bytes()));
    let in_form = || {
        let before = bytes[..name.start].last().copied();
        encoded || matches!(before, Some(b'?' | b'&')) || text.at(end) == Some(b'&')
    };
    let cut = text.is_cut(end);
    let taken = match name.kind {
        Kind::Code => assigned && in_form() && (looks_random(value, SHORTEST_CODE) || cut),
        Kind::Key => assigned && in_form() && (value.len() >= SHORTEST_KEY || cut) && !value.ends_with(b"[redacted]"),
        Kind::JwkMember => quoted && value.len() >= SHORTEST_MEMBER && value.iter().all(|byte| BASE64URL.has(*byte)) && is_mixed(value),
        Kind::Pwd | Kind::PrivateKey if is_path() => false,
        // What stands in PEM is found by its first line.
        Kind::PrivateKey if !quoted && value.starts_with(b"-----") => false,
        Kind::Pass if value.iter().all(u8::is_ascii_digit) && !name_is_upper(bytes, name) => false,
        // A list of two names is no name with its value.
        _ if place.separator == Separator::List => !is_words(value) || value.len() >= 24,
        // `--token TOKEN` and `--token string` are what a command's help says.
        _ if place.separator == Separator::Blank => quoted || value.iter().any(u8::is_ascii_digit) || !is_plain(value) && !is_option(value),
        _ if quoted || cut => true,
        Kind::Token if assigned => in_form() || !is_plain(value),
        _ if assigned => true,
        // A header: `X-API-Key: 12345`.
        _ if name.hyphened => true,
        _ => looks_random(value, SHORTEST_PLAIN),
    };
    if !taken {
        return None;
    }
    // A scheme word in a header of another name: `X-Auth-Token: Bearer abc`.
    let is_scheme = |scheme: &&&str| value.len() >= scheme.len() && value[..scheme.len()].eq_ignore_ascii_case(scheme.as_bytes());
    match ["Bearer", "Basic", "Token"].iter().find(is_scheme) {
        Some(scheme) if matches!(text.at(start + scheme.len()), Some(b' ' | b'\t')) => {
            let after = text.skip_blanks(start + scheme.len());
            let end = place.end.unwrap_or_else(|| run(bytes, after, false));
            Some((after, end))
        }
        _ => Some((start, end)),
    }
}

/// Whether a value begins as the path of a file does.
fn begins_path(value: &[u8]) -> bool {
    matches!(value, [b'/' | b'~', ..] | [b'.', b'/' | b'.' | b'\\', ..] | [_, b':', b'\\' | b'/', ..])
}

/// Whether a value is a piece of a program: `self.next_token(…`, `os.environ[…`, `password=password`.
fn begins_code(text: &[u8], name: &Name, start: usize) -> bool {
    let value = &text[start..];
    let length =
        value.iter().take(LONGEST_PATH).take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b':')).count();
    let last = value[..length].rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let next = value.get(length);
    let ends = next.is_none_or(|byte| matches!(byte, b',' | b')' | b';' | b' ' | b'\n' | b'\r'));
    length > 1 && (matches!(next, Some(b'(' | b'[')) || (ends && last == &text[name.start..name.end]))
}

/// Whether a name is written in capitals, as variables of the environment are.
fn name_is_upper(text: &[u8], name: &Name) -> bool {
    !text[name.start..name.end].iter().any(u8::is_ascii_lowercase)
}

/// Whether a word of a command is its next option, or a mark in its help.
fn is_option(value: &[u8]) -> bool {
    matches!(value.first(), Some(b'-' | b'|' | b'[' | b'(' | b'{'))
}
