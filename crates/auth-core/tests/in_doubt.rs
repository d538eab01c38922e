//! A refresh token in doubt: sent, and its answer never understood. It is sent again once nothing can be lost by that.

mod support;

use auth_core::{
    Audited, Call, Claimed, ClientCredentials, Connection, Credential, Exchange, FailureKind, Grant, Outcome, Provider, RefreshRules,
    Saved, Session, Step,
};
use std::sync::Arc;
use std::time::Duration;
use support::{START, Scenario, failure, rotated, sent_value};

/// How long the right to a token request lasts: its timeout of 30 seconds, and 15 more.
const LEASE: Duration = Duration::from_secs(45);
const HOUR: Duration = Duration::from_hours(1);
const INVALID_GRANT: &str = r#"{"error":"invalid_grant"}"#;

/// A session whose access token ends in a minute, and the renewal that was due before, at its token request.
fn renewing() -> (Scenario, Exchange) {
    let mut scenario = Scenario::refresh_token();
    let mut call = scenario.call("GET", "/v1/health");
    scenario.grant(&mut call, &rotated("token-1", "refresh-2"));
    scenario.to_send(&mut call);
    call.abandon(&mut scenario.session);
    scenario.advance(Duration::from_mins(58));
    let mut renewal = scenario.session.begin_renewal(scenario.now, 7).expect("due").audited();
    assert!(scenario.to_fetch(&mut renewal).body.unwrap().expose().contains("refresh-2"));
    (scenario, renewal)
}

/// A session at its first token request, which is on its way.
fn sent() -> (Scenario, Exchange) {
    let mut scenario = Scenario::refresh_token();
    let mut call = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut call);
    (scenario, call)
}

/// Another process with the same credential, at the same store and moment.
fn sibling(of: &Scenario) -> Scenario {
    let mut sibling = Scenario::refresh_token();
    (sibling.now, sibling.stored) = (of.now, of.stored.clone());
    sibling
}

fn attempt(scenario: &Scenario) -> u32 {
    scenario.stored.as_ref().and_then(|record| record.spending).map_or(0, |spending| spending.attempt)
}

#[test]
fn one_503_or_reset_is_not_noticed_by_the_caller() {
    for is_reset in [true, false] {
        let mut scenario = Scenario::refresh_token();
        let mut call = scenario.call("GET", "/v1/health").audited();
        scenario.to_fetch(&mut call);
        if is_reset {
            scenario.lose(&mut call, false);
        } else {
            scenario.respond(&mut call, 503, &[], "<html>");
        }
        let until = scenario.to_wait(&mut call);
        assert!(until >= scenario.now.after(Duration::from_secs(1)), "one token request a second");
        scenario.now = until;
        assert!(scenario.to_fetch(&mut call).body.unwrap().expose().contains("refresh-1"));
        assert_eq!(attempt(&scenario), 2, "the journal counts");
        scenario.respond(&mut call, 200, &[], &rotated("token-2", "refresh-2"));
        assert_eq!(sent_value(&scenario.to_send(&mut call)), "Bearer token-2");
        assert_eq!(attempt(&scenario), 0);
        let told = call.take_events().into_iter().filter(|event| event.what == Audited::RefreshTokenResent).count();
        assert_eq!(told, 1, "each resend is an event");
    }
}

#[test]
fn while_the_access_token_is_valid_it_is_used_and_nothing_is_sent() {
    let (mut scenario, mut renewal) = renewing();
    scenario.respond(&mut renewal, 503, &[], "");
    let outcome = scenario.to_done(&mut renewal);
    assert_eq!((failure(&outcome).kind(), failure(&outcome).status()), (FailureKind::TokenEndpoint, Some(503)), "{outcome:?}");
    let ends = failure(&outcome).come_back_at().expect("a moment");
    assert!(ends > scenario.now && ends <= START.after(HOUR), "{outcome:?}");
    renewal.abandon(&mut scenario.session);
    assert!(scenario.session.begin_renewal(scenario.now.after(Duration::from_secs(31)), 8).is_none());
    let mut call = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut call)), "Bearer token-1");
    call.abandon(&mut scenario.session);
    // Another process uses it, too.
    let mut other = sibling(&scenario);
    let mut call = other.call("GET", "/v1/health");
    assert_eq!(sent_value(&other.to_send(&mut call)), "Bearer token-1");
    // At its end, the process that lost the answer sends at once: nobody else can still wait for one.
    scenario.now = ends;
    let mut call = scenario.call("GET", "/v1/health");
    assert!(scenario.to_fetch(&mut call).body.unwrap().expose().contains("refresh-2"));
    assert_eq!(attempt(&scenario), 2);
    scenario.respond(&mut call, 200, &[], &rotated("token-2", "refresh-3"));
    assert_eq!(sent_value(&scenario.to_send(&mut call)), "Bearer token-2");
}

#[test]
fn another_process_sends_after_a_whole_lease_span_of_its_own_clock() {
    let (scenario, _gone) = sent();
    let mut other = sibling(&scenario);
    let mut call = other.call("GET", "/v1/health");
    let until = other.to_wait(&mut call);
    assert_eq!(until, other.now.after(LEASE));
    // A caller who cannot wait for so long is told when to come back.
    let short = Call::new(&other.connection, "GET", "/v1/health").unwrap().deadline(other.now.after(Duration::from_secs(10)));
    let mut short = other.exchange(short);
    let outcome = other.to_done(&mut short);
    assert_eq!((failure(&outcome).kind(), failure(&outcome).come_back_at()), (FailureKind::TokenEndpoint, Some(until)));
    other.now = until.before(Duration::from_millis(1));
    assert_eq!(other.to_wait(&mut call), until);
    other.now = until;
    assert!(other.to_fetch(&mut call).body.unwrap().expose().contains("refresh-1"));
    assert_eq!(attempt(&other), 2);
    other.respond(&mut call, 200, &[], &rotated("token-2", "refresh-2"));
    assert_eq!(sent_value(&other.to_send(&mut call)), "Bearer token-2");
}

#[test]
fn an_entry_that_another_process_made_meanwhile_is_watched_anew() {
    let (scenario, _sender) = sent();
    let mut other = sibling(&scenario);
    let mut waiting = other.call("GET", "/v1/health");
    other.now = other.to_wait(&mut waiting);
    // The first process has sent it once more.
    let entry = other.stored.as_mut().unwrap().spending.as_mut().unwrap();
    (entry.mark, entry.attempt) = (entry.mark ^ 1, 2);
    // Longer than the deadline of 90 seconds leaves.
    let outcome = other.next(&mut waiting);
    let Step::Done(outcome) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failure(&outcome).come_back_at(), Some(other.now.after(LEASE)), "{outcome:?}");
}

#[test]
fn a_store_that_proves_the_senders_death_lets_the_next_process_send_at_once() {
    let (scenario, _gone) = sent();
    let mut other = sibling(&scenario);
    let mut call = other.call("GET", "/v1/health");
    assert!(matches!(other.poll(&mut call), Step::Claim(_)));
    call.handle_claimed(&mut other.session, other.now, Claimed::TakenOver(other.stored.clone()));
    assert!(other.to_fetch(&mut call).body.unwrap().expose().contains("refresh-1"));
}

#[test]
fn a_siblings_newer_token_is_taken_and_nothing_is_sent() {
    let (mut scenario, mut call) = sent();
    let mut other = sibling(&scenario);
    let mut waiting = other.call("GET", "/v1/health");
    other.now = other.to_wait(&mut waiting);
    // The sleeper woke up, heard its answer and stored it.
    scenario.respond(&mut call, 200, &[], &rotated("token-2", "refresh-2"));
    assert_eq!(sent_value(&scenario.to_send(&mut call)), "Bearer token-2");
    other.stored.clone_from(&scenario.stored);
    assert_eq!(sent_value(&other.to_send(&mut waiting)), "Bearer token-2");
}

#[test]
fn a_refusal_asks_for_a_person_and_says_why() {
    let (mut scenario, mut call) = sent();
    scenario.lose(&mut call, false);
    scenario.now = scenario.to_wait(&mut call);
    scenario.to_fetch(&mut call);
    scenario.respond(&mut call, 400, &[], INVALID_GRANT);
    let outcome = scenario.to_done(&mut call);
    let failure = failure(&outcome);
    assert_eq!((failure.kind(), failure.code(), failure.status()), (FailureKind::ConsentRequired, Some("invalid_grant"), Some(400)));
    assert!(failure.what().contains("an earlier answer was lost, and the refresh token was sent again"), "{failure}");
    assert!(failure.advice().contains("a person has to connect the account again"), "{failure}");
}

#[test]
fn retries_are_the_ordinary_ones_and_end_with_what_happened() {
    let mut scenario = Scenario::refresh_token();
    let mut call = scenario.call("GET", "/v1/health");
    let mut requests = 0;
    let outcome = loop {
        match scenario.next(&mut call) {
            Step::Fetch(_) => {
                requests += 1;
                scenario.respond(&mut call, 503, &[("retry-after", "2")], "");
            }
            Step::Wait(until) => scenario.now = until,
            Step::Done(outcome) => break outcome,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((requests, failure(&outcome).kind(), failure(&outcome).status()), (4, FailureKind::TokenEndpoint, Some(503)));
    assert_eq!(failure(&outcome).come_back_at(), Some(scenario.now.after(Duration::from_secs(2))));
    assert_eq!(attempt(&scenario), 4);
}

/// A provider that says whether a refresh token in doubt may be sent again.
fn profile(line: &str) -> Result<Provider, auth_core::ProfileError> {
    Provider::from_toml(&format!(
        "name = \"own\"\ntitle = \"Own\"\n[[environment]]\nname = \"production\"\nbase_url = \"https://api.own.test\"\n\
         token_url = \"https://auth.own.test/token\"\n[token]\ngrants = [\"refresh_token\"]\nrequest = \"form\"\nclient_auth = \"client_secret_post\"\n[token.refresh]\n{line}"
    ))
}

#[test]
fn a_profile_can_forbid_it_with_a_source() {
    assert!(RefreshRules::default().resend_in_doubt && profile("").unwrap().refresh_rules().resend_in_doubt);
    let error = profile("resend_in_doubt = false").unwrap_err().to_string();
    assert!(error.contains("needs a `source`"), "{error}");

    let provider = profile("resend_in_doubt = false\nsource = \"https://own.test/docs\"").unwrap();
    let client = ClientCredentials::parse(&provider, "client-1", "client-secret-1").unwrap();
    let credential = Credential::Grant(Grant::refresh_token(client, "refresh-1"));
    let connection = Arc::new(Connection::builder(provider).build(&credential).unwrap());
    let mut scenario = Scenario::refresh_token();
    scenario.session = Session::new(Arc::clone(&connection), credential, false);
    scenario.connection = connection;
    let mut call = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut call);
    scenario.respond(&mut call, 503, &[], "");
    let outcome = scenario.to_done(&mut call);
    assert_eq!((failure(&outcome).kind(), failure(&outcome).status()), (FailureKind::ConsentRequired, Some(503)));
    assert!(failure(&outcome).advice().contains("it is not sent again"), "{outcome:?}");
}

#[test]
fn a_resend_that_cannot_be_journaled_is_not_sent() {
    let (mut scenario, mut call) = sent();
    scenario.lose(&mut call, false);
    scenario.now = scenario.to_wait(&mut call);
    let Step::Save(save) = scenario.poll(&mut call) else { panic!() };
    assert_eq!(save.record.spending.unwrap().attempt, 2);
    call.handle_saved(&mut scenario.session, scenario.now, Saved::Down("disk full".into()));
    let outcome = scenario.to_done(&mut call);
    assert!(matches!(outcome, Outcome::Failed(_)) && failure(&outcome).kind() == FailureKind::Store, "{outcome:?}");
}
