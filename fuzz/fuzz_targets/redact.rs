//! A stream gives what the whole gives, redacting again comes to an end, and a known secret is gone.
#![no_main]

use auth_core::{Redactor, Secret};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::new);
const SECRET: &str = "aB3+dE5/fG7=hJ9~";
static KNOWING: LazyLock<Redactor> = LazyLock::new(|| Redactor::new().with_secret(&Secret::new(SECRET)));

fuzz_target!(|input: (&[u8], u8)| {
    let (bytes, step) = input;
    let once = REDACTOR.redact_bytes(bytes).into_owned();
    // In noise, what is left after the first pass can look like a field of its own; it must not go on like that.
    let mut last = once.clone();
    for _ in 0..8 {
        last = REDACTOR.redact_bytes(&last).into_owned();
    }
    assert_eq!(REDACTOR.redact_bytes(&last), last.as_slice());
    let mut stream = REDACTOR.stream();
    let mut out = Vec::new();
    for chunk in bytes.chunks(usize::from(step) + 1) {
        stream.push(chunk, &mut out);
    }
    stream.finish(&mut out);
    assert_eq!(out, once);
    // A known secret is gone, whatever stands around it.
    let middle = bytes.len() / 2;
    let text = [&bytes[..middle], SECRET.as_bytes(), &bytes[middle..]].concat();
    let clean = KNOWING.redact_bytes(&text);
    assert!(!clean.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
});
