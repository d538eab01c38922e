//! A key is taken or refused; neither shows it.
#![no_main]

use auth_core::{ApiKey, ClientCredentials, Provider};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static PROVIDERS: LazyLock<Vec<Provider>> = LazyLock::new(|| Provider::builtin_names().map(|name| Provider::builtin(name).unwrap()).collect());

fuzz_target!(|text: &str| {
    for provider in PROVIDERS.iter() {
        let shown = match ApiKey::parse(provider, text) {
            Ok(key) => format!("{key:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        let secret = match ClientCredentials::parse(provider, "client", text) {
            Ok(client) => format!("{client:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        // Twenty characters in a row that are no word of ours.
        if text.len() >= 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            assert!(!shown.contains(text) && !secret.contains(text));
        }
    }
});
