//! Reads JSON with the flaws that servers leave in it, so that no member is lost because another one is wrong.
//!
//! A text that is JSON (RFC 8259) is read as it is. Only if the parser refuses it, one pass mends these flaws: bytes that are not UTF-8, lone surrogates,
//! unknown escapes, raw control characters, numbers beyond every range, stray bytes between values, and bytes after the end of an object.
//! A character that cannot be known becomes U+FFFD, so that a strict check of a token still finds it.

use alloc::string::String;
use alloc::vec::Vec;
use serde_json::{Deserializer, Error, Value};
use zeroize::Zeroizing;

/// What a character that cannot be known is written as.
const UNKNOWN: &[u8] = b"\\ufffd";

/// A number larger than any that is meant: it stands for one that no number type can hold (RFC 8259 section 6).
const LARGEST: &[u8] = b"1e308";

/// The longest text that is mended: 1 MiB, because no error and no token answer is longer, and mending takes six times the room.
const LONGEST: usize = 1 << 20;

/// A number shorter than this is in range, unless it has an exponent.
const SHORT: usize = 300;

/// Reads a body as JSON, mending it if that is needed.
///
/// # Errors
/// The parser's error about the body as it was received.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Error> {
    // RFC 8259 section 8.1 lets a reader pass over a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).or_else(|error| {
        if bytes.len() > LONGEST {
            return Err(error);
        }
        let mended = mend(bytes);
        // Only an object: of words that begin with a number, the number says nothing.
        let first = Deserializer::from_slice(&mended).into_iter::<Value>().next();
        first.and_then(Result::ok).filter(Value::is_object).ok_or(error)
    })
}

/// The same text with its flaws mended, in linear time. It is wiped when it is dropped, because it may hold tokens.
fn mend(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    // Room for everything at once, each byte mended: a growing buffer would leave copies of the tokens behind.
    let mut out = Zeroizing::new(Vec::with_capacity(UNKNOWN.len() * bytes.len()));
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            b'"' => string(&bytes[at..], &mut out),
            b'-' | b'0'..=b'9' => number(&bytes[at..], &mut out),
            b'\t' | b'\n' | b'\r' | b' '..=b'~' => {
                out.push(byte);
                1
            }
            _ => {
                out.push(b' ');
                1
            }
        };
    }
    out
}

/// Mends a number; how long it was.
fn number(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let length = bytes.iter().take_while(is_part).count();
    let number = &bytes[..length];
    let may_be_large = length >= SHORT || number.iter().any(|byte| matches!(byte, b'e' | b'E'));
    let value = may_be_large.then(|| core::str::from_utf8(number).ok()?.parse::<f64>().ok()).flatten();
    if value.is_some_and(f64::is_infinite) {
        out.extend_from_slice(if number.starts_with(b"-") { b"-" } else { b"" });
        out.extend_from_slice(LARGEST);
    } else {
        out.extend_from_slice(number);
    }
    length
}

/// Mends a string; how long it was, with its quotation marks.
fn string(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    out.push(b'"');
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            b'"' => {
                out.push(b'"');
                return at + 1;
            }
            b'\\' => escape(&bytes[at..], out),
            b' '..=b'~' => {
                out.push(byte);
                1
            }
            0x80.. => character(&bytes[at..], out),
            _ => {
                let digit = |four: u8| b"0123456789abcdef"[usize::from(four & 15)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]);
                1
            }
        };
    }
    at
}

/// Mends an escape (RFC 8259 section 7); how long it was.
fn escape(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?.iter().all(u8::is_ascii_hexdigit).then(|| &bytes[at + 2..at + 6])?;
        u16::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
    };
    let whole = match (bytes.get(1), unit(0)) {
        (Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'), _) => 2,
        (_, Some(0xd800..=0xdbff)) if matches!(unit(6), Some(0xdc00..=0xdfff)) => 12,
        (_, Some(0xd800..=0xdfff)) => {
            out.extend_from_slice(UNKNOWN);
            return 6;
        }
        (_, Some(_)) => 6,
        _ => {
            out.extend_from_slice(UNKNOWN);
            return 1;
        }
    };
    out.extend_from_slice(&bytes[..whole]);
    whole
}

/// Mends a character outside of ASCII; how long it was.
fn character(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let known = (2..=4).find(|length| bytes.get(..*length).is_some_and(|bytes| core::str::from_utf8(bytes).is_ok()));
    let length = known.unwrap_or(1);
    out.extend_from_slice(if known.is_some() { &bytes[..length] } else { UNKNOWN });
    length
}

/// The text of a form body (`application/x-www-form-urlencoded`) as the object that JSON would have said it with; `None` if it is none of an
/// authorization server's: RFC 6749 section 4.1.2.1 in a body, or what OAuth 1.0 said.
pub(crate) fn form(text: &str) -> Option<Value> {
    const KNOWN: [&str; 3] = ["error", "access_token", "oauth_problem"];
    let (name, _) = text.split_once('=')?;
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')) {
        return None;
    }
    let mut object = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        object.entry(name).or_insert_with(|| Value::String(value.into_owned()));
    }
    if !KNOWN.iter().any(|known| object.contains_key(*known)) {
        return None;
    }
    for (old, new) in [("oauth_problem", "error"), ("oauth_problem_advice", "error_description")] {
        if let Some(value) = object.remove(old) {
            object.entry(String::from(new)).or_insert(value);
        }
    }
    Some(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn read(bytes: &[u8]) -> Option<Value> {
        parse(bytes).ok()
    }

    #[test]
    fn what_is_wrong_in_one_member_costs_no_other() {
        let long = format!("{{\"a\":\"t\",\"n\":{}}}", "9".repeat(400));
        for bytes in [
            &b"\xef\xbb\xbf{\"a\":\"t\"}"[..],
            b"{\"a\":\"t\",\"company\":\"Soci\xe9t\xe9\"}",
            b"{\"company\":\"\\ud83d\",\"a\":\"t\"}",
            b"{\"company\":\"\\udc00 \\ud83d\\u0041\",\"a\":\"t\"}",
            b"{\"company\":\"a\tb\nc\x00\",\"a\":\"t\"}",
            b"{\"path\":\"C:\\Data\\u00\",\"a\":\"t\"}",
            b"{\"a\":\"t\"}\x00\x00 \n",
            b"{\"a\":\"t\"}\x1a",
            b"\x00{\"a\":\"t\"}<!-- served by 7 -->",
            b"{\"a\":\"t\",\xa0\"n\":-1e99999}",
            long.as_bytes(),
        ] {
            let value = read(bytes).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(bytes)));
            assert_eq!(value["a"], "t", "{value}");
        }
    }

    #[test]
    fn what_cannot_be_known_is_marked_and_what_can_be_stays() {
        let value = read(b"{\"a\":\"t\xe9\",\"b\":\"\\ud83d\\ude00 \xc3\xa9 \\u00e9\",\"c\":\"x\x07\",\"d\":1e400}").unwrap();
        assert_eq!((value["a"].as_str(), value["b"].as_str()), (Some("t\u{fffd}"), Some("\u{1f600} \u{e9} \u{e9}")));
        assert_eq!((value["c"].as_str(), value["d"].as_f64()), (Some("x\u{7}"), Some(1e308)));
    }

    #[test]
    fn what_is_no_object_stays_what_it_is() {
        for bytes in [&b"404 page not found"[..], b"{\"a\":", b"{\"a\":\"t", b"[1,]", b"\x00", b"", b"\"t\" x", b"{'a':1}", b"{\"a\":007}"]
        {
            assert!(read(bytes).is_none(), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn the_time_it_takes_is_that_of_the_length() {
        for piece in ["\\ud83d", "\u{e9}", "9", "\"", "\\", "e9", "\0"] {
            let text = format!("{{\"a\":\"{}", piece.repeat(100_000));
            assert!(mend(text.as_bytes()).len() <= UNKNOWN.len() * text.len(), "{piece}");
        }
    }

    #[test]
    fn a_form_is_one_of_an_authorization_server_or_none() {
        let known = |text| form(text).and_then(|value| value["error"].as_str().map(String::from));
        assert_eq!(known("error=invalid_grant&error_description=a+b").as_deref(), Some("invalid_grant"));
        assert_eq!(known("state=7&error=x&error=y").as_deref(), Some("x"));
        assert_eq!(known("oauth_problem=token_rejected").as_deref(), Some("token_rejected"));
        assert!(form("a=b").is_none() && form("see error=x").is_none() && form("no form").is_none());
    }
}
