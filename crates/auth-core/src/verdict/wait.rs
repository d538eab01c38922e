//! When to come back: what a server says of it, read from headers and bodies, hostile values included.

use super::body::Body;
use crate::headers::{self, Headers};
use crate::provider::{Provider, WaitUnit};
use crate::time::UnixTime;
use core::time::Duration;

/// A server that asks for more than this is taken by its word only up to here: a year is "never" for a program.
const LONGEST: Duration = Duration::from_hours(8784);

/// Numbers of seconds that are moments and not waits: the years 2001 to 2100.
const EPOCH_FROM: u64 = 1_000_000_000;
const EPOCH_TO: u64 = 4_102_444_800;

/// The moment before which the server does not want to be asked again; `None` if it does not say, or says nothing that can be understood.
///
/// Dates are judged against the server's own `Date` header where there is one, so that a wrong clock on either side cancels out.
pub(crate) fn come_back_at(provider: &Provider, response: &dyn Headers, body: &Body, now: UnixTime) -> Option<UnixTime> {
    let server_now = server_date(response).unwrap_or(now);
    let read = |text: &str, unit: WaitUnit| match unit {
        WaitUnit::Seconds => seconds_or_epoch(text, server_now),
        WaitUnit::Date => date(text).map(|at| at.since(server_now)),
    };
    // RFC 9110 section 10.2.3: a number of seconds or a date.
    let standard =
        || headers::longest(response, "retry-after", |text| read(text, WaitUnit::Seconds).or_else(|| read(text, WaitUnit::Date)));
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
pub(crate) fn server_date(response: &dyn Headers) -> Option<UnixTime> {
    let mut found = None;
    response.values("date", &mut |value| found = found.or_else(|| core::str::from_utf8(value).ok().and_then(date)));
    found
}

/// A number of seconds, fractions allowed; `None` for what is no number that time can have.
fn seconds(text: &str) -> Option<Duration> {
    let number: f64 = text.trim().parse().ok()?;
    if number.is_nan() || number < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(number).unwrap_or(LONGEST))
}

/// A number of seconds, or, where it is as large as the present one, a moment in seconds since the epoch: a mistake that servers make.
fn seconds_or_epoch(text: &str, server_now: UnixTime) -> Option<Duration> {
    let span = seconds(text)?;
    let looks_like_a_moment = (EPOCH_FROM..EPOCH_TO).contains(&span.as_secs());
    Some(if looks_like_a_moment { UnixTime::default().after(span).since(server_now) } else { span })
}

/// A date: the three forms of RFC 9110 section 5.6.7, or RFC 3339.
pub(crate) fn date(text: &str) -> Option<UnixTime> {
    const FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let text = text.trim();
    let from_form = |form: &&str| {
        let parsed = jiff::fmt::strtime::BrokenDownTime::parse(form, text).ok()?;
        parsed.to_datetime().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    let timestamp = FORMS.iter().find_map(from_form).or_else(|| text.parse::<jiff::Timestamp>().ok())?;
    u64::try_from(timestamp.as_millisecond()).ok().map(UnixTime::from_millis)
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
            ("1e30", Some(366 * 86_400_000)),
            ("99999999999999999999999999999999", Some(366 * 86_400_000)),
            ("inf", Some(366 * 86_400_000)),
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
}
