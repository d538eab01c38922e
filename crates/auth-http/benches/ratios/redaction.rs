//! Secrets taken out of a log of 100 MB, beside one alternation of the `regex` crate over the whole of it.

use crate::clock::thread_time;
use crate::log::{SIGN, SMALL_SIGN, log};
use crate::measure::of_rounds;
use crate::table::{Bar, Row};
use auth_http::core::Redactor;
use regex::bytes::Regex;
use serde_json::Value;
use std::error::Error;
use std::hint::black_box;

const SIZE: usize = 100_000_000;
/// What a program reads of a log at once.
const PIECE: usize = 64 * 1024;
const ROUNDS: usize = 7;
/// How much of each hostile text is read.
const HOSTILE_SIZE: usize = 1_000_000;
/// A text of nothing but triggers costs a closer look every few bytes, and the vector search stops at each: that alone takes up to 25 times as long as ordinary
/// text does, so no bar of a few times can hold. What holds is that the cost stays in proportion to the length.
const HOSTILE: f64 = 100.0;
/// Two and a half times its speed at least; seen were 2.5 to 3.7, by the processor. It was five times with a third of the forms; the rarer ones are a second search.
const TO_REGEX: f64 = 0.4;

/// The same forms as one regular expression, as a program without this library would have it, in Rust or in Python; the groups are what has to stay.
const ALTERNATION: &str = concat!("(?xi-u)", include_str!("alternation.regex"));

/// The replacement of each match: its groups and the mark. Only one group is not empty. The tenth
/// follows a password in a URL.
const REPLACEMENT: &[u8] = b"${1}${2}${3}${4}${5}${6}${7}${8}${9}${11}${12}${13}${14}${15}${16}[redacted]${10}";

pub(crate) fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let text = log(SIZE);
    let (redactor, regex) = (Redactor::new(), Regex::new(ALTERNATION)?);
    let clean = redactor.redact_bytes(&text).into_owned();
    check(&text, &clean)?;
    // Both take out as much.
    check(&text, &regex.replace_all(&text, REPLACEMENT))?;

    let mut out = Vec::with_capacity(text.len() + PIECE);
    let (mut streamed, mut appended, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let floor = millis(|| drop(black_box(regex.replace_all(black_box(&text), REPLACEMENT))));
        streamed.push((millis(|| stream(&redactor, &text, |_| ())), floor));
        out.clear();
        appended.push((millis(|| redactor.redact_into(black_box(&text), &mut out)), floor));
        if out != clean {
            return Err("appending says something else".into());
        }
        fresh.push((millis(|| drop(black_box(redactor.redact_bytes(black_box(&text))))), floor));
    }
    out.clear();
    stream(&redactor, &text, |piece| out.extend_from_slice(piece));
    if out != clean {
        return Err("the stream says something else".into());
    }
    Ok(vec![
        of_rounds("redaction of a 100 MB log, piece by piece / one regex", "ms", Bar::Ratio(TO_REGEX), &streamed),
        of_rounds("  the same of one buffer into another that is used again", "ms", Bar::Ratio(TO_REGEX), &appended),
        of_rounds("  the same into fresh memory, as the regex does it", "ms", Bar::None, &fresh),
        hostile(&redactor, &text[..HOSTILE_SIZE])?,
    ])
}

/// Hostile text beside as much of ordinary text: each trigger repeated and each opening left open. The row is the slowest of all shapes.
fn hostile(redactor: &Redactor, ordinary: &[u8]) -> Result<Row, Box<dyn Error>> {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/redaction_hostile.json"))?;
    let shapes = file["shapes"].as_array().ok_or("no shapes")?;
    let mut out = Vec::with_capacity(2 * ordinary.len());
    let mut time = |text: &[u8]| {
        least(|| {
            out.clear();
            redactor.redact_into(black_box(text), &mut out);
        })
    };
    let floor = time(ordinary);
    let mut slowest = (0.0, "");
    for shape in shapes.iter().filter_map(Value::as_str) {
        let time = time(shape.repeat(ordinary.len() / shape.len()).as_bytes());
        if time > slowest.0 {
            slowest = (time, shape);
        }
    }
    let name = format!("redaction of hostile text, {:?} / of an ordinary log", slowest.1);
    Ok(Row::new(name, "ms", slowest.0, floor, Bar::Ratio(HOSTILE)))
}

/// The least of three.
fn least(mut work: impl FnMut()) -> f64 {
    (0..3).map(|_| millis(&mut work)).fold(f64::INFINITY, f64::min)
}

/// Takes the secrets out as a filter does: each piece handed on before the next is read.
fn stream(redactor: &Redactor, text: &[u8], mut hand_on: impl FnMut(&[u8])) {
    let (mut stream, mut out) = (redactor.stream(), Vec::with_capacity(2 * PIECE));
    for piece in black_box(text).chunks(PIECE) {
        stream.push(piece, &mut out);
        hand_on(black_box(&out));
        out.clear();
    }
    stream.finish(&mut out);
    hand_on(black_box(&out));
}

/// No secret is left, and nothing else is gone.
fn check(text: &[u8], clean: &[u8]) -> Result<(), Box<dyn Error>> {
    let clean = std::str::from_utf8(clean)?;
    let wanted = text.split(|byte| *byte == b'\n').count() / 20 + 1;
    if clean.contains(SIGN) || clean.contains(SMALL_SIGN) {
        return Err("a secret was left".into());
    }
    if clean.matches("[redacted]").count() != wanted {
        return Err(format!("not one place for each of the {wanted} secrets").into());
    }
    Ok(())
}

/// Milliseconds of processor time.
fn millis(work: impl FnOnce()) -> f64 {
    let start = thread_time();
    work();
    thread_time().saturating_sub(start).as_secs_f64() * 1e3
}
