//! The nine invariants, each by name.

mod support;

use auth_core::{Call, Claimed, FailureKind, Outcome, Record, Saved, SessionState, Step, UnixTime};
use std::time::Duration;
use support::{START, Scenario, failure, rotated, sent_value, token};

#[test]
fn invariant_1_poll_once_do_exactly_that_report_it() {
    let mut scenario = Scenario::client_credentials();
    // A second poll without the report ends the exchange.
    let mut exchange = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.poll(&mut exchange), Step::Claim(_)));
    let Step::Done(outcome) = scenario.poll(&mut exchange) else { panic!() };
    assert_eq!(failure(&outcome).kind(), FailureKind::Misuse);
    exchange.abandon(&mut scenario.session);
    // So does a report that does not match the step.
    let mut exchange = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.poll(&mut exchange), Step::Claim(_)));
    exchange.handle_saved(&mut scenario.session, START, Saved::Durable);
    let outcome = scenario.to_done(&mut exchange);
    assert_eq!(failure(&outcome).kind(), FailureKind::Misuse);
    exchange.abandon(&mut scenario.session);
    // Neither strands the next caller.
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
}

#[test]
fn invariant_2_the_last_response_reaches_the_caller() {
    for status in [200, 204, 302, 400, 403, 404, 409, 422] {
        let mut scenario = Scenario::client_credentials().with_token("token-1");
        let mut exchange = scenario.call("POST", "/v1/tasks");
        scenario.to_send(&mut exchange);
        scenario.respond(&mut exchange, status, &[], "body");
        assert!(matches!(scenario.to_done(&mut exchange), Outcome::Answered(_)), "{status}");
    }
    // Even where the machine went on after it and could not come further.
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    let mut exchange = scenario.call("GET", "/v1/tasks");
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 401, &[], "");
    scenario.to_fetch(&mut exchange);
    scenario.respond(&mut exchange, 400, &[], r#"{"error":"invalid_client"}"#);
    let Outcome::Answered(Some(failure)) = scenario.to_done(&mut exchange) else { panic!() };
    assert_eq!((failure.kind(), failure.code()), (FailureKind::GrantRefused, Some("invalid_client")));
}

#[test]
fn invariant_3_at_most_one_fetch_is_in_flight() {
    let mut scenario = Scenario::client_credentials();
    let mut first = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut first);
    let mut others: Vec<_> = (0..63).map(|_| scenario.call("GET", "/v1/health")).collect();
    for other in &mut others {
        scenario.to_wait(other);
    }
    scenario.respond(&mut first, 200, &[], &token("token-1", 3_600));
    scenario.to_send(&mut first);
    for other in &mut others {
        assert_eq!(sent_value(&scenario.to_send(other)), "Bearer token-1");
    }
}

#[test]
fn invariant_3_a_caller_with_a_valid_token_never_waits_for_a_renewal() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    scenario.advance(Duration::from_secs(3_500));
    assert_eq!(scenario.session.state(scenario.now), SessionState::Stale);
    let mut renewal = scenario.session.begin_renewal(scenario.now, 7).expect("due");
    scenario.to_fetch(&mut renewal);
    assert!(scenario.session.begin_renewal(scenario.now, 8).is_none());
    let mut caller = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut caller)), "Bearer token-1");
    scenario.respond(&mut renewal, 200, &[], &token("token-2", 3_600));
    assert!(matches!(scenario.to_done(&mut renewal), Outcome::Renewed));
    let mut caller = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut caller)), "Bearer token-2");
}

#[test]
fn invariant_3_a_lapsed_right_is_taken_over_and_its_late_holder_does_no_harm() {
    let mut scenario = Scenario::client_credentials();
    let mut late = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut late);
    let mut next = scenario.call("GET", "/v1/health");
    let until = scenario.to_wait(&mut next);
    scenario.now = until;
    scenario.grant(&mut next, &token("token-2", 3_600));
    assert_eq!(sent_value(&scenario.to_send(&mut next)), "Bearer token-2");
    // The late answer meets a store that has moved on.
    scenario.respond(&mut late, 200, &[], &token("token-late", 3_600));
    let Step::Save(save) = scenario.poll(&mut late) else { panic!() };
    assert_eq!(save.replaces, 0);
    late.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded);
}

#[test]
fn invariant_4_a_rotated_refresh_token_is_durable_before_it_is_used() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    // Claim, then the journal, then the fetch.
    assert!(matches!(scenario.poll(&mut exchange), Step::Claim(_)));
    exchange.handle_claimed(&mut scenario.session, START, Claimed::Granted(None));
    let Step::Save(journal) = scenario.poll(&mut exchange) else { panic!() };
    assert!(journal.record.spending.is_some() && journal.record.access_token.is_none());
    exchange.handle_saved(&mut scenario.session, START, Saved::Durable);
    assert!(matches!(scenario.poll(&mut exchange), Step::Fetch(_)));
    scenario.respond(&mut exchange, 200, &[], &rotated("token-1", "refresh-2"));
    // The new refresh token is saved before anybody sends the new access token.
    let Step::Save(save) = scenario.poll(&mut exchange) else { panic!() };
    assert_eq!(save.record.refresh_token.as_ref().unwrap().expose(), "refresh-2");
    assert!(save.record.spending.is_none() && save.record.generation > save.replaces);
    let mut sibling = scenario.call("GET", "/v1/health");
    scenario.to_wait(&mut sibling);
    exchange.handle_saved(&mut scenario.session, START, Saved::Durable);
    assert_eq!(sent_value(&scenario.to_send(&mut sibling)), "Bearer token-1");
}

#[test]
fn invariant_4_a_failed_save_loses_nothing() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.grant(&mut exchange, &rotated("token-1", "refresh-2"));
    let outcome = loop {
        match scenario.poll(&mut exchange) {
            Step::Save(_) => exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Down("disk full".into())),
            Step::Wait(until) => scenario.now = until,
            Step::Release(_) => {}
            Step::Done(outcome) => break outcome,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(failure(&outcome).kind(), FailureKind::Store);
    assert_eq!(scenario.session.state(scenario.now), SessionState::Unsaved);
    exchange.abandon(&mut scenario.session);
    // The store is back: what was kept is stored first, nothing is fetched.
    scenario.advance(Duration::from_mins(1));
    let mut exchange = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-1");
    assert_eq!(scenario.stored.as_ref().unwrap().refresh_token.as_ref().unwrap().expose(), "refresh-2");
}

#[test]
fn invariant_4_cancelling_while_saving_loses_nothing() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.grant(&mut exchange, &rotated("token-1", "refresh-2"));
    assert!(matches!(scenario.poll(&mut exchange), Step::Save(_)));
    assert!(exchange.abandon(&mut scenario.session).is_some());
    let mut next = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut next)), "Bearer token-1");
}

#[test]
fn invariant_4_a_superseded_save_keeps_the_new_refresh_token_until_the_store_is_ahead() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.grant(&mut exchange, &rotated("token-1", "refresh-2"));
    assert!(matches!(scenario.poll(&mut exchange), Step::Save(_)));
    // The lease had run out; whoever held it meanwhile found the journal and gave up.
    exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded);
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-1");
    assert_eq!(scenario.stored.as_ref().unwrap().refresh_token.as_ref().unwrap().expose(), "refresh-2");
}

#[test]
fn invariant_4_a_valid_token_outlives_a_failed_renewal() {
    for (status, body) in [(503, ""), (400, r#"{"error":"invalid_client"}"#), (200, "<html>")] {
        let mut scenario = Scenario::client_credentials().with_token("token-1");
        scenario.advance(Duration::from_secs(3_400));
        let mut renewal = scenario.session.begin_renewal(scenario.now, 7).expect("due");
        let outcome = loop {
            match scenario.next(&mut renewal) {
                Step::Fetch(_) => scenario.respond(&mut renewal, status, &[], body),
                Step::Wait(until) => scenario.now = until,
                Step::Done(outcome) => break outcome,
                other => panic!("{other:?}"),
            }
        };
        assert!(matches!(outcome, Outcome::Failed(_)), "{status}");
        renewal.abandon(&mut scenario.session);
        // It backs off, and calls go on.
        assert!(scenario.session.begin_renewal(scenario.now, 8).is_none(), "{status}");
        let mut caller = scenario.call("GET", "/v1/health");
        assert_eq!(sent_value(&scenario.to_send(&mut caller)), "Bearer token-1");
    }
}

#[test]
fn invariant_4_a_journal_is_taken_back_when_the_refresh_token_was_not_spent() {
    for lose in [true, false] {
        let mut scenario = Scenario::refresh_token();
        let mut exchange = scenario.call("GET", "/v1/health");
        let outcome = loop {
            match scenario.next(&mut exchange) {
                Step::Fetch(_) if lose => scenario.lose(&mut exchange, true),
                Step::Fetch(_) => scenario.respond(&mut exchange, 401, &[], r#"{"error":"invalid_client"}"#),
                Step::Wait(until) => scenario.now = until,
                Step::Done(outcome) => break outcome,
                other => panic!("{other:?}"),
            }
        };
        assert!(matches!(outcome, Outcome::Failed(_)));
        assert!(scenario.stored.as_ref().unwrap().spending.is_none());
        exchange.abandon(&mut scenario.session);
        scenario.advance(Duration::from_mins(10));
        let mut exchange = scenario.call("GET", "/v1/health");
        scenario.grant(&mut exchange, &rotated("token-1", "refresh-2"));
        scenario.to_send(&mut exchange);
    }
}

#[test]
fn invariant_4_a_journal_that_could_not_be_answered_for_does_not_hold_its_own_session_back() {
    let mut scenario = Scenario::refresh_token();
    // The store wrote the first entry and could not say so; of the second nothing was written; before the third was answered for, its caller went away.
    for attempt in 0..3 {
        let mut exchange = scenario.call("GET", "/v1/health");
        while !matches!(scenario.poll(&mut exchange), Step::Claim(_)) {}
        exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(scenario.stored.clone()));
        let Step::Save(journal) = scenario.poll(&mut exchange) else { panic!("{attempt}") };
        if attempt != 1 {
            scenario.stored = Some(journal.record);
        }
        if attempt != 2 {
            exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Down("no answer".into()));
        }
        exchange.abandon(&mut scenario.session);
        scenario.advance(Duration::from_mins(1));
    }
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    // Another session cannot know.
    let mut other = Scenario::refresh_token();
    other.stored.clone_from(&scenario.stored);
    let mut exchange = other.call("GET", "/v1/health");
    assert_eq!(failure(&other.to_done(&mut exchange)).kind(), FailureKind::ConsentRequired);
}

#[test]
fn invariant_4_a_caller_that_goes_away_while_nothing_is_spent_spends_nothing() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.respond(&mut exchange, 429, &[("retry-after", "2")], "");
    scenario.to_wait(&mut exchange);
    exchange.abandon(&mut scenario.session);
    let mut next = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut next);
    // Once it is on its way, nobody knows.
    next.abandon(&mut scenario.session);
    let mut last = scenario.call("GET", "/v1/health");
    assert_eq!(failure(&scenario.to_done(&mut last)).kind(), FailureKind::ConsentRequired);
}

#[test]
fn a_holder_that_wakes_up_late_claims_again_before_it_sends() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.poll(&mut exchange), Step::Claim(_)));
    exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(None));
    let Step::Save(journal) = scenario.poll(&mut exchange) else { panic!() };
    scenario.stored = Some(journal.record);
    exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Durable);
    // So late that the answer would come after the lease.
    scenario.advance(Duration::from_secs(16));
    let Step::Save(cleared) = scenario.poll(&mut exchange) else { panic!() };
    assert!(cleared.record.spending.is_none());
    // Somebody else has the lease by now, and leaves it again.
    exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded);
    let Step::Release(_) = scenario.poll(&mut exchange) else { panic!() };
    let Step::Claim(_) = scenario.poll(&mut exchange) else { panic!() };
    exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(scenario.stored.clone()));
    let Step::Save(_) = scenario.poll(&mut exchange) else { panic!() };
    exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Durable);
    assert!(matches!(scenario.poll(&mut exchange), Step::Fetch(_)));
}

#[test]
fn each_lease_has_a_number_of_its_own_so_that_a_late_release_ends_no_later_one() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    let mut owners = std::collections::HashSet::new();
    for _ in 0..20 {
        let Step::Claim(claim) = scenario.poll(&mut exchange) else { panic!() };
        assert!(claim.owner != 0 && owners.insert(claim.owner));
        exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Busy);
        scenario.now = scenario.to_wait(&mut exchange);
    }
}

#[test]
fn a_claim_that_was_not_answered_is_given_back() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    let Step::Claim(claim) = scenario.poll(&mut exchange) else { panic!() };
    assert_eq!(exchange.abandon(&mut scenario.session).map(|lease| lease.owner), Some(claim.owner));
}

#[test]
fn invariant_4_an_answer_belongs_to_the_consent_that_asked_for_it() {
    let mut scenario = Scenario::refresh_token().reloadable();
    let mut late = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut late);
    // Its time is over, and another finds the journal; meanwhile a person has connected the account again.
    scenario.advance(Duration::from_secs(46));
    let mut other = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.next(&mut other), Step::Load));
    let provider = auth_core::Provider::builtin("numeric").unwrap();
    let client = auth_core::ClientCredentials::parse(&provider, "client-1", "client-secret-1").unwrap();
    let newer = auth_core::Credential::Grant(auth_core::Grant::refresh_token(client, "refresh-b"));
    other.handle_loaded(&mut scenario.session, scenario.now, Some(newer));
    scenario.respond(&mut late, 200, &[], &rotated("token-1", "refresh-2"));
    // What was granted to the former consent is not taken for the newer one's.
    assert!(scenario.to_fetch(&mut late).body.unwrap().expose().contains("refresh-b"));
    assert_eq!(scenario.stored.clone().unwrap().refresh_token.unwrap().expose(), "refresh-b");
    scenario.respond(&mut late, 200, &[], &rotated("token-b", "refresh-b2"));
    assert_eq!(sent_value(&scenario.to_send(&mut late)), "Bearer token-b");
    assert_eq!(sent_value(&scenario.to_send(&mut other)), "Bearer token-b");
}

#[test]
fn invariant_4_a_newer_consent_begins_its_own_count_of_generations() {
    let mut scenario = Scenario::refresh_token().reloadable();
    for number in 2..5 {
        let mut exchange = scenario.call("GET", "/v1/health");
        scenario.grant(&mut exchange, &rotated("token-a", &format!("refresh-{number}")));
        scenario.to_send(&mut exchange);
        exchange.abandon(&mut scenario.session);
        scenario.advance(Duration::from_hours(2));
    }
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.respond(&mut exchange, 400, &[], r#"{"error":"invalid_grant"}"#);
    assert!(matches!(scenario.next(&mut exchange), Step::Load));
    let provider = auth_core::Provider::builtin("numeric").unwrap();
    let client = auth_core::ClientCredentials::parse(&provider, "client-1", "client-secret-1").unwrap();
    let newer = auth_core::Credential::Grant(auth_core::Grant::refresh_token(client, "refresh-b"));
    // Under the newer consent's id another process has already used its first refresh token.
    let mut other = Scenario::new("numeric", "production", |_| newer.clone());
    other.now = scenario.now;
    let mut ahead = other.call("GET", "/v1/health");
    other.grant(&mut ahead, &rotated("token-b", "refresh-b2"));
    other.to_send(&mut ahead);
    scenario.stored.clone_from(&other.stored);
    exchange.handle_loaded(&mut scenario.session, scenario.now, Some(newer));
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-b");
    exchange.abandon(&mut scenario.session);
    scenario.advance(Duration::from_hours(2));
    let mut exchange = scenario.call("GET", "/v1/health");
    assert!(scenario.to_fetch(&mut exchange).body.unwrap().expose().contains("refresh-b2"));
}

#[test]
fn invariant_4_a_lost_answer_is_not_replayed_by_anybody() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.lose(&mut exchange, false);
    assert_eq!(failure(&scenario.to_done(&mut exchange)).kind(), FailureKind::ConsentRequired);
    exchange.abandon(&mut scenario.session);
    // Another process, later: the journal tells it.
    let mut other = Scenario::refresh_token();
    other.stored.clone_from(&scenario.stored);
    let mut exchange = other.call("GET", "/v1/health");
    assert_eq!(failure(&other.to_done(&mut exchange)).kind(), FailureKind::ConsentRequired);
    // One that was given a new grant is not held back by it.
    let mut fresh = Scenario::new("numeric", "production", |provider| {
        let client = auth_core::ClientCredentials::parse(provider, "client-1", "client-secret-1").unwrap();
        auth_core::Credential::Grant(auth_core::Grant::refresh_token(client, "refresh-of-a-new-consent"))
    });
    fresh.stored.clone_from(&scenario.stored);
    let mut exchange = fresh.call("GET", "/v1/health");
    let request = fresh.to_fetch(&mut exchange);
    assert!(request.body.unwrap().expose().contains("refresh-of-a-new-consent"));
}

#[test]
fn invariant_5_a_401_for_an_old_generation_sends_again_with_the_newer_token() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    let mut slow = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut slow)), "Bearer token-1");
    let mut quick = scenario.call("GET", "/v1/health");
    scenario.to_send(&mut quick);
    scenario.respond(&mut quick, 401, &[], "");
    scenario.grant(&mut quick, &token("token-2", 3_600));
    assert_eq!(sent_value(&scenario.to_send(&mut quick)), "Bearer token-2");
    scenario.respond(&mut slow, 401, &[], "");
    assert_eq!(sent_value(&scenario.to_send(&mut slow)), "Bearer token-2");
}

#[test]
fn invariant_5_a_freshly_minted_token_that_is_refused_stops_and_says_why() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    let mut exchange = scenario.call("POST", "/v1/tasks");
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 401, &[], "");
    scenario.grant(&mut exchange, &token("token-2", 3_600));
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 401, &[], "");
    let outcome = scenario.to_done(&mut exchange);
    assert_eq!(failure(&outcome).kind(), FailureKind::TokenRefused);
    assert!(failure(&outcome).advice().contains("tenant header"), "{}", failure(&outcome));
    exchange.abandon(&mut scenario.session);
    // For a while, a 401 is taken as it is: 1,000 refused calls do not make 1,000 token requests.
    for _ in 0..1_000 {
        let mut exchange = scenario.call("GET", "/v1/tasks");
        scenario.to_send(&mut exchange);
        scenario.respond(&mut exchange, 401, &[], "");
        assert!(matches!(scenario.to_done(&mut exchange), Outcome::Answered(Some(_))));
        exchange.abandon(&mut scenario.session);
    }
}

#[test]
fn invariant_5_an_adopted_token_that_is_refused_is_not_taken_for_a_fresh_one() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    scenario.advance(Duration::from_mins(5));
    let sibling = Record {
        generation: 2,
        minted_at: START.after(Duration::from_secs(150)),
        access_token: Some("token-2".into()),
        ..scenario.stored.clone().unwrap()
    };
    scenario.stored = Some(sibling);
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 401, &[], "");
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-2");
    scenario.respond(&mut exchange, 401, &[], "");
    scenario.grant(&mut exchange, &token("token-3", 3_600));
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-3");
}

#[test]
fn invariant_5_a_refused_token_of_another_machine_is_renewed_however_fresh_it_looks() {
    // The clock of the machine that asked for it is ahead, so that it seems to come out of the future.
    for minted_at in [START.before(Duration::from_secs(5)), START.after(Duration::from_mins(2))] {
        let mut scenario = Scenario::client_credentials().with_token("token-1");
        let expires_at = minted_at.after(Duration::from_hours(1));
        let sibling =
            Record { generation: 2, minted_at, expires_at, access_token: Some("token-2".into()), ..scenario.stored.clone().unwrap() };
        scenario.stored = Some(sibling);
        let mut exchange = scenario.call("GET", "/v1/health");
        scenario.to_send(&mut exchange);
        scenario.respond(&mut exchange, 401, &[], "");
        assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-2");
        scenario.respond(&mut exchange, 401, &[], "");
        scenario.grant(&mut exchange, &token("token-3", 3_600));
        assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-3");
    }
}

#[test]
fn invariant_6_only_what_is_harmless_is_sent_again() {
    let external_id = br#"{"external_id":"ap-1"}"#;
    for (method, body, cause, again) in [
        ("GET", None, "lost", true),
        ("GET", None, "503", true),
        ("PUT", Some(&b"{}"[..]), "lost", true),
        ("DELETE", None, "lost", true),
        ("POST", Some(&b"{}"[..]), "lost", false),
        ("POST", Some(&b"{}"[..]), "503", false),
        ("POST", Some(&b"{}"[..]), "not sent", true),
        ("POST", Some(&b"{}"[..]), "429", true),
        ("PATCH", Some(&b"{}"[..]), "lost", false),
        ("POST", Some(&external_id[..]), "lost", true),
        ("POST", Some(&br#"{"external_id":""}"#[..]), "lost", false),
    ] {
        let mut scenario = Scenario::numora();
        let mut call = Call::new(&scenario.connection, method, "/v1/documents").unwrap();
        if let Some(body) = body {
            call = call.body(body);
        }
        let mut exchange = scenario.exchange(call);
        scenario.to_send(&mut exchange);
        match cause {
            "lost" => scenario.lose(&mut exchange, false),
            "not sent" => scenario.lose(&mut exchange, true),
            status => scenario.respond(&mut exchange, status.parse().unwrap(), &[("retry-after", "1")], ""),
        }
        let waits = matches!(scenario.next(&mut exchange), Step::Wait(_));
        assert_eq!(waits, again, "{method} {cause}");
    }
}

#[test]
fn invariant_6_a_body_that_is_gone_is_not_sent_again() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    let call = Call::new(&scenario.connection, "PUT", "/v1/tasks").unwrap().once();
    let mut exchange = scenario.exchange(call);
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 401, &[], "");
    assert!(matches!(scenario.to_done(&mut exchange), Outcome::Answered(Some(_))));
    // The refused token is gone all the same: the next call renews it.
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
}

#[test]
fn invariant_7_a_credential_stays_behind_on_a_foreign_host_for_good() {
    let mut scenario = Scenario::keys();
    let mut exchange = scenario.call("GET", "/v1/invoices");
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 302, &[("location", "https://cdn.example/file")], "");
    let send = scenario.to_send(&mut exchange);
    assert!(send.foreign && send.authorization.is_none());
    // Also when it leads back.
    scenario.respond(&mut exchange, 302, &[("location", "https://api.finorabusiness.com/v1/invoices")], "");
    let send = scenario.to_send(&mut exchange);
    assert!(send.foreign && send.authorization.is_none());
    // What a foreign host says about credentials says nothing about ours.
    scenario.respond(&mut exchange, 401, &[], "");
    assert_eq!(failure(&scenario.to_done(&mut exchange)).kind(), FailureKind::RequestRefused);
    let mut exchange = scenario.call("GET", "/v1/invoices");
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), format!("Bearer test_sk_{}", "1".repeat(48)));
}

#[test]
fn invariant_7_a_token_endpoint_that_redirects_is_refused() {
    let mut scenario = Scenario::client_credentials();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.respond(&mut exchange, 307, &[("location", "https://evil.example/")], "");
    assert!(failure(&scenario.to_done(&mut exchange)).what().contains("redirects"));
}

#[test]
fn invariant_9_the_same_inputs_give_the_same_steps() {
    let transcript = || {
        let mut scenario = Scenario::client_credentials();
        let mut lines = Vec::new();
        for round in 0..20 {
            let mut exchange = scenario.call("GET", "/v1/health");
            for turn in 0..40 {
                let step = scenario.next(&mut exchange);
                lines.push(format!("{step:?}"));
                match step {
                    Step::Fetch(_) if turn % 3 == 0 => scenario.respond(&mut exchange, 503, &[], ""),
                    Step::Fetch(_) => scenario.respond(&mut exchange, 200, &[], &token("t", 60)),
                    Step::Send(_) if turn % 2 == round % 2 => scenario.lose(&mut exchange, false),
                    Step::Send(_) => scenario.respond(&mut exchange, 429, &[("retry-after", "2")], ""),
                    Step::Wait(until) => scenario.now = until,
                    Step::Done(_) => break,
                    other => panic!("{other:?}"),
                }
            }
            exchange.abandon(&mut scenario.session);
        }
        lines
    };
    let lines = transcript();
    assert!(lines.len() > 100);
    assert_eq!(lines, transcript());
}

#[test]
fn a_machine_that_slept_sends_no_token_of_yesterday() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    scenario.advance(Duration::from_hours(24));
    assert_eq!(scenario.session.state(scenario.now), SessionState::Empty);
    let fresh = scenario.session.fresh().unwrap();
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap();
    let mut exchange = scenario.exchange(call);
    assert!(exchange.poll_fresh(&fresh, scenario.now).is_none());
    scenario.to_fetch(&mut exchange);
}

#[test]
fn the_fast_path_gives_the_same_step_as_the_session() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    let fresh = scenario.session.fresh().unwrap();
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap();
    let (mut fast, mut slow) = (auth_core::Exchange::new(call.clone(), 5), auth_core::Exchange::new(call, 5));
    let by_session = slow.poll(&mut scenario.session, scenario.now);
    let by_itself = fast.poll_fresh(&fresh, scenario.now).unwrap();
    assert_eq!(format!("{by_itself:?}"), format!("{by_session:?}"));
    assert!(!fast.has_entered() && fast.finish_fresh(scenario.now, 200));
    // What is not a success has to be reported to the session, which the exchange then enters.
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap();
    let mut fast = auth_core::Exchange::new(call, 6);
    assert!(fast.poll_fresh(&fresh, scenario.now).is_some() && !fast.finish_fresh(scenario.now, 401));
    scenario.respond(&mut fast, 401, &[], "");
    assert!(fast.has_entered());
    scenario.to_fetch(&mut fast);
}

#[test]
fn whoever_waited_takes_the_fast_path_too() {
    let mut scenario = Scenario::client_credentials();
    let (mut first, mut waiting) = (scenario.call("GET", "/v1/health"), scenario.call("GET", "/v1/health"));
    scenario.to_fetch(&mut first);
    scenario.to_wait(&mut waiting);
    scenario.respond(&mut first, 200, &[], &token("token-1", 3_600));
    scenario.to_send(&mut first);
    let fresh = scenario.session.fresh().unwrap();
    // Not before what it waits for is there, and not after its deadline.
    assert!(waiting.poll_fresh(&auth_core::Fresh::default(), scenario.now).is_none());
    assert!(waiting.poll_fresh(&fresh, scenario.now.after(Duration::from_mins(10))).is_none());
    let Some(Step::Send(send)) = waiting.poll_fresh(&fresh, scenario.now) else { panic!("the token is fresh") };
    assert_eq!(sent_value(&send), "Bearer token-1");
    assert!(waiting.poll_fresh(&fresh, scenario.now).is_none() && waiting.finish_fresh(scenario.now, 200));
}

#[test]
fn a_clock_that_goes_back_revives_nothing() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    scenario.advance(Duration::from_secs(3_700));
    assert!(scenario.session.begin_renewal(scenario.now, 1).is_some());
    scenario.now = START;
    let mut exchange = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.next(&mut exchange), Step::Wait(_)));
}

#[test]
fn a_tiny_lifetime_is_used_once_and_not_fetched_in_circles() {
    let mut scenario = Scenario::client_credentials();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.advance(Duration::from_secs(5));
    scenario.respond(&mut exchange, 200, &[], r#"{"access_token":"t","expires_in":1e-9}"#);
    scenario.to_send(&mut exchange);
    let mut next = scenario.call("GET", "/v1/health");
    scenario.to_send(&mut next);
    scenario.advance(Duration::from_secs(2));
    let mut later = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut later);
}

#[test]
fn an_impatient_caller_fails_nobody_else() {
    let mut scenario = Scenario::client_credentials();
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap().deadline(START.after(Duration::from_millis(10)));
    let mut impatient = scenario.exchange(call);
    scenario.to_fetch(&mut impatient);
    let mut patient = scenario.call("GET", "/v1/health");
    scenario.to_wait(&mut patient);
    scenario.respond(&mut impatient, 503, &[("retry-after", "1")], "");
    assert!(matches!(scenario.to_done(&mut impatient), Outcome::Failed(_)));
    impatient.abandon(&mut scenario.session);
    // The next one waits as long as the server asked for, and goes on.
    scenario.now = scenario.to_wait(&mut patient);
    assert_eq!(scenario.now, START.after(Duration::from_secs(1)));
    scenario.to_fetch(&mut patient);
}

#[test]
fn a_deadline_is_kept_by_every_wait() {
    let mut scenario = Scenario::client_credentials();
    let mut first = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut first);
    let deadline = START.after(Duration::from_secs(2));
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap().deadline(deadline);
    let mut waiting = scenario.exchange(call);
    assert_eq!(scenario.to_wait(&mut waiting), deadline);
    scenario.now = deadline;
    assert_eq!(failure(&scenario.to_done(&mut waiting)).kind(), FailureKind::DeadlineExceeded);
    // A token that arrives after the deadline is not used for it.
    let call = Call::new(&scenario.connection, "POST", "/v1/tasks").unwrap().deadline(UnixTime::from_secs(1));
    scenario.respond(&mut first, 200, &[], &token("token-1", 3_600));
    scenario.to_send(&mut first);
    let mut late = scenario.exchange(call);
    assert_eq!(failure(&scenario.to_done(&mut late)).kind(), FailureKind::DeadlineExceeded);
}

#[test]
fn a_store_that_is_ahead_or_was_emptied_makes_no_circles() {
    // The session holds generation 1; somebody emptied the store and began again.
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    scenario.stored = None;
    scenario.advance(Duration::from_secs(3_700));
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.grant(&mut exchange, &token("token-2", 3_600));
    scenario.to_send(&mut exchange);
    // A store that refuses every save ends with the caller's deadline, not in a circle.
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    let mut fetches = 0;
    let outcome = loop {
        match scenario.poll(&mut exchange) {
            Step::Claim(_) => exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(None)),
            Step::Save(save) if save.record.spending.is_some() => {
                exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Durable);
            }
            Step::Save(_) => exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded),
            Step::Fetch(_) => {
                fetches += 1;
                scenario.respond(&mut exchange, 200, &[], &rotated("token-1", "refresh-2"));
            }
            Step::Release(_) => scenario.advance(Duration::from_millis(10)),
            Step::Wait(until) => scenario.now = until,
            Step::Done(outcome) => break outcome,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((failure(&outcome).kind(), fetches), (FailureKind::DeadlineExceeded, 1));
}

#[test]
fn keys_take_turns_when_all_are_refused() {
    let mut scenario = Scenario::keys();
    let mut sent = Vec::new();
    for _ in 0..6 {
        let mut exchange = scenario.call("GET", "/v1/invoices");
        loop {
            match scenario.next(&mut exchange) {
                Step::Send(send) => {
                    sent.push(sent_value(&send).chars().last().unwrap());
                    scenario.respond(&mut exchange, 401, &[], r#"{"error":{"code":"INVALID_API_KEY"}}"#);
                }
                Step::Done(_) => break,
                other => panic!("{other:?}"),
            }
        }
        exchange.abandon(&mut scenario.session);
        scenario.advance(Duration::from_secs(61));
    }
    assert_eq!(sent.iter().collect::<String>(), "1221212");
}
