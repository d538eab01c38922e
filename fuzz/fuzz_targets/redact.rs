//! A stream gives what the whole gives, and redacting again comes to an end.
#![no_main]

use auth_core::Redactor;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::new);

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
});
