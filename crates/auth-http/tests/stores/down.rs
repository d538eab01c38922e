//! A store that is down, under a real client and a real token endpoint whose refresh tokens are for one use.

use crate::places::Place;
use crate::support::{numeric, refreshing, requests, sandbox, token_requests};
use auth_http::{Client, Error, FailureKind};
use auth_sandbox::{Sandbox, Service};
use std::thread;
use std::time::{Duration, Instant};

/// A place that can be broken and mended.
pub(crate) trait Breakable: Place {
    fn break_it(&mut self);
    fn mend_it(&mut self);
}

/// How often a refresh token was sent that had been used before.
pub(crate) fn reused(sandbox: &Sandbox) -> usize {
    sandbox.count(|entry| entry.decision.contains("used before"))
}

fn call(client: &Client) -> Result<u16, Error> {
    Ok(client.get("/v1/health").send()?.error_for_status()?.status())
}

/// Calls until it works again: a store that was down is left alone for some seconds.
fn call_until_it_works(client: &Client) {
    let start = Instant::now();
    while call(client).map_or(true, |status| status != 200) {
        assert!(start.elapsed() < Duration::from_mins(1), "{:?}", call(client));
        thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn all(place: &mut dyn Breakable) {
    a_valid_token_is_used_and_no_refresh_token_spent(place);
    a_token_that_cannot_be_saved_is_kept_and_saved_later(place);
    a_token_that_can_be_fetched_anew_needs_no_store(place);
}

fn a_valid_token_is_used_and_no_refresh_token_spent(place: &mut dyn Breakable) {
    let sandbox = sandbox();
    sandbox.rotate_refresh_tokens(true);
    let client = refreshing(&sandbox).store(place.open()).name("valid").build().unwrap();
    assert_eq!(call(&client).unwrap(), 200);
    place.break_it();
    for _ in 0..20 {
        assert_eq!(call(&client).unwrap(), 200);
    }
    assert_eq!(token_requests(&sandbox), 1);
    // Now a new one is needed, and cannot be had without spending what could not be replaced.
    sandbox.revoke_tokens(Service::NumericAuth);
    let error = call(&client).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Store), "{error}");
    let words = error.to_string();
    assert!(words.contains("the refresh token was not spent: bring the store back"), "{words}");
    println!("{words}");
    assert_eq!(token_requests(&sandbox), 1, "nothing was sent to the token endpoint");
    place.mend_it();
    call_until_it_works(&client);
    assert_eq!((token_requests(&sandbox), reused(&sandbox)), (2, 0));
}

fn a_token_that_cannot_be_saved_is_kept_and_saved_later(place: &mut dyn Breakable) {
    let sandbox = sandbox();
    sandbox.rotate_refresh_tokens(true);
    let builder = refreshing(&sandbox).name("unsaved").deadline(Duration::from_secs(5));
    let client = builder.clone().store(place.open()).build().unwrap();
    // Between the journal and the save, while the token endpoint takes its time.
    sandbox.token_delay(Duration::from_millis(700));
    let error = thread::scope(|scope| {
        let calling = scope.spawn(|| call(&client));
        let start = Instant::now();
        while requests(&sandbox, Service::NumericAuth).is_empty() && start.elapsed() < Duration::from_millis(400) {
            thread::sleep(Duration::from_millis(10));
        }
        place.break_it();
        calling.join().unwrap().unwrap_err()
    });
    assert_eq!(error.kind(), Some(FailureKind::Store), "{error}");
    assert!(error.to_string().contains("the new token is kept in memory"), "{error}");
    println!("{error}");
    sandbox.token_delay(Duration::ZERO);
    place.mend_it();
    call_until_it_works(&client);
    assert_eq!((token_requests(&sandbox), reused(&sandbox)), (1, 0), "it was saved, not fetched again");
    // It is durable: another process goes on with it, and with the refresh token behind it.
    let other = builder.store(place.open()).build().unwrap();
    assert_eq!(call(&other).unwrap(), 200);
    assert_eq!(token_requests(&sandbox), 1);
    sandbox.revoke_tokens(Service::NumericAuth);
    assert_eq!(call(&other).unwrap(), 200);
    assert_eq!((token_requests(&sandbox), reused(&sandbox)), (2, 0));
}

fn a_token_that_can_be_fetched_anew_needs_no_store(place: &mut dyn Breakable) {
    let sandbox = sandbox();
    let client = numeric(&sandbox).store(place.open()).name("anew").build().unwrap();
    place.break_it();
    assert_eq!(call(&client).unwrap(), 200);
    sandbox.revoke_tokens(Service::NumericAuth);
    assert_eq!(call(&client).unwrap(), 200);
    assert_eq!(token_requests(&sandbox), 2);
    place.mend_it();
    sandbox.revoke_tokens(Service::NumericAuth);
    assert_eq!(call(&client).unwrap(), 200);
}
