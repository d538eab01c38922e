//! Dates: moments as people and servers write them, in UTC and in the proleptic Gregorian calendar.
//!
//! What is a date is decided by the parser of TOML's dates, which are those of RFC 3339; here it is only counted in days.

use crate::time::UnixTime;
use alloc::borrow::ToOwned;
use alloc::format;
use core::fmt::{self, Display as _};
use toml_datetime::{Date, Datetime, Offset, Time};

const DAY: i64 = 86_400_000;

/// RFC 3339: a date with time and offset, or a date alone, which is its midnight in UTC; `None` if it is neither or lies before 1970.
pub(crate) fn from_rfc3339(text: &str) -> Option<UnixTime> {
    let Datetime { date, time, offset } = text.parse().ok()?;
    let of_day = match (time, offset?) {
        (Some(time), Offset::Z) => millis_of_day(time),
        (Some(time), Offset::Custom { minutes }) => millis_of_day(time) - i64::from(minutes) * 60_000,
        (None, _) => return None,
    };
    moment(date?, of_day)
}

/// A date alone, such as `2025-11-24`: its midnight in UTC; `None` if it is none or lies before 1970.
pub(crate) fn from_day(text: &str) -> Option<UnixTime> {
    match text.parse().ok()? {
        Datetime { date: Some(date), time: None, offset: None } => moment(date, 0),
        _ => None,
    }
}

/// One of the three forms of RFC 9110 section 5.6.7, in any case, with `UTC` or an offset where it has `GMT`; `None` if it is none of them or lies before 1970.
/// The name of the day is not looked at.
///
/// A year of two digits is the last one with these that lies at most 50 years after `now`.
pub(crate) fn from_http(text: &str, now: UnixTime) -> Option<UnixTime> {
    let is_offset = |zone: &str| zone.starts_with(['+', '-']) && zone[1..].bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let (text, offset) = match text.rsplit_once(' ').filter(|(_, zone)| zone.is_ascii() && is_offset(zone)) {
        Some((text, zone)) => (text, Some(zone)),
        None => (text, None),
    };
    let mut words = text.split([' ', ',', '-']).filter(|word| !word.is_empty()).chain(offset.map(|_| "GMT"));
    let mut parts: [&str; 6] = core::array::from_fn(|_| words.next().unwrap_or_default());
    if words.next().is_some() {
        return None;
    }
    if parts[1].starts_with(|first: char| first.is_ascii_alphabetic()) {
        // Of asctime: `Mon Nov 24 16:00:10 2025`.
        let [name, month, day, time, year, nothing] = parts;
        if !nothing.is_empty() {
            return None;
        }
        parts = [name, day, month, year, time, "GMT"];
    }
    let [_, day, month, year, time, zone] = parts;
    let month = 1 + MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    if time.len() != 8 || !["GMT", "UTC", "Z"].iter().any(|known| known.eq_ignore_ascii_case(zone)) {
        return None;
    }
    let offset = match offset {
        None => "Z".to_owned(),
        Some(zone) => match zone.split_at(1) {
            (sign, digits) if digits.len() == 4 => format!("{sign}{}:{}", &digits[..2], &digits[2..]),
            _ => zone.to_owned(),
        },
    };
    let of_year = |year: &str| from_rfc3339(&format!("{year}-{month:02}-{day:0>2}T{time}{offset}"));
    if year.len() == 4 {
        return of_year(year);
    }
    let latest = now.after(FIFTY_YEARS);
    let century = |century: u64| of_year(&format!("{century}{year:0>2}")).filter(|at| *at <= latest);
    // The century of a year that is at most one off.
    let of_now = 19 + (now.as_secs() / SECONDS_OF_A_YEAR + 70) / 100;
    (year.len() == 2).then(|| [of_now + 1, of_now, of_now - 1].into_iter().find_map(century)).flatten()
}

const SECONDS_OF_A_YEAR: u64 = 31_556_952;

/// How far ahead a year of two digits may lie (RFC 9110 section 5.6.7).
const FIFTY_YEARS: core::time::Duration = core::time::Duration::from_secs(50 * SECONDS_OF_A_YEAR);

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn millis_of_day(time: Time) -> i64 {
    // A leap second counts as the one before it, as Unix time has none.
    let second = time.second.unwrap_or_default().min(59);
    let seconds = (i64::from(time.hour) * 60 + i64::from(time.minute)) * 60 + i64::from(second);
    seconds * 1_000 + i64::from(time.nanosecond.unwrap_or_default() / 1_000_000)
}

fn moment(date: Date, of_day: i64) -> Option<UnixTime> {
    u64::try_from(days(date) * DAY + of_day).ok().map(UnixTime::from_millis)
}

/// The days from 1970-01-01 to a date. Years are counted from March, so that the leap day is their last, and in eras of 400 years of 146,097 days.
fn days(date: Date) -> i64 {
    let from_march = (i64::from(date.month) + 9) % 12;
    let year = i64::from(date.year) - i64::from(date.month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * from_march + 2) / 5 + i64::from(date.day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - TO_1970
}

/// The days from 0000-03-01 to 1970-01-01.
const TO_1970: i64 = 719_468;

/// Writes a moment as RFC 3339 in UTC, with milliseconds where it has any; `never` where the year would have more than four digits.
pub(crate) fn write(at: UnixTime, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (days, of_day) = (at.as_millis() / DAY.unsigned_abs(), at.as_millis() % DAY.unsigned_abs());
    let Some(date) = date(days) else { return f.write_str("never") };
    let part = |span: u64, most: u64| u8::try_from(of_day / span % most).unwrap_or_default();
    let nanos = u32::try_from(of_day % 1_000 * 1_000_000).ok().filter(|nanos| *nanos > 0);
    let time = Time { hour: part(3_600_000, 24), minute: part(60_000, 60), second: Some(part(1_000, 60)), nanosecond: nanos };
    Datetime { date: Some(date), time: Some(time), offset: Some(Offset::Z) }.fmt(f)
}

/// The date that many days after 1970-01-01; `None` after the year 9999.
fn date(days: u64) -> Option<Date> {
    let (mut year, mut left) = (1970, i64::try_from(days).ok().filter(|days| *days < 2_932_897)?);
    // Never far off: a year has 365.2425 days on average.
    let to = |year: u16| self::days(Date { year, month: 1, day: 1 });
    year += u16::try_from(left * 400 / 146_097).ok()?;
    while to(year) > left {
        year -= 1;
    }
    while year < 9999 && to(year + 1) <= left {
        year += 1;
    }
    let month = (1..=12).rev().find(|month| self::days(Date { year, month: *month, day: 1 }) <= left)?;
    left -= self::days(Date { year, month, day: 1 });
    Some(Date { year, month, day: u8::try_from(left + 1).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    /// 9999-12-30, the last day that the library compared with can tell.
    const LAST: i64 = 253_402_200_000_000;

    proptest! {
        #[test]
        fn every_moment_is_written_and_read_as_a_library_for_dates_does(at in 0..LAST) {
            let (ours, theirs) = (UnixTime::from_millis(at.unsigned_abs()), jiff::Timestamp::from_millisecond(at).unwrap());
            prop_assert_eq!(ours.to_string(), theirs.to_string());
            prop_assert_eq!(from_rfc3339(&theirs.to_string()), Some(ours));
            let far_east = theirs.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(13)));
            prop_assert_eq!(from_rfc3339(&far_east.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()), Some(ours));
            let whole = UnixTime::from_secs(ours.as_secs());
            for form in ["%a, %d %b %Y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"] {
                prop_assert_eq!(from_http(&theirs.strftime(form).to_string(), ours), Some(whole), "{}", form);
            }
            let day = theirs.strftime("%Y-%m-%d").to_string();
            prop_assert_eq!(from_day(&day), Some(UnixTime::from_millis(at.unsigned_abs() / 86_400_000 * 86_400_000)));
        }

        #[test]
        fn two_digits_of_a_year_are_the_last_at_most_fifty_years_ahead(now in 2_000_000_000..4_000_000_000_i64, ahead in -1_560_000_000..1_560_000_000_i64) {
            let at = (now + ahead).max(0);
            let text = jiff::Timestamp::from_second(at).unwrap().strftime("%A, %d-%b-%y %H:%M:%S GMT").to_string();
            let read = from_http(&text, UnixTime::from_secs(now.unsigned_abs()));
            prop_assert_eq!(read, Some(UnixTime::from_secs(at.unsigned_abs())), "{} at {}", text, now);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[ ,A-Za-z0-9:+.-]{0,40}") {
            let _ = (from_http(&text, UnixTime::default()), from_rfc3339(&text), from_day(&text));
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "Mon",
            "Mon, 24 Nov 2025",
            "Mon, 24 Nov 2025 16:00:10",
            "Mon, 24 Nov 2025 16:00:10 CET",
            "Mon, 24 Nov 2025 16:00:10 GMT tomorrow",
            "Mon Nov 24 16:00:10 2025 GMT",
            "Mon, 31 Nov 2025 16:00:10 GMT",
            "Mon, 24 Nov 2025 24:00:00 GMT",
            "Mon, 24 Nov 2025 16:00 GMT",
            "Mon, 24 Nov 225 16:00:10 GMT",
            "Wed, 31 Dec 1969 23:59:59 GMT",
        ] {
            assert_eq!(from_http(text, UnixTime::default()), None, "{text}");
        }
        assert_eq!((from_day("2025-11-24T00:00:00Z"), from_day("1969-12-31"), from_rfc3339("2025-11-24")), (None, None, None));
    }

    #[test]
    fn a_leap_second_is_the_second_before_it() {
        let second = |text| from_rfc3339(text).unwrap().as_secs();
        assert_eq!(second("2016-12-31T23:59:60Z"), second("2016-12-31T23:59:59Z"));
    }

    #[test]
    fn the_calendar_ends_with_the_year_9999() {
        let end = from_rfc3339("9999-12-31T23:59:59.999Z").unwrap();
        assert_eq!(end.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(end.after(core::time::Duration::from_millis(1)).to_string(), "never");
    }
}
