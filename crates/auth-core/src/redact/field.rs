//! Fields: a name, a separator, a value, in headers, JSON, printed maps, form bodies and URLs.

use super::names::{Kind, Name, name_around};
use super::value::{Quote, Text, is_plain, looks_random, rest_of_line, run, says_nothing};
use super::{Found, Rules};

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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    Colon,
    Equals,
    /// `=` in a URL that is itself a parameter.
    Encoded,
}

/// A value where it stands.
struct Place {
    start: usize,
    /// The end, if quotes or a tag say it.
    end: Option<usize>,
    separator: Separator,
}

/// The credential in the field whose name is around `hit`.
pub(super) fn field(text: Text<'_>, hit: core::ops::Range<usize>, rules: &Rules) -> Option<Found> {
    let name = name_around(text.bytes, hit, &rules.headers)?;
    let place = place(text, &name)?;
    let (start, end) = match name.kind {
        Kind::Authorization => authorization(text, &name, &place)?,
        Kind::Cookie => match (place.end, place.separator) {
            (Some(end), _) => (place.start, end),
            (None, Separator::Colon) => {
                let end = rest_of_line(text.bytes, name.start, place.start);
                text.bytes[place.start..end].contains(&b'=').then_some((place.start, end))?
            }
            (None, _) => (place.start, run(text.bytes, place.start, false)),
        },
        Kind::Custom => match (place.end, place.separator) {
            (Some(end), _) => (place.start, end),
            // The grammar of the caller's header is not known, so nothing of it stays.
            (None, Separator::Colon) => (place.start, rest_of_line(text.bytes, name.start, place.start)),
            (None, _) => (place.start, run(text.bytes, place.start, false)),
        },
        Kind::Secret | Kind::Token | Kind::Code | Kind::Key => single(text, &name, &place)?,
    };
    rules.found(text, start, end)
}

/// Where the value of a name stands; `None` if no value follows.
fn place(text: Text<'_>, name: &Name) -> Option<Place> {
    let bytes = text.bytes;
    let mut at = name.end;
    // XML: the name is a tag.
    if name.start > 0 && bytes[name.start - 1] == b'<' && text.at(at) == Some(b'>') {
        let end = memchr::memchr3(b'<', b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |found| at + found);
        return Some(Place { start: at + 1, end: Some(end), separator: Separator::Equals });
    }
    for bracket in [&b"]"[..], b"%5D", b"%5d"] {
        if text.begins(at, bracket) {
            at += bracket.len();
        }
    }
    let closed = Quote::at(bytes, at).filter(|_| Quote::before(bytes, name.start).is_some());
    if let Some((_, after)) = closed {
        at = after;
    }
    at = text.skip_blanks(at);
    let separator = match text.at(at)? {
        b':' => Separator::Colon,
        b'=' if text.at(at + 1) != Some(b'=') => Separator::Equals,
        b'%' if text.begins(at, b"%3D") || text.begins(at, b"%3d") => Separator::Encoded,
        // A pair, as Python prints it; in a list of names the next name is no value.
        b',' if closed.is_some() && Quote::before(bytes, name.start).is_some_and(|(_, at)| at > 0 && bytes[at - 1] == b'(') => {
            Separator::Colon
        }
        _ => return None,
    };
    at += if separator == Separator::Encoded { 3 } else { 1 };
    if matches!(text.at(at), Some(b'>' | b'=')) {
        at += 1;
    }
    at = text.skip_blanks(at);
    if text.begins(at, b"Some(") {
        at += 5;
    }
    // Python's b'…' and u'…'.
    let opened = Quote::at(bytes, at).or_else(|| if matches!(text.at(at)?, b'b' | b'u') { Quote::at(bytes, at + 1) } else { None });
    match opened {
        // In `-H "Authorization: Bearer …"` the quote belongs to what stands around the field.
        Some((quote, start)) => Some(Place { start, end: Some(quote.end(bytes, start)), separator }),
        // What follows a quoted name without quotes is null, true, a number, a list.
        None if closed.is_some() && separator == Separator::Colon => None,
        None => Some(Place { start: at, end: None, separator }),
    }
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
        return (!is_idle(rest)).then_some((start, end));
    }
    if single && after >= limit {
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
    let in_form = || {
        let before = bytes[..name.start].last().copied();
        encoded || matches!(before, Some(b'?' | b'&')) || text.at(end) == Some(b'&')
    };
    let cut = text.is_cut(end);
    let taken = match name.kind {
        Kind::Code => assigned && in_form() && (looks_random(value, SHORTEST_CODE) || cut),
        Kind::Key => assigned && in_form() && (value.len() >= SHORTEST_KEY || cut) && !value.ends_with(b"[redacted]"),
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
