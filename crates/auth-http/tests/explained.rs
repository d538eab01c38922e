//! `explain` tells an outage from a lost consent, and says how the token in the store stands. Nothing is sent for it.
#![cfg(unix)]

#[path = "stores/places.rs"]
#[allow(dead_code, reason = "the tests of stores use more of it")]
mod places;
mod support;

use auth_http::store::{Claim, Claimed, Lease, Record, Save, Saved, TokenStore};
use auth_http::{Client, Credential, Explanation, FailureKind};
use auth_sandbox::{Sandbox, Service};
use places::{Files, Place, open_at, random_key};
use std::sync::Arc;
use std::time::Duration;

/// A store that is not there.
#[derive(Debug)]
struct Gone;

const WHY: &str = "tokens.internal is not there";

impl TokenStore for Gone {
    fn load(&self, _: &str) -> Result<Option<Record>, String> {
        Err(WHY.into())
    }

    fn claim(&self, _: &str, _: &Claim) -> Claimed {
        Claimed::Down(WHY.into())
    }

    fn save(&self, _: &str, _: &Save) -> Saved {
        Saved::Down(WHY.into())
    }

    fn release(&self, _: &str, _: &Lease) {}
}

fn stored(sandbox: &Sandbox, store: Arc<dyn TokenStore>) -> Client {
    let credential = Credential::public_client("made-up-client").stored();
    support::numeric(sandbox).credential(credential).store(store).build().unwrap()
}

fn refresh_token(sandbox: &Sandbox) -> String {
    sandbox.rotate_refresh_tokens(true);
    sandbox.issue_refresh_token(&sandbox.keys().numeric.client_id).unwrap()
}

fn refreshing(sandbox: &Sandbox, token: &str, store: Arc<dyn TokenStore>) -> Client {
    let keys = &sandbox.keys().numeric;
    let credential = Credential::refresh_token(&keys.client_id, keys.client_secret.as_str(), token);
    support::numeric(sandbox).credential(credential).store(store).build().unwrap()
}

/// It names the store's trouble, and asks nobody to log in.
fn says(explained: &Explanation, why: &str) {
    let error = explained.store_error.as_ref().unwrap_or_else(|| panic!("{why}: {explained}"));
    assert_eq!(error.kind(), FailureKind::Store);
    assert!(error.what().contains(why), "{why}: {error}");
    assert!(!explained.needs_consent && explained.needs_store && !explained.is_well(), "{why}: {explained}");
    let text = explained.to_string();
    assert!(text.contains("\nstore: ") && text.contains(why) && !text.contains("log in once"), "{text}");
}

#[test]
fn a_store_that_is_down_damaged_or_sealed_with_another_key_is_told_as_that() {
    let sandbox = support::sandbox();
    says(&stored(&sandbox, Arc::new(Gone)).explain(), WHY);

    let place = Files::sealed();
    let token = refresh_token(&sandbox);
    let client = |store| refreshing(&sandbox, &token, store);
    client(place.open()).get("/v1/health").send().unwrap();
    let address = format!("files\n{}\n{}", place.path().display(), random_key());
    says(&client(open_at(&address)).explain(), "sealed with another key");
    let address = format!("files\n{}", place.path().display());
    says(&client(open_at(&address)).explain(), "the record is sealed");
    std::fs::write(place.only(".record"), b"ledgerauth sealed 1\nnothing that was sealed").unwrap();
    says(&client(place.open()).explain(), ".record");
    assert_eq!(support::token_requests(&sandbox), 1);
}

#[test]
fn a_stored_token_is_said_to_be_good_or_to_have_ended() {
    let sandbox = support::sandbox();
    let (place, token) = (Files::plain(), refresh_token(&sandbox));
    let client = || refreshing(&sandbox, &token, place.open());
    client().get("/v1/health").send().unwrap();
    let good = client().explain();
    assert!(good.stored_token_ends.is_some_and(|ends| ends > good.at), "{good}");
    assert!(good.to_string().contains("takes the one in the store\n") && good.to_string().contains("is good until"), "{good}");

    sandbox.token_lifetime(Service::NumericAuth, 1);
    let (place, token) = (Files::plain(), refresh_token(&sandbox));
    let client = || refreshing(&sandbox, &token, place.open());
    client().get("/v1/health").send().unwrap();
    std::thread::sleep(Duration::from_millis(1_100));
    let ended = client().explain();
    assert!(ended.stored_token_ends.is_some_and(|ends| ends <= ended.at) && ended.is_well(), "{ended}");
    assert!(ended.to_string().contains("\nstore: its token ended at "), "{ended}");
    assert_eq!(support::token_requests(&sandbox), 2, "nothing is sent for it");
}

#[test]
fn a_store_without_a_connection_asks_for_one() {
    let sandbox = support::sandbox();
    let explained = stored(&sandbox, Files::plain().open()).explain();
    assert!(explained.needs_consent && explained.store_error.is_none() && !explained.needs_store, "{explained}");
}
