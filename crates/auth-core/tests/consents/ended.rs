//! The end of a consent: what is revoked, and what is left in the store.

use crate::support::START;
use crate::support::consents::{form, provider, session};
use crate::{field, saved_by_a_login};
use auth_core::{
    Call, Claimed, ClientCredentials, ConnectOutcome, Consent, ConsentStep, Credential, Exchange, FailureKind, Grant, Record, Saved,
    Secret, Session, Step,
};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn an_end_that_nobody_heard_of_does_not_end_the_consent_after_it() {
    for (found, is_saved_again) in [("what was revoked", true), ("nothing of it", false), ("a new consent", false)] {
        let session = session(ClientCredentials::public(&provider(), "app").unwrap(), Grant::stored);
        let record = saved_by_a_login(&session);
        let mut consent = Consent::end(&session, 1, START).unwrap();
        assert!(matches!(consent.poll(START), ConsentStep::Claim(_)));
        consent.handle_claimed(START, Claimed::Granted(Some(record.clone())));
        while let ConsentStep::Fetch(_) = consent.poll(START) {
            consent.handle_response(START, &auth_core::Response { status: 200, headers: &&[("x", "y")][..], body: b"" });
        }
        consent.handle_saved(START, Saved::Down("no answer".into()));
        assert!(matches!(consent.poll(START), ConsentStep::Release(_)));
        let later = START.after(Duration::from_secs(1));
        assert!(matches!(consent.poll(later), ConsentStep::Claim(_)));
        let now_there = match found {
            "what was revoked" => record,
            "nothing of it" => Record { generation: 2, grant: record.grant, ..Record::default() },
            _ => Record { generation: 3, refresh_token: Some(Secret::new("new")), ..record },
        };
        consent.handle_claimed(later, Claimed::Granted(Some(now_there)));
        let step = consent.poll(later);
        assert_eq!(matches!(step, ConsentStep::Save(_)), is_saved_again, "{found}: {step:?}");
        assert_eq!(matches!(step, ConsentStep::Release(_)), !is_saved_again, "{found}: {step:?}");
    }
}

#[test]
fn the_end_revokes_the_refresh_token_first_and_clears_the_store_last() {
    let session =
        session(ClientCredentials::parse(&provider(), "app", "client-secret-1").unwrap(), |client| Grant::refresh_token(client, "old"));
    let mut consent = Consent::end(&session, 1, START).unwrap();
    let ConsentStep::Claim(claim) = consent.poll(START) else { panic!("a claim") };
    assert!(claim.span > Duration::from_mins(1), "it outlasts both requests");
    // The store knows newer tokens than the session.
    let grant = grant_of(&session);
    let record =
        Record { generation: 7, grant, access_token: Some(Secret::new("a")), refresh_token: Some(Secret::new("r")), ..Record::default() };
    consent.handle_claimed(START, Claimed::Granted(Some(record)));
    for (token, hint) in [("r", "refresh_token"), ("a", "access_token")] {
        let ConsentStep::Fetch(request) = consent.poll(START) else { panic!("a request") };
        assert_eq!(request.url.as_str(), "https://login.ledger.example/revoke");
        let fields = form(&request);
        assert_eq!((field(&fields, "token").as_deref(), field(&fields, "token_type_hint").as_deref()), (Some(token), Some(hint)));
        assert!(request.headers.iter().any(|(name, _)| *name == "Authorization"));
        // RFC 7009 section 2.2.1: an access token may be of a kind that cannot be revoked.
        let (status, body) = if token == "r" { (200, "") } else { (400, r#"{"error":"unsupported_token_type"}"#) };
        consent.handle_response(START, &auth_core::Response { status, headers: &&[("date", "x")][..], body: body.as_bytes() });
    }
    let ConsentStep::Save(save) = consent.poll(START) else { panic!("a save") };
    assert_eq!((save.replaces, save.record.generation, save.record.grant), (7, 8, grant));
    assert!(save.record.refresh_token.is_none() && save.record.access_token.is_none());
    consent.handle_saved(START, Saved::Durable);
    assert!(matches!(consent.poll(START), ConsentStep::Release(_)));
    assert!(matches!(consent.poll(START), ConsentStep::Done(Ok(_))));
}

#[test]
fn an_end_that_the_server_refuses_leaves_the_store_and_gives_the_lease_back() {
    let session = session(ClientCredentials::public(&provider(), "app").unwrap(), |client| Grant::refresh_token(client, "r"));
    let mut consent = Consent::end(&session, 1, START).unwrap();
    assert!(matches!(consent.poll(START), ConsentStep::Claim(_)));
    consent.handle_claimed(START, Claimed::Granted(None));
    assert!(matches!(consent.poll(START), ConsentStep::Fetch(_)));
    let body = br#"{"error":"invalid_client","error_description":"token r of app"}"#;
    consent.handle_response(START, &auth_core::Response { status: 401, headers: &&[("date", "x")][..], body });
    assert!(matches!(consent.poll(START), ConsentStep::Release(_)));
    let ConsentStep::Done(Err(failure)) = consent.poll(START) else { panic!("an error") };
    assert_eq!((failure.kind(), failure.code()), (FailureKind::GrantRefused, Some("invalid_client")));
    assert!(failure.what().contains("did not revoke the refresh token"), "{failure}");
}

/// What a store would know the session's grant by.
fn grant_of(session: &Session) -> u64 {
    let mut session = Session::new(
        Arc::clone(session.connection()),
        Credential::Grant(
            Grant::refresh_token(ClientCredentials::parse(&provider(), "app", "client-secret-1").unwrap(), "old")
                .with_scopes(["ledger.read", "offline_access"]),
        ),
        false,
    );
    let mut exchange = Exchange::new(Call::new(session.connection(), "GET", "/v1/x").unwrap(), 1);
    loop {
        match exchange.poll(&mut session, START) {
            Step::Claim(_) => exchange.handle_claimed(&mut session, START, Claimed::Granted(None)),
            Step::Look => exchange.handle_looked(&mut session, START, None),
            Step::Connect(_) => exchange.handle_connected(&mut session, START, ConnectOutcome::NotSupported),
            Step::Save(save) => return save.record.grant,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_answer_to_a_revocation_is_read_as_one_of_the_token_endpoint() {
    let refused = |status, body: &str| {
        let session = session(ClientCredentials::public(&provider(), "app").unwrap(), |client| Grant::refresh_token(client, "r"));
        let mut consent = Consent::end(&session, 1, START).unwrap();
        assert!(matches!(consent.poll(START), ConsentStep::Claim(_)));
        consent.handle_claimed(START, Claimed::Granted(None));
        assert!(matches!(consent.poll(START), ConsentStep::Fetch(_)));
        consent.handle_response(START, &auth_core::Response { status, headers: &&[("date", "x")][..], body: body.as_bytes() });
        match consent.poll(START) {
            ConsentStep::Wait(_) => "again",
            ConsentStep::Save(_) => "ended",
            ConsentStep::Release(_) => "refused",
            other => panic!("{status} {body}: {other:?}"),
        }
    };
    for (status, body, what) in [
        (200, "", "ended"),
        (204, "", "ended"),
        (200, "revoked", "ended"),
        (200, r#"{"error":"invalid_client"}"#, "refused"),
        (200, "error=invalid_client", "refused"),
        (401, "\u{feff}{\"error\":{\"code\":\"invalid_client\"}}", "refused"),
        (400, r#"{"error":"temporarily_unavailable"}"#, "again"),
        (403, "<html><title>Access denied</title></html>", "again"),
        (408, "", "again"),
        (503, r#"{"error":"server_error"}"#, "again"),
    ] {
        assert_eq!(refused(status, body), what, "{status} {body}");
    }
}
