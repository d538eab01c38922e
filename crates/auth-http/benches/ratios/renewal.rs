//! A steady caller while its token is renewed, beside the same caller on the bare client.

use crate::measure::median;
use crate::requests::{Bare, PATH};
use crate::stage;
use crate::table::{Bar, Row};
use auth_sandbox::{Kind, Service};
use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

/// How often a renewal is watched; the median of the longest calls counts, because one other program can take the core away from any call.
const TIMES: usize = 5;

struct Longest {
    authorize: Duration,
    get: Duration,
    bare: Duration,
}

pub(crate) fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let watched = (0..TIMES).map(|_| watch()).collect::<Result<Vec<_>, _>>()?;
    let millis = |pick: fn(&Longest) -> Duration| median(watched.iter().map(|longest| pick(longest).as_secs_f64() * 1e3));
    Ok(vec![
        Row::alone("a renewal of 200 ms: longest authorize of a steady caller", "ms", millis(|longest| longest.authorize), Bar::Value(0.5)),
        Row::new(
            "  the same: longest whole GET / bare ureq's",
            "ms",
            millis(|longest| longest.get),
            millis(|longest| longest.bare),
            Bar::None,
        ),
    ])
}

/// One client from 2.9 s to 3.7 s of a token of 4 s, which is renewed at 3.2 to 3.4 s.
fn watch() -> Result<Longest, Box<dyn Error>> {
    let sandbox = stage::sandbox()?;
    sandbox.token_lifetime(Service::NumericAuth, 4);
    let client = stage::with_tokens(&sandbox)?;
    let start = Instant::now();
    let bare = Bare::new(stage::bare(), &sandbox.url(Service::NumericApi), client.authorize(PATH)?.value().expose());
    sandbox.token_delay(Duration::from_millis(200));
    thread::sleep(Duration::from_millis(2_900).saturating_sub(start.elapsed()));
    // Connections are made before, on both sides.
    client.get(PATH).send()?.bytes()?;
    bare.get()?;
    let mut longest = Longest { authorize: Duration::ZERO, get: Duration::ZERO, bare: Duration::ZERO };
    while start.elapsed() < Duration::from_millis(3_700) {
        longest.authorize = longest.authorize.max(timed(|| client.authorize(PATH).map(drop))?);
        longest.get = longest.get.max(timed(|| client.get(PATH).send()?.bytes().map(drop))?);
        longest.bare = longest.bare.max(timed(|| bare.get().map(drop))?);
        thread::sleep(Duration::from_micros(500));
    }
    let renewed = sandbox.count(|entry| entry.kind == Kind::Token) == 2;
    renewed.then_some(longest).ok_or_else(|| "the token was not renewed once".into())
}

fn timed<E>(call: impl FnOnce() -> Result<(), E>) -> Result<Duration, E> {
    let start = Instant::now();
    call()?;
    Ok(start.elapsed())
}
