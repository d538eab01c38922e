//! Reading a key, beside a plain scan of the same bytes and one copy of them.

use crate::measure::pair;
use crate::table::{Bar, Row};
use auth_http::{ApiKey, Provider};
use std::error::Error;
use std::hint::black_box;

const CALLS: u32 = 50_000;

/// A key and what its bytes are.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    provider: Provider,
    prefix: &'static str,
    text: String,
    allowed: fn(u8) -> bool,
}

/// One key of each kind of alphabet.
pub(crate) fn cases() -> Result<[Case; 3], Box<dyn Error>> {
    let url_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let graphic = |byte: u8| byte.is_ascii_graphic();
    let case = |name, provider, prefix: &'static str, body: &str, allowed| {
        Ok::<_, Box<dyn Error>>(Case { name, provider: Provider::builtin(provider)?, prefix, text: format!("{prefix}{body}"), allowed })
    };
    Ok([
        case("key-finora", "finora", "live_sk_", &"0a3f9c".repeat(8), hex)?,
        case("key-numora", "numora", "sk_live_", &"Ab3-dE_9".repeat(4), url_safe)?,
        case("key-numeric", "numeric", "", &"q7RtY.2wZx/+".repeat(4), graphic)?,
    ])
}

impl Case {
    pub(crate) fn ours(&self, calls: u32) {
        for _ in 0..calls {
            let _ = black_box(ApiKey::parse(&self.provider, black_box(self.text.as_str())));
        }
    }

    /// Compares the prefix, looks at each byte, copies the text.
    pub(crate) fn floor(&self, calls: u32) {
        for _ in 0..calls {
            let text = black_box(self.text.as_str());
            let good = text.strip_prefix(self.prefix).is_some_and(|body| !body.is_empty() && body.bytes().all(self.allowed));
            black_box(good.then(|| text.to_owned()));
        }
    }
}

pub(crate) fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let row = |case: &Case| {
        let name = format!("{}: parse / scan + copy", case.name);
        pair(&name, Bar::Ratio(3.0), CALLS, |n| case.ours(n), |n| case.floor(n))
    };
    Ok(cases()?.iter().map(row).collect())
}
