//! Whatever a server says back of a secret, nothing of it shows: every form, cut anywhere, in every place that is quoted.

mod support;

use auth_core::{Redactor, Secret};
use std::fmt::Write as _;

/// Secrets with what escapes differ about: the digits of base64 that are no letters, quotes, percent signs.
const SECRETS: [&str; 5] =
    ["s3cr+t/Zz9==Qq1xYz", "rt/0+Aa=Bb12345678", "plain0secret1of2letters", "q\"uo'te&am<p>%25~z9", "a~b*c!d(e)f'g-h_i.j"];
/// The bytes in a row that must not show.
const PIECE: usize = 12;

fn percent(text: &str, keeps: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || keeps.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
        out
    })
}

fn each(text: &str, escape: impl Fn(char) -> String) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { escape(c) }).collect()
}

fn base64(bytes: &[u8], url: bool) -> String {
    let digits: &[u8; 64] = if url {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    } else {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    };
    bytes.chunks(3).fold(String::new(), |mut out, chunk| {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        out.extend((0..=chunk.len()).map(|index| char::from(digits[(word >> (18 - 6 * index) & 63) as usize])));
        out.extend(std::iter::repeat_n('=', if url { 0 } else { 3 - chunk.len() }));
        out
    })
}

fn hex(text: &str, upper: bool) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if upper { write!(out, "{byte:02X}") } else { write!(out, "{byte:02x}") }.unwrap();
        out
    })
}

/// Every form in which a text may come back, by name.
fn forms(text: &str) -> Vec<(String, String)> {
    let strict = percent(text, "-._~");
    let form = percent(text, "*-._");
    let json = serde_json::to_string(text).unwrap();
    let json = json[1..json.len() - 1].to_owned();
    let mut forms = vec![
        ("plain".to_owned(), text.to_owned()),
        ("percent-encoded".to_owned(), strict.clone()),
        ("percent-encoded, small digits".to_owned(), percent(text, "-._~").to_lowercase()),
        ("percent-encoded by a script".to_owned(), percent(text, "-._~!*'()")),
        ("percent-encoded twice".to_owned(), percent(&strict, "-._~")),
        ("form-encoded".to_owned(), form.clone()),
        ("form-encoded in JSON".to_owned(), serde_json::to_string(&form).unwrap()),
        ("escaped in JSON".to_owned(), json.clone()),
        ("escaped in JSON in JSON".to_owned(), serde_json::to_string(&json).unwrap()),
        ("escaped in JSON with slashes".to_owned(), json.replace('/', "\\/")),
        ("escaped in JSON by number".to_owned(), each(text, |c| format!("\\u{:04x}", u32::from(c)))),
        ("escaped in JSON by number, capitals".to_owned(), each(text, |c| format!("\\u{:04X}", u32::from(c)))),
        ("escaped by hexadecimal digits".to_owned(), each(text, |c| format!("\\x{:02x}", u32::from(c)))),
        (
            "escaped in HTML".to_owned(),
            text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;"),
        ),
        ("escaped in HTML by number".to_owned(), each(text, |c| format!("&#x{:X};", u32::from(c)))),
        ("in hexadecimal digits".to_owned(), hex(text, false)),
        ("in hexadecimal digits, capitals".to_owned(), hex(text, true)),
    ];
    for before in ["", "a", "ab", "id:"] {
        for url in [false, true] {
            let name = format!("in base64 after {before:?}, {url}");
            forms.push((name, base64(format!("{before}{text}").as_bytes(), url)));
            forms.push((format!("form-encoded in base64 after {before:?}, {url}"), base64(format!("{before}{form}").as_bytes(), url)));
        }
        forms.push((format!("percent-encoded base64 after {before:?}"), percent(&base64(format!("{before}{text}").as_bytes(), false), "")));
    }
    // Small letters make another secret of one with capitals.
    forms.retain(|(name, form)| name != "percent-encoded, small digits" || form.to_lowercase() == *form && text.to_lowercase() == text);
    forms
}

/// Whether a text, read in any way, holds twelve bytes of a secret in a row.
fn shows(text: &str, secret: &str) -> bool {
    (0..=secret.len() - PIECE).any(|at| {
        forms(&secret[at..at + PIECE]).iter().any(|(name, form)| {
            // A base64 digit at either end holds bits of the neighbours, too.
            let inner = form.trim_matches('=');
            let inner = if name.contains("base64") { inner.get(2..inner.len() - 2).unwrap_or(inner) } else { inner };
            text.contains(inner)
        })
    })
}

#[test]
fn every_form_of_a_known_secret_is_taken_out() {
    for secret in SECRETS {
        let redactor = Redactor::new().with_secret(&Secret::new(secret));
        for (name, form) in forms(secret) {
            let text = format!("the server says <{form}>, and more");
            let clean = redactor.redact(&text);
            assert!(!shows(&clean, secret), "{secret} {name}: {text} became {clean}");
            assert_eq!(clean.matches("[redacted]").count(), 1, "{secret} {name}: {text} became {clean}");
            assert_eq!(redactor.redact(&clean), clean, "{secret} {name}: redacted twice");
        }
    }
}

#[test]
fn twelve_bytes_in_a_row_are_taken_out_wherever_they_are_cut() {
    for secret in SECRETS {
        let redactor = Redactor::new().with_secret(&Secret::new(secret));
        for from in 0..=secret.len() - PIECE {
            for to in from + PIECE..=secret.len() {
                for (name, form) in forms(&secret[from..to]) {
                    let clean = redactor.redact(&form).into_owned();
                    assert!(!shows(&clean, secret), "{secret} {name}: {form} became {clean}");
                }
            }
        }
    }
}

#[test]
fn what_is_shorter_blots_nothing() {
    let secrets: Vec<Secret> = ["t", "to", "tok", "é"].into_iter().map(Secret::new).collect();
    let text = "insufficient_scope of the token [redacted] é";
    assert_eq!(Redactor::new().with_secrets(&secrets).redact(text), text);
}

#[test]
fn known_secrets_are_found_in_linear_time() {
    let secrets: Vec<Secret> = SECRETS.into_iter().map(Secret::new).collect();
    let redactor = Redactor::new().with_secrets(&secrets);
    let time = |text: &str| support::cpu::time(|| drop(std::hint::black_box(redactor.redact(text))));
    for shape in ["s3cr+t/Zz9=", "%25%32%35", "\\u0025", "&amp;", "c3Njcn0vWno5", "7333637", "[redacted]s3cr", "plain0secre"] {
        let (short, long) = (shape.repeat(16_384 / shape.len()), shape.repeat(4 * 16_384 / shape.len()));
        let short = (0..3).map(|_| time(&short)).min().unwrap();
        let long = (0..3).map(|_| time(&long)).min().unwrap();
        assert!(long < 10 * short + std::time::Duration::from_millis(20), "{shape}: {long:?} for four times what took {short:?}");
    }
}
