//! 64 threads on an expired token whose endpoint takes 200 ms.

use crate::measure::median;
use crate::requests::PATH;
use crate::stage;
use crate::table::{Bar, Row};
use auth_http::Client;
use auth_sandbox::{Kind, Sandbox, Service};
use std::error::Error;
use std::sync::{Barrier, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

const THREADS: usize = 64;
const STORMS: usize = 5;
const DELAY: Duration = Duration::from_millis(200);

pub(crate) fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let sandbox = stage::sandbox()?;
    let header = storms(&sandbox, |client| client.authorize(PATH).is_ok())?;
    let whole = storms(&sandbox, |client| client.get(PATH).send().and_then(auth_http::Response::bytes).is_ok())?;
    let bare = (0..STORMS).map(|_| bare(&sandbox)).collect::<Result<Vec<_>, _>>()?;
    let floor = median(bare.into_iter());
    Ok(vec![
        Row::alone("storm of 64: most token requests in one of 10 storms", "", header.requests.max(whole.requests), Bar::Value(1.0)),
        Row::new("storm of 64: barrier to authorization, p99 / a bare mutex", "ms", header.p99, floor, Bar::Value(205.0)),
        Row::new("storm of 64: barrier to body read (64 new connections), p99", "ms", whole.p99, floor, Bar::None),
    ])
}

struct Storms {
    requests: f64,
    /// The median of the storms' 99th percentiles, which of 64 threads is the slowest, in milliseconds.
    p99: f64,
}

fn storms(sandbox: &Sandbox, call: impl Fn(&Client) -> bool + Sync) -> Result<Storms, Box<dyn Error>> {
    let (mut requests, mut p99) = (0, Vec::new());
    for _ in 0..STORMS {
        let client = expired(sandbox)?;
        let before = sandbox.count(|entry| entry.kind == Kind::Token);
        p99.push(storm(|| call(&client))?);
        requests = requests.max(sandbox.count(|entry| entry.kind == Kind::Token) - before);
        sandbox.clear_log();
    }
    Ok(Storms { requests: f64::from(u32::try_from(requests)?), p99: median(p99.into_iter()) })
}

/// The floor: whoever comes first holds a mutex and fetches with bare ureq, the others wait for the mutex and find the token.
fn bare(sandbox: &Sandbox) -> Result<f64, Box<dyn Error>> {
    sandbox.token_delay(DELAY);
    let (agent, keys, token) = (stage::bare(), sandbox.keys(), Mutex::new(None));
    let url = format!("{}/oauth/token", sandbox.url(Service::NumericAuth));
    let form =
        [("grant_type", "client_credentials"), ("client_id", &keys.numeric.client_id), ("client_secret", &keys.numeric.client_secret)];
    let fetch = || agent.post(&url).send_form(form).and_then(|answer| answer.into_body().read_to_string());
    storm(|| {
        let Ok(mut token) = token.lock() else { return false };
        if token.is_none() {
            *token = fetch().ok();
        }
        token.as_ref().is_some_and(|token| token.contains("access_token"))
    })
}

/// A client whose token of one second has just ended; the next will take 200 ms.
fn expired(sandbox: &Sandbox) -> Result<Client, Box<dyn Error>> {
    sandbox.token_delay(Duration::ZERO);
    sandbox.token_lifetime(Service::NumericAuth, 1);
    let client = stage::with_tokens(sandbox)?;
    client.authorize(PATH)?;
    thread::sleep(Duration::from_millis(1_050));
    sandbox.token_lifetime(Service::NumericAuth, 3_600);
    sandbox.token_delay(DELAY);
    Ok(client)
}

/// The 99th percentile (nearest rank) of the time from the moment at which the first thread passed the barrier, in milliseconds.
fn storm(call: impl Fn() -> bool + Sync) -> Result<f64, Box<dyn Error>> {
    let (barrier, opened) = (Barrier::new(THREADS), OnceLock::new());
    let work = || {
        barrier.wait();
        let start = *opened.get_or_init(Instant::now);
        call().then(|| start.elapsed())
    };
    let mut spans = thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|thread| thread.join().ok().flatten()).collect::<Option<Vec<_>>>().ok_or("a call failed")
    })?;
    spans.sort_unstable();
    let rank = (THREADS * 99).div_ceil(100);
    Ok(spans[rank - 1].as_secs_f64() * 1e3)
}
