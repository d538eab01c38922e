//! Limits: how much may be asked of an API in which time, how much of it is left, and when there will be more.

use super::structured::{self, Member};
use super::wait::{LONGEST, guess, server_date};
use crate::headers::{self, Headers};
use crate::provider::Provider;
use crate::time::UnixTime;
use crate::verdict::body::Body;
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// `Limit` is one limit of an API as an answer tells it; what the answer does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// The server's name for it, such as `day`.
    pub name: Option<String>,
    /// The length of its window.
    pub window: Option<Duration>,
    /// How much may be asked in a window.
    pub quota: Option<u64>,
    /// How much of that is left.
    pub remaining: Option<u64>,
    /// The moment at which there will be more.
    pub resets_at: Option<UnixTime>,
}

/// `Limit` prints as short as a person would say it: `day: 5000 per day`, `60 per minute`, `day limit`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.quota, self.window) {
            (None, None, None) => f.write_str("a limit"),
            (Some(name), None, _) => write!(f, "{name} limit"),
            (None, None, Some(window)) => write!(f, "limit per {}", Per(window)),
            (name, Some(quota), window) => {
                if let Some(name) = name {
                    write!(f, "{name}: ")?;
                }
                write!(f, "{quota}")?;
                window.map_or(Ok(()), |window| write!(f, " per {}", Per(window)))
            }
        }
    }
}

/// A window as a word, where there is one for it.
struct Per(Duration);

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            1 => f.write_str("second"),
            MINUTE => f.write_str("minute"),
            HOUR => f.write_str("hour"),
            DAY => f.write_str("day"),
            seconds => write!(f, "{seconds} s"),
        }
    }
}

/// Header fields that tell of one limit: its name and window where the names of the fields say them, then quota, what is left, reset; empty where there is none.
struct Fields(&'static str, u64, [&'static str; 3]);

/// The spellings in use. The first three have no common source, the drafts before 2023 wrote `RateLimit-…` (draft-ietf-httpapi-ratelimit-headers-06),
/// Kong writes a field for each window, Xero one for what is left of each.
const SPELLINGS: [Fields; 10] = [
    Fields("", 0, ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]),
    Fields("", 0, ["x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"]),
    Fields("", 0, ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]),
    Fields("second", 1, ["x-ratelimit-limit-second", "x-ratelimit-remaining-second", ""]),
    Fields("minute", MINUTE, ["x-ratelimit-limit-minute", "x-ratelimit-remaining-minute", ""]),
    Fields("hour", HOUR, ["x-ratelimit-limit-hour", "x-ratelimit-remaining-hour", ""]),
    Fields("day", DAY, ["x-ratelimit-limit-day", "x-ratelimit-remaining-day", ""]),
    Fields("minute", MINUTE, ["", "x-minlimit-remaining", ""]),
    Fields("day", DAY, ["", "x-daylimit-remaining", ""]),
    Fields("appminute", MINUTE, ["", "x-appminlimit-remaining", ""]),
];

/// The limits that an answer tells of: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) first, then the spellings of before.
///
/// A reset is read as what it plainly is: seconds from now, a moment in seconds or milliseconds since the epoch, or a date. A value that makes no sense
/// counts as not told. Of a repeated field the least that is left and the latest reset count.
pub fn limits(headers: &dyn Headers, now: UnixTime) -> Vec<Limit> {
    read(headers, now, |_| false)
}

/// The same without the resets of those header fields that `known` says somebody else reads.
pub(super) fn read(headers: &dyn Headers, now: UnixTime, known: impl Fn(&str) -> bool) -> Vec<Limit> {
    let server_now = server_date(headers, now).unwrap_or(now);
    let mut limits = standard(headers, now);
    for Fields(name, seconds, [quota, remaining, reset]) in SPELLINGS {
        let quotas = members(headers, quota);
        let first = quotas.first().and_then(|member| member.item.whole());
        // Early drafts list the windows behind the quota: `100, 100;w=60, 1000;w=3600`.
        let listed = quotas.iter().filter(|member| member.item.whole() == first).find_map(|member| member.whole("w"));
        let left = members(headers, remaining).iter().filter_map(|member| member.item.whole()).min();
        let wait = if known(reset) { None } else { headers::longest(headers, reset, |text| guess(text, server_now)) };
        let limit = Limit {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            window: listed.or(Some(seconds)).filter(|seconds| *seconds > 0).map(Duration::from_secs),
            quota: first,
            remaining: left,
            resets_at: wait.map(|wait| now.after(wait.min(LONGEST))),
        };
        let says_something = limit.quota.is_some() || limit.remaining.is_some() || limit.resets_at.is_some();
        let first = (limit.window, limit.quota);
        if says_something && !limits.contains(&limit) {
            limits.push(limit);
        }
        // The other windows of such a list; what is left is that of the first.
        for member in quotas.iter().skip(1) {
            let (window, quota) = (member.whole("w").map(Duration::from_secs), member.item.whole());
            let is_known = limits.iter().any(|limit| (limit.window, limit.quota) == (window, quota));
            if window.is_some() && quota.is_some() && (window, quota) != first && !is_known {
                limits.push(Limit { window, quota, ..Limit::default() });
            }
        }
    }
    limits
}

/// `RateLimit-Policy` and `RateLimit`: policies by name, or, up to the seventh draft, by their quota.
fn standard(headers: &dyn Headers, now: UnixTime) -> Vec<Limit> {
    let at = |seconds: Option<u64>| seconds.map(|seconds| now.after(Duration::from_secs(seconds).min(LONGEST)));
    let mut limits: Vec<Limit> = Vec::new();
    for member in members(headers, "ratelimit-policy") {
        let window = member.whole("w").map(Duration::from_secs);
        let quota = member.item.whole().or_else(|| member.whole("q"));
        let name = member.item.text();
        if quota.is_some() || name.is_some() {
            limits.push(Limit { name, window, quota, ..Limit::default() });
        }
    }
    let mut early = Limit::default();
    for member in members(headers, "ratelimit") {
        let (remaining, reset) = (member.whole("r"), member.whole("t"));
        match (member.key.as_deref(), member.item.whole()) {
            // Of a repeated key the last counts (RFC 9651 section 4.2.2).
            (Some("limit"), whole) => early.quota = whole.or(early.quota),
            (Some("remaining"), whole) => early.remaining = whole.or(early.remaining),
            (Some("reset"), whole) => early.resets_at = at(whole).or(early.resets_at),
            (None, None) => {
                let Some(name) = member.item.text() else { continue };
                let same =
                    |limit: &&mut Limit| limit.name.as_ref() == Some(&name) && limit.remaining.is_none() && limit.resets_at.is_none();
                match limits.iter_mut().find(same) {
                    Some(limit) => (limit.remaining, limit.resets_at) = (remaining, at(reset)),
                    None => limits.push(Limit { name: Some(name), remaining, resets_at: at(reset), ..Limit::default() }),
                }
            }
            _ => {}
        }
    }
    if early != Limit::default() {
        let same = |limit: &&mut Limit| early.quota.is_some() && limit.quota == early.quota;
        match limits.iter_mut().find(same) {
            Some(limit) => (limit.remaining, limit.resets_at) = (early.remaining, early.resets_at),
            None => limits.push(early),
        }
    }
    limits
}

/// The members of every field of a name.
fn members(headers: &dyn Headers, name: &str) -> Vec<Member> {
    let mut read = Vec::new();
    headers.values(name, &mut |value| {
        read.extend(core::str::from_utf8(value).map(structured::members).unwrap_or_default());
    });
    read
}

/// The limits that an answer which speaks of a limit speaks of: those of which nothing is left, else the only one, if it does not say what is left.
pub(super) fn exhausted(limits: &[Limit]) -> impl Iterator<Item = &Limit> {
    let empty = limits.iter().any(|limit| limit.remaining == Some(0));
    let only = limits.len() == 1;
    limits.iter().filter(move |limit| if empty { limit.remaining == Some(0) } else { only && limit.remaining.is_none() })
}

/// Which limit an answer speaks of, in a few words: as its own header names it, as its counts show it, or as the profile knows it.
pub(super) fn reached(provider: &Provider, response: &dyn Headers, body: &Body, now: UnixTime) -> Option<String> {
    let limits = limits(response, now);
    // Xero names the limit that was reached: minute, day, appminute or concurrent.
    if let Some(name) = headers::first(response, "x-rate-limit-problem").filter(|name| !name.trim().is_empty()) {
        // Seen as "day", "Daily", "DayLimit" and "Minute limit".
        let name = name.trim().to_lowercase();
        let name = name.trim_end_matches("limit").trim_end();
        let name = if name == "daily" { "day".to_owned() } else { name.to_owned() };
        let known = limits.into_iter().find(|limit| limit.name.as_ref() == Some(&name));
        return Some(known.unwrap_or_else(|| Limit { name: Some(name), ..Limit::default() }).to_string());
    }
    let told = exhausted(&limits).filter(|limit| limit.name.is_some() || limit.quota.is_some());
    if let Some(limit) = told.max_by_key(|limit| (limit.resets_at, limit.window)) {
        return Some(limit.to_string());
    }
    let stands_here = |header: Option<&str>, path: Option<&str>| {
        header.is_some_and(|header| headers::first(response, header).is_some()) || path.is_some_and(|path| body.at(path).is_some())
    };
    let mut named = provider.named_limits();
    named.find_map(|(header, path, name)| stands_here(header, path).then(|| alloc::format!("{name} limit")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_belongs_to_the_limit_of_that_name() {
        let now = UnixTime::from_secs(1_764_000_000);
        let headers: &[(&str, &str)] =
            &[("ratelimit-policy", r#""minute";q=60;w=60, "day";q=5000;w=86400"#), ("ratelimit", r#""day";r=0;t=3600, "hour";r=3"#)];
        let limits = limits(&headers, now);
        let told: Vec<_> = limits.iter().map(|limit| (limit.name.as_deref(), limit.quota, limit.remaining, limit.resets_at)).collect();
        let in_an_hour = Some(now.after(Duration::from_secs(HOUR)));
        assert_eq!(
            told,
            [(Some("minute"), Some(60), None, None), (Some("day"), Some(5_000), Some(0), in_an_hour), (Some("hour"), None, Some(3), None)]
        );
    }

    #[test]
    fn counts_without_a_name_belong_to_the_limit_of_that_quota_or_to_none() {
        let now = UnixTime::from_secs(1_764_000_000);
        let told = |fields: &[(&str, &str)]| {
            let limits = limits(&fields, now);
            limits.iter().map(|limit| (limit.name.clone(), limit.quota, limit.remaining)).collect::<Vec<_>>()
        };
        let burst = || Some("burst".to_owned());
        assert_eq!(
            told(&[("ratelimit", "\"burst\";r=3"), ("ratelimit", "remaining=0, reset=5")]),
            [(burst(), None, Some(3)), (None, None, Some(0))]
        );
        let policy = ("ratelimit-policy", "\"burst\";q=10;w=1");
        assert_eq!(
            told(&[policy, ("ratelimit", "limit=60, remaining=0, reset=5")]),
            [(burst(), Some(10), None), (None, Some(60), Some(0))]
        );
        assert_eq!(told(&[policy, ("ratelimit", "limit=10, remaining=0, reset=5")]), [(burst(), Some(10), Some(0))]);
    }
}
