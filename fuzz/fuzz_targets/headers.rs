//! Challenges, limits and moments are read from whatever stands in the headers, and no moment is later than a year and a day.
#![no_main]

use auth_core::{Provider, Response, UnixTime, challenges, limits, wait_until};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

const NAMES: [&str; 8] =
    ["www-authenticate", "retry-after", "date", "ratelimit", "ratelimit-policy", "x-ratelimit-reset", "x-ratelimit-remaining", "x-rate-limit-problem"];

fuzz_target!(|input: (Vec<(u8, &[u8])>, &[u8])| {
    let (fields, body) = input;
    let headers: Vec<(&str, &[u8])> = fields.iter().map(|(name, value)| (NAMES[usize::from(*name) % NAMES.len()], *value)).collect();
    let headers = headers.as_slice();
    let now = UnixTime::from_secs(1_764_000_000);
    for challenge in challenges(&headers) {
        let _ = (format!("{challenge:?}"), challenge.max_age(), challenge.claims());
    }
    for limit in limits(&headers, now) {
        let _ = limit.to_string();
    }
    let provider = Provider::builtin("finora").unwrap();
    let at = wait_until(&provider, &Response { status: 429, headers: &headers, body }, now);
    assert!(at.is_none_or(|at| at <= now.after(Duration::from_secs(367 * 86_400))));
});
