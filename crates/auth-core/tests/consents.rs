//! Consents as stories: what is asked, how often, what goes into the store, and what is never done twice.

mod support;

use auth_core::{
    Call, Claimed, ClientCredentials, CodeLogin, Connection, Consent, ConsentStep, Credential, Exchange, FailureKind, Grant, Lease,
    Outcome, Record, Save, Saved, Secret, Session, Step, UnixTime,
};
use std::sync::Arc;
use std::time::Duration;
use support::START;
use support::consents::{Fake, Story, form, parameter, provider, session, stored};

const TOKENS: &str =
    r#"{"access_token":"access-1","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-1","refresh_token_expires_in":86400}"#;

fn field(fields: &[(String, String)], name: &str) -> Option<String> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// Claims and saves, with this in the store; what was saved.
fn save(story: &mut Story, stored: Option<Record>) -> Save {
    let ConsentStep::Claim(_) = story.poll() else { panic!("a claim") };
    story.consent.handle_claimed(story.now, Claimed::Granted(stored));
    let ConsentStep::Save(save) = story.poll() else { panic!("a save") };
    story.consent.handle_saved(story.now, Saved::Durable);
    let ConsentStep::Release(Lease { owner }) = story.poll() else { panic!("a release") };
    assert_eq!(save.lease.as_ref().map(|lease| lease.owner), Some(owner));
    save
}

#[test]
fn an_authorization_request_says_what_the_rfcs_and_the_profile_say() {
    let prompt = Story::by_code(&stored()).to_show();
    // The endpoint's own query stays, and what the caller says goes before the profile.
    assert!(prompt.url.starts_with("https://login.ledger.example/authorize?tenant=7&response_type=code&client_id=app&"), "{}", prompt.url);
    for (name, value) in [
        ("redirect_uri", "http%3A%2F%2F127.0.0.1%3A49152%2Fcallback"),
        ("scope", "ledger.read+offline_access"),
        ("code_challenge_method", "S256"),
        ("access_type", "offline"),
        ("prompt", "login"),
    ] {
        assert_eq!(parameter(&prompt.url, name), value, "{}", prompt.url);
    }
    assert_eq!(prompt.url.matches("prompt=").count(), 1);
    assert_eq!(prompt.until, START.after(Duration::from_mins(5)));
    let shown = format!("{prompt:?}");
    assert!(shown.contains("https://login.ledger.example/authorize") && !shown.contains("state"), "{shown}");
}

#[test]
fn a_code_is_exchanged_with_the_verifier_of_its_challenge_and_the_tokens_are_stored_first() {
    let mut story = Story::with_code(&stored());
    let request = story.to_fetch();
    let fields = form(&request);
    assert_eq!((request.method, request.url.as_str()), ("POST", "https://login.ledger.example/token"));
    assert_eq!(field(&fields, "grant_type").as_deref(), Some("authorization_code"));
    assert_eq!(field(&fields, "code").as_deref(), Some("code-1"));
    assert_eq!(field(&fields, "client_id").as_deref(), Some("app"));
    assert_eq!(field(&fields, "redirect_uri").as_deref(), Some("http%3A%2F%2F127.0.0.1%3A49152%2Fcallback"));
    // 32 bytes of 7 in base64url (RFC 7636 section 4.1).
    assert_eq!(field(&fields, "code_verifier").as_deref(), Some("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"));
    story.respond(200, &[("date", "Mon, 24 Nov 2025 16:10:00 GMT")], TOKENS);
    let saved = save(&mut story, Some(Record { generation: 4, ..Record::default() }));
    assert_eq!((saved.replaces, saved.record.generation), (4, 5));
    // The server's clock is ten minutes ahead, and records are in its time.
    let servers = START.after(Duration::from_mins(10));
    assert_eq!((saved.record.minted_at, saved.record.expires_at), (servers, servers.after(Duration::from_hours(1))));
    assert_eq!((saved.record.consented_at, saved.record.refresh_ends_at), (Some(servers), Some(servers.after(Duration::from_hours(24)))));
    let connected = story.to_done().unwrap();
    assert_eq!((connected.scope, connected.parameters), (None, vec![("realmId".to_owned(), "9130".to_owned())]));
}

#[test]
fn the_session_goes_on_with_what_a_login_left_in_the_store() {
    let mut session = stored();
    let mut story = Story::with_code(&session);
    story.to_fetch();
    story.respond(200, &[], TOKENS);
    let saved = save(&mut story, None);
    let mut exchange = Exchange::new(Call::new(session.connection(), "GET", "/v1/x").unwrap(), 1);
    let now = story.now;
    loop {
        match exchange.poll(&mut session, now) {
            Step::Claim(_) => exchange.handle_claimed(&mut session, now, Claimed::Granted(Some(saved.record.clone()))),
            Step::Look => exchange.handle_looked(&mut session, now, None),
            Step::Release(_) => {}
            Step::Send(send) => break assert_eq!(send.authorization.unwrap().value().expose(), "Bearer access-1"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_session_that_nobody_has_consented_to_asks_the_store_again_soon_and_the_server_never() {
    let mut session = stored();
    for round in 0..3 {
        let now = START.after(Duration::from_secs(3) * round);
        let mut exchange = Exchange::new(Call::new(session.connection(), "GET", "/v1/x").unwrap(), 1);
        let mut claims = 0;
        let failure = loop {
            match exchange.poll(&mut session, now) {
                Step::Claim(_) => {
                    claims += 1;
                    exchange.handle_claimed(&mut session, now, Claimed::Granted(None));
                }
                Step::Look => exchange.handle_looked(&mut session, now, None),
                Step::Release(_) => {}
                Step::Done(Outcome::Failed(failure)) => break failure,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((failure.kind(), claims), (FailureKind::ConsentRequired, 1), "{failure}");
    }
}

#[test]
fn a_refresh_token_of_the_store_that_was_refused_is_not_sent_again_and_a_new_login_is_noticed_at_once() {
    let mut session = stored();
    let mut saved = saved_by_a_login(&session);
    saved.expires_at = saved.minted_at;
    let fetches = |session: &mut Session, saved: &mut Record, now: UnixTime| {
        let mut exchange = Exchange::new(Call::new(session.connection(), "GET", "/v1/x").unwrap(), 1);
        let mut fetches = 0;
        loop {
            match exchange.poll(session, now) {
                Step::Claim(_) => exchange.handle_claimed(session, now, Claimed::Granted(Some(saved.clone()))),
                Step::Look => exchange.handle_looked(session, now, None),
                Step::Save(save) => {
                    *saved = save.record;
                    exchange.handle_saved(session, now, Saved::Durable);
                }
                Step::Release(_) => {}
                Step::Fetch(_) => {
                    fetches += 1;
                    let body = br#"{"error":"invalid_grant"}"#;
                    let response = auth_core::Response { status: 400, headers: &&[("x", "y")][..], body };
                    exchange.handle_response(session, now, &response);
                }
                Step::Send(send) => return (fetches, Ok(send.authorization.unwrap().value().expose().to_owned())),
                Step::Done(Outcome::Failed(failure)) => return (fetches, Err(failure)),
                other => panic!("{other:?}"),
            }
        }
    };
    let (sent, result) = fetches(&mut session, &mut saved, START);
    assert_eq!((sent, result.unwrap_err().code()), (1, Some("invalid_grant")));
    for seconds in [3, 6, 600] {
        let (sent, result) = fetches(&mut session, &mut saved, START.after(Duration::from_secs(seconds)));
        assert_eq!((sent, result.unwrap_err().code()), (0, Some("invalid_grant")), "{seconds}");
    }
    let logged_in = START.after(Duration::from_secs(603));
    let mut renewed = Record { generation: saved.generation + 1, expires_at: logged_in.after(Duration::from_hours(1)), ..saved.clone() };
    assert_eq!(fetches(&mut session, &mut renewed, logged_in).1.unwrap(), "Bearer access-1");
    // Without one, the server is asked once an hour, because it may have been wrong.
    let mut waiting = stored();
    assert_eq!(fetches(&mut waiting, &mut saved, START).0, 1);
    assert_eq!(fetches(&mut waiting, &mut saved, START.after(Duration::from_secs(3_599))).0, 0);
    assert_eq!(fetches(&mut waiting, &mut saved, START.after(Duration::from_secs(3_602))).0, 1);
}

/// What a login leaves in the store.
fn saved_by_a_login(session: &Session) -> Record {
    let mut story = Story::with_code(session);
    story.to_fetch();
    story.respond(200, &[], TOKENS);
    save(&mut story, None).record
}

#[test]
fn a_code_is_sent_twice_only_with_proof_that_it_was_not_processed() {
    for not_sent in [true, false] {
        let mut story = Story::with_code(&stored());
        story.to_fetch();
        story.lose(not_sent);
        if not_sent {
            assert_eq!(field(&form(&story.to_fetch()), "code").as_deref(), Some("code-1"));
        } else {
            let failure = story.to_done().unwrap_err();
            assert!(failure.what().contains("the code may be spent"), "{failure}");
        }
    }
    for (status, again) in [(429, true), (500, false), (503, false), (502, false)] {
        let mut story = Story::with_code(&stored());
        story.to_fetch();
        story.respond(status, &[("retry-after", "2")], "");
        if again {
            story.to_fetch();
            assert!(story.now.since(START) >= Duration::from_secs(2));
        } else {
            assert!(story.to_done().unwrap_err().what().contains("the code may be spent"), "{status}");
        }
    }
}

#[test]
fn a_device_asks_as_often_as_it_may_and_no_oftener() {
    // RFC 8628 section 3.5: five seconds, five more for each slow_down, for good.
    let mut story = Story::with_device_code(&stored(), "");
    let mut last = story.now;
    let mut pauses = Vec::new();
    for answer in ["authorization_pending", "slow_down", "authorization_pending", "slow_down", "authorization_pending"] {
        let fields = form(&story.to_fetch());
        assert_eq!(field(&fields, "grant_type").as_deref(), Some("urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"));
        assert_eq!(field(&fields, "device_code").as_deref(), Some("device-1"));
        pauses.push(story.now.since(last).as_secs());
        last = story.now;
        story.respond(400, &[], &format!("{{\"error\":\"{answer}\"}}"));
    }
    assert_eq!(pauses, [5, 5, 10, 10, 15]);
    story.to_fetch();
    story.respond(200, &[], TOKENS);
    save(&mut story, None);
    assert!(story.to_done().is_ok());
}

#[test]
fn a_device_keeps_the_servers_interval_and_backs_off_where_it_is_not_reached() {
    let mut story = Story::with_device_code(&stored(), r#","interval":2"#);
    let mut last = story.now;
    let mut pauses = Vec::new();
    for round in 0..5 {
        story.to_fetch();
        pauses.push(story.now.since(last).as_secs());
        last = story.now;
        match round {
            0 => story.lose(false),
            1 => story.lose(true),
            2 => story.respond(503, &[], ""),
            3 => story.respond(429, &[("retry-after", "60")], ""),
            _ => story.respond(200, &[], "<html>"),
        }
    }
    assert_eq!(pauses, [2, 4, 8, 16, 60]);
}

#[test]
fn a_device_stops_when_its_code_has_ended() {
    for interval in ["0", "-1", "\"x\"", "1e300", "4"] {
        let mut story = Story::with_device_code(&stored(), &format!(r#","interval":{interval}"#));
        let mut questions = 0;
        let failure = loop {
            match story.poll() {
                ConsentStep::Wait(until) => {
                    assert!(until > story.now);
                    story.now = until;
                }
                ConsentStep::Fetch(_) => {
                    questions += 1;
                    story.respond(400, &[], r#"{"error":"authorization_pending"}"#);
                }
                ConsentStep::Done(result) => break result.unwrap_err(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(failure.kind(), FailureKind::ConsentRequired, "{failure}");
        // Ten minutes: at most once a second, whatever the server says.
        assert!(questions <= 600 && story.now < START.after(Duration::from_mins(10)), "{interval}: {questions}");
    }
}

#[test]
fn a_device_answer_that_cannot_be_shown_is_refused() {
    for (body, words) in [
        ("[]", "is not a JSON object"),
        (r#"{"user_code":"A","verification_uri":"https://x.test/"}"#, "no device_code"),
        (r#"{"device_code":"d","verification_uri":"https://x.test/"}"#, "no user_code"),
        (r#"{"device_code":"d","user_code":"A"}"#, "no verification_uri"),
        (r#"{"device_code":"d","user_code":"A\u001b[2J","verification_uri":"https://x.test/"}"#, "nobody can enter"),
        (r#"{"device_code":"d","user_code":"A","verification_uri":"http://x.test/"}"#, "no https address"),
        (r#"{"device_code":"d","user_code":"A","verification_uri":"javascript:alert(1)"}"#, "no https address"),
    ] {
        let mut story = Story::by_device(&stored());
        story.to_fetch();
        story.respond(200, &[], body);
        let failure = story.to_done().unwrap_err();
        assert!(failure.what().contains(words), "{body}: {failure}");
    }
    let mut story = Story::by_device(&stored());
    story.to_fetch();
    story.respond(
        200,
        &[],
        r#"{"device_code":"d","user_code":"A","verification_url":"https://x.test/","verification_uri_complete":"http://evil.test/"}"#,
    );
    let prompt = story.to_show();
    assert_eq!((prompt.url.as_str(), prompt.url_with_code), ("https://x.test/", None));
}

#[test]
fn a_store_that_is_busy_down_or_ahead_is_tried_for_a_minute() {
    for answer in [Claimed::Busy, Claimed::Down("disk full".into())] {
        let mut story = Story::with_code(&stored());
        story.to_fetch();
        story.respond(200, &[], TOKENS);
        let mut claims = 0;
        let failure = loop {
            match story.poll() {
                ConsentStep::Claim(_) => {
                    claims += 1;
                    story.consent.handle_claimed(story.now, answer.clone());
                }
                ConsentStep::Wait(until) => story.now = until,
                ConsentStep::Done(result) => break result.unwrap_err(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(failure.kind(), FailureKind::Store, "{failure}");
        assert!(claims > 100 && story.now.since(START) <= Duration::from_mins(1), "{claims}");
    }
    let mut story = Story::with_code(&stored());
    story.to_fetch();
    story.respond(200, &[], TOKENS);
    for generation in [3, 8] {
        while let ConsentStep::Wait(until) = story.poll() {
            story.now = until;
        }
        story.consent.handle_claimed(story.now, Claimed::Granted(Some(Record { generation, ..Record::default() })));
        let ConsentStep::Save(save) = story.poll() else { panic!("a save") };
        assert_eq!((save.replaces, save.record.generation), (generation, generation + 1));
        story.consent.handle_saved(story.now, if generation == 3 { Saved::Superseded } else { Saved::Durable });
        assert!(matches!(story.poll(), ConsentStep::Release(_)));
    }
    assert!(story.to_done().is_ok());
}

#[test]
fn a_save_that_nobody_heard_of_is_not_repeated_over_what_came_after_it() {
    for (found, is_repeated) in
        [("nothing", true), ("what was there", true), ("it", false), ("its refresh", false), ("a later consent", false)]
    {
        let session = stored();
        let mut story = Story::with_code(&session);
        story.to_fetch();
        story.respond(200, &[], TOKENS);
        let ConsentStep::Claim(_) = story.poll() else { panic!("a claim") };
        let old = Record {
            generation: 4,
            grant: saved_by_a_login(&session).grant,
            consented_at: Some(START.before(Duration::from_hours(9))),
            ..Record::default()
        };
        story.consent.handle_claimed(story.now, Claimed::Granted(Some(old.clone())));
        let ConsentStep::Save(Save { record, .. }) = story.poll() else { panic!("a save") };
        story.consent.handle_saved(story.now, Saved::Down("no answer".into()));
        assert!(matches!(story.poll(), ConsentStep::Release(_)));
        while let ConsentStep::Wait(until) = story.poll() {
            story.now = until;
        }
        let refreshed = Record { generation: 6, refresh_token: Some(Secret::new("refresh-2")), ..record.clone() };
        let later = Record { generation: 6, consented_at: Some(START.after(Duration::from_secs(9))), ..record.clone() };
        let now_there = match found {
            "nothing" => None,
            "what was there" => Some(old),
            "it" => Some(record),
            "its refresh" => Some(refreshed),
            _ => Some(later),
        };
        story.consent.handle_claimed(story.now, Claimed::Granted(now_there));
        let step = story.poll();
        assert_eq!(matches!(step, ConsentStep::Save(_)), is_repeated, "{found}: {step:?}");
        assert_eq!(matches!(step, ConsentStep::Release(_)), !is_repeated, "{found}: {step:?}");
        assert!(is_repeated || story.to_done().is_ok(), "{found}");
    }
}

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
fn assertions_are_dated_by_the_servers_clock_and_a_wrong_one_is_no_reason_to_fail() {
    let client = ClientCredentials::with_key(&provider(), "app", Arc::new(Fake("signature"))).unwrap();
    let session = session(client, Grant::stored);
    let mut story = Story::with_code(&session);
    let first = form(&story.to_fetch());
    assert_eq!(field(&first, "client_assertion_type").as_deref(), Some("urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"));
    let claims = |fields: &[(String, String)]| {
        let assertion = field(fields, "client_assertion").unwrap();
        let parts: Vec<serde_json::Value> = assertion.split('.').take(2).map(decoded).collect();
        (parts[0].clone(), parts[1].clone())
    };
    let (head, body) = claims(&first);
    assert_eq!((head["alg"].as_str(), head["kid"].as_str(), head["typ"].as_str()), (Some("ES256"), Some("key-1"), Some("JWT")));
    assert_eq!(
        (body["iss"].as_str(), body["sub"].as_str(), body["aud"].as_str()),
        (Some("app"), Some("app"), Some("https://login.ledger.example"))
    );
    assert_eq!((body["iat"].as_u64(), body["exp"].as_u64()), (Some(START.as_secs()), Some(START.as_secs() + 60)));

    let late = [("date", "Mon, 24 Nov 2025 18:00:00 GMT")];
    story.respond(401, &late, r#"{"error":"invalid_client"}"#);
    let second = form(&story.to_fetch());
    let (_, again) = claims(&second);
    assert_eq!(again["iat"].as_u64(), Some(START.as_secs() + 2 * 3_600));
    assert_ne!(again["jti"], body["jti"]);
    assert_eq!(field(&second, "code"), field(&first, "code"));
    // Once: by the right clock, the refusal is one.
    story.respond(401, &late, r#"{"error":"invalid_client"}"#);
    assert_eq!(story.to_done().unwrap_err().code(), Some("invalid_client"));
}

fn decoded(part: &str) -> serde_json::Value {
    use base64::Engine as _;
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
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
            Step::Save(save) => return save.record.grant,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_step_that_is_not_reported_ends_in_a_misuse() {
    let mut story = Story::with_code(&stored());
    story.to_fetch();
    let ConsentStep::Done(Err(failure)) = story.poll() else { panic!("an end") };
    assert_eq!(failure.kind(), FailureKind::Misuse);
    let mut story = Story::by_code(&stored());
    story.consent.handle_saved(START, Saved::Durable);
    assert!(matches!(story.poll(), ConsentStep::Done(Err(_))));
}

#[test]
fn a_login_belongs_to_a_session_of_the_store_and_comes_back_to_this_machine() {
    let login = |uri| CodeLogin { redirect_uri: uri, parameters: &[], patience: Duration::from_mins(5), random: &[7; 64] };
    let other = session(ClientCredentials::public(&provider(), "app").unwrap(), |client| Grant::refresh_token(client, "r"));
    assert_eq!(Consent::by_code(&other, &login("http://127.0.0.1:1/"), 1, START).unwrap_err().kind(), FailureKind::Misuse);
    assert_eq!(Consent::by_device(&other, 1, START).unwrap_err().kind(), FailureKind::Misuse);
    for uri in ["https://127.0.0.1/cb", "http://example.test/cb", "http://127.0.0.1/cb?x=1", "http://127.0.0.1/cb#x", "/cb", ""] {
        assert_eq!(Consent::by_code(&stored(), &login(uri), 1, START).unwrap_err().kind(), FailureKind::Misuse, "{uri}");
    }
}

#[test]
fn an_endpoint_that_nobody_named_is_missed_by_name() {
    let numeric = auth_core::Provider::builtin("numeric").unwrap();
    let credential = Credential::Grant(Grant::stored(ClientCredentials::parse(&numeric, "c", "client-secret-1").unwrap()));
    let connection = Arc::new(Connection::builder(numeric).environment("production").build(&credential).unwrap());
    let session = Session::new(connection, credential, false);
    let login = CodeLogin { redirect_uri: "http://127.0.0.1:1/", parameters: &[], patience: Duration::from_mins(5), random: &[7; 64] };
    for (failure, words) in [
        (Consent::by_code(&session, &login, 1, START).unwrap_err(), "authorization_url"),
        (Consent::by_device(&session, 1, START).unwrap_err(), "device_authorization_url"),
        (Consent::end(&session, 1, START).unwrap_err(), "revocation_url"),
    ] {
        assert!(failure.advice().contains(words) && failure.kind() == FailureKind::Misuse, "{failure}");
    }
}
