//! When to come back: what a server says of it, read from headers and bodies, hostile values included.

use super::answer::Response;
use super::body::Body;
use super::limit;
use crate::date;
use crate::headers::{self, Headers};
use crate::provider::{Provider, WaitUnit};
use crate::time::UnixTime;
use core::ops::Range;
use core::time::Duration;

/// A server that asks for more than this is taken by its word only up to here: a year is "never" for a program.
pub(super) const LONGEST: Duration = Duration::from_hours(8784);

/// No number and no date is longer than this; what is longer is not read at all, so that it costs nothing.
const LONGEST_TEXT: usize = 128;

/// Numbers that are moments in seconds, and not waits: the years 2001 to 2100.
const EPOCH: Range<f64> = 1_000_000_000.0..4_102_444_800.0;

/// The first of the same moments in milliseconds.
const EPOCH_MILLIS_FROM: f64 = 1_000_000_000_000.0;

/// `Stated` is what an answer says of the end of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stated {
    /// This moment.
    At(UnixTime),
    /// Something that is neither a number nor a date.
    Unreadable,
}

/// Whether `Retry-After` says something that is neither a number nor a date.
pub(crate) fn is_unreadable(response: &dyn Headers) -> bool {
    let mut found = false;
    response.values("retry-after", &mut |value| found |= !value.trim_ascii().is_empty());
    found
}

/// The moment before which the server does not want this call again; `None` if it does not say, or says nothing that can be understood.
///
/// `Retry-After` (RFC 9110 section 10.2.3) goes before what the provider's profile names, and that before the reset of an exhausted limit, which counts
/// only in a 429: a limit's window ends in any answer, and says nothing of this call in most. Nothing is later than a year from now.
pub fn wait_until(provider: &Provider, response: &Response<'_>, now: UnixTime) -> Option<UnixTime> {
    named_by(provider, response, &Body::read(response.body), response.status == 429, now)
}

/// The same of a body that was read already; `limited` says that the answer is about a limit.
pub(crate) fn named_by(provider: &Provider, response: &Response<'_>, body: &Body, limited: bool, now: UnixTime) -> Option<UnixTime> {
    let reset = || {
        // The profile knows how this header is to be read, and could not read it: a guess would know less.
        let known = |header: &str| provider.waits().any(|(name, ..)| name.is_some_and(|name| name.eq_ignore_ascii_case(header)));
        let limits = limit::read(response.headers, now, known);
        limit::exhausted(&limits).filter_map(|limit| limit.resets_at).max()
    };
    come_back_at(provider, response.headers, body, now).or_else(|| limited.then(reset).flatten())
}

/// The moment that `Retry-After` names, else the one in a place that the profile names.
///
/// Dates are judged against the server's own `Date` header where there is one, so that a wrong clock on either side cancels out.
pub(crate) fn come_back_at(provider: &Provider, response: &dyn Headers, body: &Body, now: UnixTime) -> Option<UnixTime> {
    let server_now = server_date(response, now).unwrap_or(now);
    let read = |text: &str, unit| span(text, unit, server_now);
    let one = |text: &str| read(text, WaitUnit::Seconds).or_else(|| read(text, WaitUnit::Date));
    // A proxy may have folded two fields into one; a date has a comma, too.
    let folded = |text: &str| if text.len() <= LONGEST_TEXT { text.split(',').filter_map(one).max() } else { None };
    let standard = || headers::longest(response, "retry-after", |text| one(text).or_else(|| folded(text)));
    let own = || {
        provider.waits().find_map(|(header, path, unit)| match (header, path) {
            (Some(name), _) => headers::longest(response, name, |text| read(text, unit)),
            (None, Some(path)) => body.at(path).and_then(|text| read(&text, unit)),
            (None, None) => None,
        })
    };
    standard().or_else(own).map(|wait| now.after(wait.min(LONGEST)))
}

/// The server's clock, from its `Date` header (RFC 9110 section 6.6.1).
pub(crate) fn server_date(response: &dyn Headers, now: UnixTime) -> Option<UnixTime> {
    let mut found = None;
    response.values("date", &mut |value| found = found.or_else(|| core::str::from_utf8(value).ok().and_then(|text| date(text, now))));
    found
}

/// How far the server's clock is ahead of ours, in milliseconds, if it says; differences below two seconds are the header's own coarseness.
pub(crate) fn skew_millis(response: &dyn Headers, now: UnixTime) -> Option<i64> {
    let signed = |time: UnixTime| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let skew = signed(server_date(response, now)?).saturating_sub(signed(now));
    Some(if skew.unsigned_abs() < 2_000 { 0 } else { skew })
}

/// The time from `server_now` that a text means in a unit.
fn span(text: &str, unit: WaitUnit, server_now: UnixTime) -> Option<Duration> {
    match unit {
        // As large as the present moment: a mistake that servers make.
        WaitUnit::Seconds => number(text).map(|number| moment(number, server_now).unwrap_or_else(|| seconds(number))),
        WaitUnit::Millis => number(text).map(|number| seconds(number / 1_000.0)),
        WaitUnit::Epoch => number(text).and_then(|number| moment(number, server_now)),
        WaitUnit::EpochMillis => number(text).and_then(|number| moment(number / 1_000.0, server_now)),
        WaitUnit::Date => date(text, server_now).map(|at| at.since(server_now)),
    }
}

/// The time from `server_now` that a reset without a documented unit means. Every number that is plainly a wait or a moment is taken as that, a number in
/// between as nothing: a wait of 130 years and a moment in 1970 are both wrong.
pub(super) fn guess(text: &str, server_now: UnixTime) -> Option<Duration> {
    let unit = match number(text) {
        Some(number) if number < EPOCH.start => WaitUnit::Seconds,
        Some(number) if number < EPOCH_MILLIS_FROM => WaitUnit::Epoch,
        Some(_) => WaitUnit::EpochMillis,
        None => WaitUnit::Date,
    };
    span(text, unit, server_now)
}

/// A number that time can have: digits, and one decimal point among them (RFC 9110 section 10.2.3
/// has digits alone, and servers send fractions), with a unit of seconds or a semicolon after it. `inf`,
/// `1e3` and `+5` are none.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches(';').trim_end();
    let text = text.strip_suffix(['s', 'S']).map_or(text, str::trim_end);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = text.split_once('.').map_or(digits(text), |(whole, part)| digits(whole) && digits(part));
    if is_number && text.len() <= LONGEST_TEXT { text.parse().ok() } else { None }
}

fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or(LONGEST)
}

/// The time to a moment in seconds since the epoch; `None` if the number is no such moment.
fn moment(number: f64, server_now: UnixTime) -> Option<Duration> {
    EPOCH.contains(&number).then(|| UnixTime::default().after(seconds(number)).since(server_now))
}

/// A date: the three forms of RFC 9110 section 5.6.7, or RFC 3339.
pub(crate) fn date(text: &str, now: UnixTime) -> Option<UnixTime> {
    let text = text.trim();
    if text.len() > LONGEST_TEXT {
        return None;
    }
    date::from_http(text, now).or_else(|| date::from_rfc3339(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_764_000_000);

    fn wait(headers: &[(&str, &str)], body: &str, provider: &str) -> Option<u64> {
        let provider = Provider::builtin(provider).unwrap();
        come_back_at(&provider, &headers, &Body::read(body.as_bytes()), NOW).map(|at| at.since(NOW).as_millis().try_into().unwrap())
    }

    #[test]
    fn understands_retry_after_in_every_form() {
        for (value, millis) in [
            ("3", Some(3_000)),
            (" 3 ", Some(3_000)),
            ("0.5", Some(500)),
            ("Mon, 24 Nov 2025 16:00:10 GMT", Some(10_000)),
            ("Monday, 24-Nov-25 16:00:10 GMT", Some(10_000)),
            ("Mon Nov 24 16:00:10 2025", Some(10_000)),
            ("Mon, 24 Nov 2025 15:00:00 GMT", Some(0)),
            ("-3", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
            ("1e30", None),
            ("+5", None),
            (".5", None),
            ("5.", None),
            ("1.5.0", None),
            ("99999999999999999999999999999999", Some(366 * 86_400_000)),
            ("inf", None),
            ("infinity", None),
            ("1764000060", Some(60_000)),
        ] {
            assert_eq!(wait(&[("Retry-After", value)], "", "numora"), millis, "{value:?}");
        }
    }

    #[test]
    fn a_date_is_judged_against_the_servers_own_clock() {
        let headers = [("Date", "Mon, 24 Nov 2025 10:00:00 GMT"), ("Retry-After", "Mon, 24 Nov 2025 10:00:07 GMT")];
        assert_eq!(wait(&headers, "", "numora"), Some(7_000));
    }

    #[test]
    fn of_several_values_the_longest_counts() {
        assert_eq!(wait(&[("retry-after", "1"), ("Retry-After", "9")], "", "numora"), Some(9_000));
    }

    #[test]
    fn each_provider_is_read_its_own_way() {
        assert_eq!(wait(&[], r#"{"error":{"retryAfter":12}}"#, "finora"), Some(12_000));
        assert_eq!(wait(&[("X-RateLimit-Reset", "2025-11-24T16:00:05Z")], "{}", "finora"), Some(5_000));
        assert_eq!(wait(&[("x-ratelimit-reset", "42")], "", "adaas"), Some(42_000));
        assert_eq!(wait(&[("x-rate-limit-reset", "42")], "", "numora"), None);
    }

    #[test]
    fn clocks_differ_from_two_seconds_on() {
        let date: &[(&str, &str)] = &[("date", "Mon, 24 Nov 2025 16:00:00 GMT")];
        let there = UnixTime::from_secs(1_764_000_000);
        let skew = |millis: u64| skew_millis(&date, there.before(Duration::from_millis(millis)));
        assert_eq!([0, 1_999, 2_000, 90_000].map(skew), [Some(0), Some(0), Some(2_000), Some(90_000)]);
        assert_eq!(skew_millis(&date, there.after(Duration::from_mins(1))), Some(-60_000));
        let none: &[(&str, &str)] = &[];
        assert_eq!(skew_millis(&none, there), None);
    }

    #[test]
    fn the_first_moment_in_milliseconds_is_one() {
        assert_eq!(guess("1000000000000", NOW), Some(Duration::ZERO));
        assert_eq!(guess("999999999999", NOW), None);
    }
}
