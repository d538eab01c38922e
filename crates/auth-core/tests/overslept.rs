//! A process that was stopped during a token request, and a caller whose deadline is over when it goes on.

mod support;

use auth_core::{Call, Claimed, ClientCredentials, Credential, Exchange, FailureKind, Grant, Provider, Record, Saved, Step};
use std::sync::mpsc;
use std::time::Duration;
use support::{Scenario, failure, rotated, sent_value};

/// The right to a token lasts 45 seconds.
const OVERSLEPT: Duration = Duration::from_secs(46);
/// How long a test waits for a step before it says that there is none.
const PATIENCE: Duration = Duration::from_secs(10);

/// A provider that grants the reuse of a refresh token for two minutes.
fn with_grace() -> Scenario {
    let profile = "name = \"own\"\ntitle = \"Own\"\n[[environment]]\nname = \"production\"\n\
         base_url = \"https://api.own.test\"\ntoken_url = \"https://auth.own.test/token\"\n[token]\n\
         grants = [\"refresh_token\"]\nrequest = \"form\"\nclient_auth = \"client_secret_post\"\n\
         [token.refresh]\nrotation = \"each_use\"\nreuse_grace_seconds = 120\n\
         source = \"https://own.test/docs\"";
    Scenario::at(Provider::from_toml(profile).expect("a profile"), "production", |provider| {
        let client = ClientCredentials::parse(provider, "client-1", "client-secret-1").expect("a client");
        Credential::Grant(Grant::refresh_token(client, "refresh-1"))
    })
}

/// A caller with a deadline, whose process is stopped until long after that, while its token
/// request is on its way; and another of the same process, which comes then.
fn overslept(deadline: Duration) -> (Scenario, Exchange, Exchange) {
    let mut scenario = with_grace();
    let until = scenario.now.after(deadline);
    let call = Call::new(&scenario.connection, "GET", "/v1/health").expect("a call").deadline(until);
    let mut sleeper = scenario.exchange(call);
    scenario.to_fetch(&mut sleeper);
    scenario.advance(OVERSLEPT);
    let next = scenario.call("GET", "/v1/health");
    (scenario, sleeper, next)
}

/// The result of another thread. An endless loop is then a failure, and the test does not hang.
fn in_time<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (told, hears) = mpsc::channel();
    std::thread::spawn(move || told.send(what()));
    hears.recv_timeout(PATIENCE).expect("a poll gives a step")
}

#[test]
fn a_token_that_has_to_be_stored_ends_no_poll_in_a_loop() {
    let (mut scenario, mut sleeper, mut next) = overslept(Duration::from_secs(40));
    // The next caller sends within the grace, and loses its answer: token requests rest for a second.
    scenario.to_fetch(&mut next);
    scenario.lose(&mut next, false);
    // The sleeper's answer is here, but its lease is over, and so is its time.
    scenario.respond(&mut sleeper, 200, &[], &rotated("token-2", "refresh-2"));
    let Step::Save(_) = scenario.poll(&mut sleeper) else { panic!("what was granted is stored first") };
    sleeper.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded);
    let (mut scenario, sleeper, outcome) = in_time(move || {
        let outcome = scenario.to_done(&mut sleeper);
        (scenario, sleeper, outcome)
    });
    assert_eq!(failure(&outcome).kind(), FailureKind::TokenEndpoint, "{outcome:?}");
    drop(sleeper);
    // Nothing is lost: whoever holds the lease stores it, and asks for no other.
    scenario.now = scenario.to_wait(&mut next);
    assert_eq!(sent_value(&scenario.to_send(&mut next)), "Bearer token-2");
    let refresh = |record: Record| record.refresh_token.expect("a refresh token").expose().to_owned();
    assert_eq!(scenario.stored.clone().map(refresh).as_deref(), Some("refresh-2"));
}

#[test]
fn a_lost_answer_fails_no_call_that_can_use_the_token_of_another() {
    for (deadline, has_time) in [(Duration::from_millis(46_500), true), (Duration::from_secs(40), false)] {
        let (mut scenario, mut sleeper, mut next) = overslept(deadline);
        scenario.grant(&mut next, &rotated("token-2", "refresh-2"));
        scenario.to_send(&mut next);
        // What is left of its time is too short for another token request.
        scenario.lose(&mut sleeper, false);
        match scenario.next(&mut sleeper) {
            Step::Send(send) if has_time => assert_eq!(sent_value(&send), "Bearer token-2"),
            Step::Done(outcome) if !has_time => {
                assert_eq!(failure(&outcome).kind(), FailureKind::DeadlineExceeded, "{outcome:?}");
            }
            other => panic!("{has_time}: {other:?}"),
        }
    }
}

#[test]
fn the_refusal_of_an_old_token_is_not_taken_for_that_of_a_newer_one() {
    let (mut scenario, mut sleeper, mut next) = overslept(Duration::from_secs(40));
    scenario.respond(&mut sleeper, 400, &[], r#"{"error":"invalid_grant"}"#);
    let Step::Claim(_) = scenario.poll(&mut sleeper) else { panic!("the store is read once more") };
    scenario.advance(OVERSLEPT);
    // The refused token had been sent by another process meanwhile, whose token this process has taken over.
    let ours = scenario.stored.clone().expect("a record");
    let (minted_at, expires_at) = (scenario.now, scenario.now.after(Duration::from_mins(10)));
    let (access_token, refresh_token) = (Some("token-2".into()), Some("refresh-2".into()));
    let theirs = Record { generation: 2, access_token, refresh_token, minted_at, expires_at, spending: None, ..ours };
    scenario.stored = Some(theirs);
    assert_eq!(sent_value(&scenario.to_send(&mut next)), "Bearer token-2");
    sleeper.handle_claimed(&mut scenario.session, scenario.now, Claimed::Busy);
    let outcome = loop {
        match scenario.poll(&mut sleeper) {
            Step::Save(_) => sleeper.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded),
            Step::Release(_) => {}
            Step::Done(outcome) => break outcome,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(failure(&outcome).kind(), FailureKind::DeadlineExceeded, "{outcome:?}");
    // The newer one is sent when it is due.
    scenario.advance(Duration::from_mins(11));
    let mut later = scenario.call("GET", "/v1/health");
    let request = scenario.to_fetch(&mut later);
    assert!(request.body.expect("a body").expose().contains("refresh-2"));
}
