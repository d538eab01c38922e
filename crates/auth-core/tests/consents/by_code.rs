//! A login by code: what is asked for, and what is never sent twice.

use crate::support::START;
use crate::support::consents::{Fake, Story, form, parameter, provider, session, stored};
use crate::{TOKENS, field, save};
use auth_core::{
    ClientCredentials, CodeLogin, Connection, Consent, ConsentStep, Credential, FailureKind, Grant, Record, Redirected, StartVisit,
};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn an_authorization_request_says_what_the_rfcs_and_the_profile_say() {
    let url = Story::by_code(&stored()).to_begin();
    // The endpoint's own query stays, and what the caller says goes before the profile.
    assert!(url.starts_with("https://login.ledger.example/authorize?tenant=7&response_type=code&client_id=app&"), "{url}");
    for (name, value) in [
        ("redirect_uri", "http%3A%2F%2F127.0.0.1%3A49152%2Fcallback"),
        ("scope", "ledger.read+offline_access"),
        ("code_challenge_method", "S256"),
        ("access_type", "offline"),
        ("prompt", "login"),
    ] {
        assert_eq!(parameter(&url, name), value, "{url}");
    }
    assert_eq!(url.matches("prompt=").count(), 1);
    let prompt = Story::by_code(&stored()).to_show();
    assert_eq!(prompt.until, START.after(Duration::from_mins(5)));
    assert!(prompt.url.starts_with("http://127.0.0.1:49152/login/"), "the same host as the redirect: {}", prompt.url);
}

#[test]
fn a_login_is_the_browsers_that_began_it() {
    let mut story = Story::by_code(&stored());
    let state = parameter(&story.to_begin(), "state");
    let query = format!("code=code-1&state={state}&iss=https%3A%2F%2Flogin.ledger.example");
    let cookies = story.cookies.clone();
    let (name, value) = cookies.split_once('=').unwrap();
    for other in ["", "a=b", &format!("{name}="), &format!("{name}=x{value}"), &format!("x{name}={value}"), &format!("{name}={value}x")] {
        let visit = story.consent.handle_redirect(story.now, &query, other);
        assert!(matches!(visit, Redirected::Foreign(why) if why.contains("another browser")), "{other}");
        assert!(matches!(story.poll(), ConsentStep::Redirect(_)), "the login goes on");
    }
    // The same browser may open the page again, for a page that was reloaded.
    assert!(matches!(story.consent.handle_start(&format!("a=b; {cookies}")), StartVisit::Redirect { .. }));
    story.cookies = format!("a=b; {cookies} ; c=d");
    assert_eq!(story.redirect(&query), Redirected::Taken);
    assert!(matches!(story.consent.handle_start(""), StartVisit::Foreign(_)), "over");
}

#[test]
fn a_second_browser_at_the_start_page_ends_the_login() {
    let mut story = Story::by_code(&stored());
    let state = parameter(&story.to_begin(), "state");
    assert!(matches!(story.consent.handle_start("a=b"), StartVisit::Ended));
    assert!(matches!(story.redirect(&format!("code=c&state={state}")), Redirected::Foreign(_)), "nothing is exchanged any more");
    let failure = story.to_done().unwrap_err();
    assert!(failure.what().contains("two browsers") && failure.advice().contains("log in again"), "{failure}");
}

#[test]
fn the_cookie_is_kept_from_scripts_and_other_sites_and_two_logins_have_two() {
    let begin = |random: u8| {
        let random = [random; 96];
        let (redirect_uri, patience) = ("http://localhost:8400/cb", Duration::from_secs(90));
        let login = CodeLogin { redirect_uri, parameters: &[], patience, random: &random };
        let mut consent = Consent::by_code(&stored(), &login, 1, START).unwrap();
        assert!(matches!(consent.poll(START), ConsentStep::Show(prompt) if prompt.url.starts_with("http://localhost:8400/login/")));
        let _ = consent.poll(START);
        let StartVisit::Redirect { set_cookie, .. } = consent.handle_start("") else { panic!("not sent on") };
        set_cookie.expose().to_owned()
    };
    let (first, second) = (begin(1), begin(2));
    assert!(first.ends_with("; Path=/; Max-Age=90; HttpOnly; SameSite=Lax"), "{first}");
    assert_ne!(first.split_once('=').unwrap().0, second.split_once('=').unwrap().0);
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
fn a_login_belongs_to_a_session_of_the_store_and_comes_back_to_this_machine() {
    let login = |uri| CodeLogin { redirect_uri: uri, parameters: &[], patience: Duration::from_mins(5), random: &[7; 96] };
    let other = session(ClientCredentials::public(&provider(), "app").unwrap(), |client| Grant::refresh_token(client, "r"));
    assert_eq!(Consent::by_code(&other, &login("http://127.0.0.1:1/"), 1, START).unwrap_err().kind(), FailureKind::Misuse);
    assert_eq!(Consent::by_device(&other, 1, START).unwrap_err().kind(), FailureKind::Misuse);
    for uri in ["https://127.0.0.1/cb", "http://example.test/cb", "http://127.0.0.1/cb?x=1", "http://127.0.0.1/cb#x", "/cb", ""] {
        assert_eq!(Consent::by_code(&stored(), &login(uri), 1, START).unwrap_err().kind(), FailureKind::Misuse, "{uri}");
    }
}

#[test]
fn an_issuer_that_no_server_can_have_is_refused_when_the_connection_is_made() {
    let credential = Credential::Grant(Grant::stored(ClientCredentials::public(&provider(), "app").unwrap()));
    for (issuer, told) in [("login.ledger.example", "issuer"), ("http://login.ledger.example", "https")] {
        let refused = Connection::builder(provider()).environment("production").issuer(issuer).build(&credential).unwrap_err();
        assert!(refused.to_string().contains(told), "{refused}");
    }
}
