//! Secrets that need no name beside them: scheme words, keys with a prefix, JSON web tokens, passwords in URLs and of `curl -u`.

use super::Found;
use super::names::begins_word;
use super::prefixes::{Body, is_mixed};
use super::rules::Rules;
use super::value::{BASE64URL, Bytes, MARK, Quote, Text, is_placeholder, is_words, looks_random, run, says_nothing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::{memmem, memrchr};

/// After a bare `Bearer` or `Basic` a shorter word is part of a sentence.
const SHORTEST_BARE: usize = 8;
/// Fewer characters after a key's prefix are a hint such as `live_sk_ab12`, or a name in a program.
const SHORTEST_KEY_BODY: usize = 16;
/// How far back the first part of a JSON web token is looked for, in bytes; a certificate chain in it makes it long.
const LONGEST_JWT_HEADER: usize = 8192;
/// How far the `@` of a URL is looked for behind a `/` that should have been encoded.
const LONGEST_MISTAKE: usize = 256;
/// Nothing longer is made of words, in bytes.
const LONGEST_WORDS: usize = 64;
/// How far the command before `-u` and the name after it are looked for, in bytes.
const LONGEST_COMMAND: usize = 128;
/// The shortest header of a JSON web token: `{"alg":""}` has ten bytes, fourteen characters in base64.
const SHORTEST_JWT_HEADER: usize = 12;

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

static BASE64URL_OR_DOT: Bytes = Bytes::word(b"-_.");
static ENDS_USER: Bytes = Bytes::ends(b":/\\$");
static ENDS_URL: Bytes = Bytes::ends(b"\\");
static ENDS_AUTHORITY: Bytes = Bytes::ends(b"\\/?#");

fn is_base64url(byte: u8) -> bool {
    BASE64URL.has(byte)
}

fn length_of(text: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    text[from..].iter().take_while(|byte| belongs(**byte)).count()
}

/// Where the value after a scheme word begins, if the word stands there; `hit` is `back` bytes into it.
fn after_scheme(text: Text<'_>, hit: usize, back: usize, scheme: &[u8]) -> Option<usize> {
    let start = hit.checked_sub(back)?;
    let word = text.bytes.get(start..start + scheme.len())?;
    if !word.eq_ignore_ascii_case(scheme) || !begins_word(text.bytes, start, is_word) {
        return None;
    }
    let after = start + scheme.len();
    let value = if text.begins(after, b"%20") { after + 3 } else { text.skip_blanks(after) };
    (value > after).then_some(value)
}

/// `Bearer` and a token (RFC 6750 section 2.1), but not `Bearer token`, `bearer of` or a challenge's `Bearer realm="…"`.
pub(super) fn bearer(text: Text<'_>, hit: usize, rules: &Rules) -> Option<Found> {
    let start = after_scheme(text, hit, 3, b"bearer")?;
    let body = length_of(text.bytes, start, |byte| is_base64url(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/'));
    let padding = length_of(text.bytes, start + body, |byte| byte == b'=');
    let end = start + body + padding;
    let parameter = padding > 0 && (text.begins(end, MARK) || text.at(end).is_some_and(|next| next == b'"' || is_base64url(next)));
    let mut value = &text.bytes[start..end];
    while let Some((b'.', shorter)) = value.split_last() {
        value = shorter;
    }
    let path = value.starts_with(b"/") && value.len() < 24;
    let words = value.eq_ignore_ascii_case(b"oauth2.0") || is_placeholder(value) || is_words(value);
    let taken = text.is_cut(end) || (!parameter && !path && !words && looks_random(value, SHORTEST_BARE));
    if taken { rules.found(text, start, start + value.len()) } else { None }
}

/// `Basic` and the base64 of `user:password` (RFC 7617 section 2), but not `Basic plan`.
pub(super) fn basic(text: Text<'_>, hit: usize, rules: &Rules) -> Option<Found> {
    let start = after_scheme(text, hit, 2, b"basic")?;
    let body = length_of(text.bytes, start, |byte| is_base64url(byte) || matches!(byte, b'+' | b'/'));
    let end = start + body + length_of(text.bytes, start + body, |byte| byte == b'=').min(2);
    let value = &text.bytes[start..start + body];
    let taken = text.is_cut(end) || holds_a_pair(value) || (value.len() >= 24 && looks_random(value, SHORTEST_BARE));
    if taken { rules.found(text, start, end) } else { None }
}

/// Whether base64 holds text with a colon in it; its first 256 characters are enough to know.
fn holds_a_pair(base64: &[u8]) -> bool {
    let head = &base64[..base64.len().min(256)];
    let mut decoded = [0; 192];
    // The last characters may lack bits if the text was cut, so the last incomplete group is left aside when it does not decode.
    let whole = &head[..head.len() / 4 * 4];
    let read = STANDARD_NO_PAD.decode_slice(head, &mut decoded).or_else(|_| STANDARD_NO_PAD.decode_slice(whole, &mut decoded));
    let Ok(length) = read else { return false };
    let pair = &decoded[..length];
    base64.len() >= 4
        && pair.contains(&b':')
        && !pair.iter().any(u8::is_ascii_control)
        && (base64.len() > 256 || core::str::from_utf8(pair).is_ok())
}

/// A key that its prefix gives away: `live_sk_…`.
pub(super) fn prefixed(text: Text<'_>, hit: usize, rules: &Rules) -> Option<Found> {
    rules.prefixes.iter().find_map(|prefix| {
        let start = hit.checked_sub(prefix.window)?;
        let from = start + prefix.text.len();
        let short = prefix.body != Body::Long;
        // Most prefixes are another's already at the hit.
        if !prefix.has_at_window(text.bytes[hit])
            || !prefix.begins(text.bytes.get(start..)?)
            || !begins_word(text.bytes, start, |byte| byte.is_ascii_alphanumeric() || (short && byte == b'_'))
        {
            return None;
        }
        // The beginning tells, so that what is left alone is not read again and again.
        let near = &text.bytes[..text.bytes.len().min(from + LONGEST_WORDS)];
        let body = without_joints(&near[from..from + length_of(near, from, |byte| BASE64URL_OR_DOT.has(byte))]);
        let is_key = match prefix.body {
            Body::Long => body.len() >= SHORTEST_KEY_BODY && !is_placeholder(body) && !is_words(body) && !is_repeated(body),
            Body::Mixed => body.len() >= SHORTEST_KEY_BODY && is_mixed(body),
            Body::Hex => body.len() >= 40 && body.iter().all(u8::is_ascii_hexdigit),
        };
        if !is_key && !text.is_cut(from + body.len()) {
            return None;
        }
        let whole = &text.bytes[from..from + length_of(text.bytes, from, |byte| BASE64URL_OR_DOT.has(byte))];
        rules.found(text, from, from + without_joints(whole).len())
    })
}

/// A key without the punctuation after it.
fn without_joints(body: &[u8]) -> &[u8] {
    let joints = body.iter().rev().take_while(|byte| matches!(byte, b'.' | b'-' | b'_')).count();
    &body[..body.len() - joints]
}

fn is_repeated(body: &[u8]) -> bool {
    body.iter().all(|byte| *byte == body[0])
}

/// The password of `curl -u id:password`.
pub(super) fn user_option(text: Text<'_>, hit: core::ops::Range<usize>, rules: &Rules) -> Option<Found> {
    let line = &text.bytes[hit.start.saturating_sub(LONGEST_COMMAND)..hit.start];
    let line = &line[memrchr(b'\n', line).map_or(0, |end| end + 1)..];
    memmem::find(line, b"curl")?;
    let at = text.skip_blanks(hit.end);
    let opened = Quote::at(text.bytes, at);
    let start = opened.map_or(at, |(_, start)| start);
    // A name is short; what is longer is no name.
    let near = &text.bytes[start..text.bytes.len().min(start + LONGEST_COMMAND)];
    let colon = start + near.iter().position(|byte| ENDS_USER.has(*byte)).filter(|end| near[*end] == b':')?;
    let end = opened.map_or_else(|| run(text.bytes, start, false), |(quote, start)| quote.end(text.bytes, start));
    let password = text.bytes.get(colon + 1..end)?;
    if says_nothing(password) || password.starts_with(b"//") { None } else { rules.found(text, colon + 1, end) }
}

/// A JSON web token (RFC 7519): base64 of a JSON object, a dot, another one, a dot, a signature; or the five parts of an encrypted one (RFC 7516).
pub(super) fn jwt(text: Text<'_>, hit: usize, rules: &Rules) -> Option<Found> {
    let second = text.at(hit) == Some(b'.');
    // Found by its second part: the first is before it.
    let near = hit.saturating_sub(LONGEST_JWT_HEADER);
    let hit = if second { hit - text.bytes[near..hit].iter().rev().take_while(|byte| is_base64url(**byte)).count() } else { hit };
    if !begins_word(text.bytes, hit, is_base64url) || !text.begins(hit, b"e") {
        return None;
    }
    // Part by part, and no further than needed: a text of nothing but beginnings must not be read again and again.
    let header = length_of(text.bytes, hit, is_base64url);
    let payload = hit + header + 1;
    let cut = text.is_cut(hit + header);
    if !cut && (header < SHORTEST_JWT_HEADER || text.at(hit + header) != Some(b'.')) {
        return None;
    }
    let encrypted = || {
        let key = length_of(text.bytes, payload, is_base64url);
        text.is_cut(payload + key) || (text.at(payload + key) == Some(b'.') && length_of(text.bytes, payload + key + 1, is_base64url) >= 16)
    };
    let taken = cut || text.begins(payload, b"eyJ") || encrypted();
    let length = if taken { length_of(text.bytes, hit, |byte| BASE64URL_OR_DOT.has(byte)) } else { 0 };
    let mut token = &text.bytes[hit..hit + length];
    while let Some((b'.', shorter)) = token.split_last() {
        token = shorter;
    }
    if taken { rules.found(text, hit, hit + token.len()) } else { None }
}

/// The password before the `@` of a URL (RFC 3986 section 3.2.1), or a token that stands there alone.
pub(super) fn user_info(text: Text<'_>, hit: usize, rules: &Rules) -> Option<Found> {
    let start = hit + 4;
    let authority = start + length_of(text.bytes, start, |byte| !ENDS_AUTHORITY.has(byte));
    let colon = text.bytes[start..authority].iter().position(|byte| *byte == b':').map(|colon| start + colon);
    let mut at = text.bytes[start..authority].iter().rposition(|byte| *byte == b'@').map(|at| start + at);
    if at.is_none()
        && let Some(colon) = colon
    {
        // Somebody forgot to encode `/`, `?` or `#` in the password: what follows the colon is then no port.
        let port = &text.bytes[colon + 1..authority];
        if !port.is_empty() && !port.iter().all(u8::is_ascii_digit) && text.bytes[start] != b'[' {
            let near = &text.bytes[authority..text.bytes.len().min(authority + LONGEST_MISTAKE)];
            // First of all, because most have none.
            if memchr::memchr(b'@', near).is_some() {
                let word = length_of(near, 0, |byte| !ENDS_URL.has(byte));
                at = memrchr(b'@', &near[..word]).map(|at| authority + at);
            }
        }
    }
    let cut = text.is_cut(authority);
    let end = if cut { authority } else { at? };
    match colon {
        Some(colon) if colon < end => rules.found(text, colon + 1, end),
        _ if cut || looks_random(&text.bytes[start..end], 20) => rules.found(text, start, end),
        _ => None,
    }
}
