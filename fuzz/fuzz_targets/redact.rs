//! Redacting twice changes nothing more, and a stream gives what the whole gives.
#![no_main]

use auth_core::Redactor;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::new);

fuzz_target!(|input: (&[u8], u8)| {
    let (bytes, step) = input;
    let once = REDACTOR.redact_bytes(bytes).into_owned();
    assert_eq!(REDACTOR.redact_bytes(&once), once.as_slice());
    let mut stream = REDACTOR.stream();
    let mut out = Vec::new();
    for chunk in bytes.chunks(usize::from(step) + 1) {
        stream.push(chunk, &mut out);
    }
    stream.finish(&mut out);
    assert_eq!(out, once);
});
