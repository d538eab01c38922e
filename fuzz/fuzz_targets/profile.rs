//! A profile is read or refused with a reason; it never panics, and a refusal names a line that exists.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = auth_core::Provider::from_toml(text) {
        let _ = error.to_string();
        assert!(error.line().is_none_or(|line| line <= text.matches('\n').count() + 1));
    }
});
