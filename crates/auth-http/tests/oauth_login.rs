//! Logins by browser at a real server: the way that is meant, and what else can come to the redirect address.

mod support;

use auth_http::{AuditEvent, Audited, Client, Connected, Credential, Error, FailureKind, Login, MemoryStore};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use support::browser::{Browser, Seen, visit};
use support::oidc::Oidc;
use support::server::unused_port;

/// Logs in, with a browser that does this with the address; how it ended, and what the browser saw last.
fn login(
    client: &Client,
    options: impl FnOnce(Login<'_>) -> Login<'_>,
    browse: impl FnOnce(String) -> Seen + Send + 'static,
) -> (Result<Connected, Error>, Seen) {
    let (saw, seen) = mpsc::channel();
    let mut browse = Some(browse);
    let show = |prompt: &auth_http::Prompt| {
        let (browse, saw, url) = (browse.take().expect("shown once"), saw.clone(), prompt.url.clone());
        thread::spawn(move || saw.send(browse(url)));
    };
    let result = client.login(options(Login::new(show)));
    (result, seen.recv_timeout(Duration::from_secs(20)).expect("the browser sees an end"))
}

fn consenting(login: Login<'_>) -> Login<'_> {
    login.parameter("prompt", "consent")
}

/// The parameter of an address.
fn parameter(url: &str, name: &str) -> String {
    let query = url.split_once('?').expect("a query").1;
    form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).expect("the parameter").1.into_owned()
}

#[test]
fn a_person_logs_in_and_every_client_of_the_store_goes_on_from_there() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let (store, events) = (Arc::new(MemoryStore::new()), Arc::new(Mutex::new(Vec::new())));
    let heard = events.clone();
    let listening = move |event: &AuditEvent| heard.lock().unwrap().push((event.what, event.decision.clone()));
    let client = oidc.person("native").store(store.clone()).on_audit(listening).audit_blocks(true).build().unwrap();
    // Nobody has logged in yet, and that is what a call says.
    let error = client.get("/api/ledger").send().unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::ConsentRequired), "{error}");
    assert!(error.advice().unwrap().contains("log in once"), "{error}");

    let (result, seen) = login(&client, consenting, |url| {
        let mut browser = Browser::default();
        let url = browser.begin(&url);
        assert_eq!((parameter(&url, "code_challenge_method").as_str(), parameter(&url, "response_type").as_str()), ("S256", "code"));
        assert_eq!((parameter(&url, "code_challenge").len(), parameter(&url, "state").len()), (43, 43));
        browser.open(&url)
    });
    assert_eq!(result.unwrap().scope.as_deref(), Some("openid offline_access ledger.read"));
    assert_eq!(seen.status, 200);
    assert!(seen.body.contains("<h1>Connected</h1>") && !seen.body.contains("<script"), "{}", seen.body);
    let connected = (Audited::Connected, "a person consented in a browser, for the client \"native\"".to_owned());
    assert!(events.lock().unwrap().contains(&connected), "{events:?}");

    assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
    let other = oidc.person("native").store(store.clone()).build().unwrap();
    assert_eq!(other.get("/api/ledger").send().unwrap().status(), 200);
    // One exchange of the code, none of its refresh token yet; then each refresh is used by both.
    assert_eq!((oidc.stats()["requests"].as_array().unwrap().len(), oidc.count("refreshes")), (1, 0));
    for refreshes in 1..=4 {
        oidc.end_access_tokens();
        for client in [&client, &other] {
            assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
        }
        assert_eq!((oidc.count("refreshes"), oidc.count("invalid_grants")), (refreshes, 0));
    }
}

#[test]
fn a_second_login_takes_the_place_of_the_first_in_running_clients() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let store = Arc::new(MemoryStore::new());
    let running = oidc.person("native").store(store.clone()).build().unwrap();
    for _ in 0..2 {
        let logging_in = oidc.person("native").store(store.clone()).build().unwrap();
        oidc.end_access_tokens();
        login(&logging_in, consenting, |url| visit(&url)).0.unwrap();
        assert_eq!(running.get("/api/ledger").send().unwrap().status(), 200);
    }
    assert_eq!((oidc.count("refreshes"), oidc.count("invalid_grants"), oidc.count("reused")), (0, 0, 0));
}

#[test]
fn a_person_who_refuses_is_told_so_and_so_is_the_program() {
    let Some(oidc) = Oidc::start(&json!({"person": "deny"})) else { return };
    let client = oidc.person("native").build().unwrap();
    let (result, seen) = login(&client, consenting, |url| visit(&url));
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.failure().unwrap().code()), (Some(FailureKind::ConsentRequired), Some("access_denied")), "{error}");
    assert_eq!(seen.status, 400);
    assert!(seen.body.contains("<h1>Not connected</h1>") && seen.body.contains("said no"), "{}", seen.body);
    assert!(oidc.stats()["requests"].as_array().unwrap().is_empty());
}

#[test]
fn whatever_else_knocks_changes_nothing() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("native").build().unwrap();
    let start = Instant::now();
    let (result, seen) = login(&client, consenting, |url| {
        let mut browser = Browser::default();
        let url = browser.begin(&url);
        let (redirect, state) = (parameter(&url, "redirect_uri"), parameter(&url, "state"));
        let address = redirect.strip_prefix("http://").unwrap().strip_suffix("/callback").unwrap().to_owned();
        // Browsers connect ahead of need and say nothing; others say a byte and stay.
        let silent: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(&address).unwrap()).collect();
        let mut slow = TcpStream::connect(&address).unwrap();
        slow.write_all(b"G").unwrap();
        let say = |words: &str| {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(words.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        assert!(say("GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
        assert!(say("GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
        assert!(say(&format!("POST /callback?code=c&state={state} HTTP/1.1\r\nHost: x\r\n\r\n")).starts_with("HTTP/1.1 400 "));
        assert!(say("\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n").starts_with("HTTP/1.1 400 "));
        let stolen = format!("code=c&state={state}");
        for query in ["", "code=c", "code=c&state=wrong", "error=access_denied&state=", "state=%ff&code=c", &stolen] {
            let answer = say(&format!("GET /callback?{query} HTTP/1.1\r\nHost: x\r\n\r\n"));
            assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("Not this login"), "{query}: {answer}");
        }
        let seen = browser.open(&url);
        drop((silent, slow));
        seen
    });
    result.unwrap();
    assert!(seen.body.contains("<h1>Connected</h1>"));
    assert!(start.elapsed() < Duration::from_secs(8), "a slow visitor held up the login: {:?}", start.elapsed());
    assert_eq!(oidc.stats()["requests"].as_array().unwrap().len(), 1);
}

#[test]
fn a_redirect_that_another_server_may_have_sent_ends_the_login_and_exchanges_nothing() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    for (more, words) in [
        ("&iss=https%3A%2F%2Fevil.test", "is of the issuer \"https://evil.test\""),
        ("", "names no issuer, and its metadata promises one"),
        ("&iss=x&code=d", "says something twice"),
    ] {
        let client = oidc.person("native").build().unwrap();
        let (result, seen) = login(&client, consenting, move |url| {
            let mut browser = Browser::default();
            let url = browser.begin(&url);
            browser.open(&format!("{}?code=stolen&state={}{more}", parameter(&url, "redirect_uri"), parameter(&url, "state")))
        });
        let error = result.unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("stolen"), "{error}");
        assert!(seen.body.contains("Not connected") && !seen.body.contains("stolen"), "{}", seen.body);
    }
    assert!(oidc.stats()["requests"].as_array().unwrap().is_empty());
}

#[test]
fn a_consent_without_a_refresh_token_says_what_to_ask_for() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    // Without prompt=consent this server leaves offline_access out, as OIDC Core section 11 lets it.
    let client = oidc.person("native").build().unwrap();
    let (result, seen) = login(&client, |login| login, |url| visit(&url));
    let error = result.unwrap_err();
    assert!(error.to_string().contains("without a refresh token"), "{error}");
    assert!(error.advice().unwrap().contains("offline_access") && error.advice().unwrap().contains("prompt=consent"), "{error}");
    assert!(seen.body.contains("Not connected"));
}

#[test]
fn a_code_whose_exchange_was_lost_is_not_sent_again() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("native").build().unwrap();
    oidc.fail("/token", 5, 0, &json!({}), "");
    let (result, _) = login(&client, consenting, |url| visit(&url));
    let error = result.unwrap_err();
    assert!(error.to_string().contains("the code may be spent") && error.advice().unwrap().contains("log in again"), "{error}");
    assert_eq!(oidc.stats()["failures"]["/token"], 1);
}

#[test]
fn a_server_that_was_too_busy_is_asked_again() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("native").build().unwrap();
    oidc.fail("/token", 1, 429, &json!({"retry-after": "1"}), "");
    let (result, _) = login(&client, consenting, |url| visit(&url));
    result.unwrap();
    assert_eq!(oidc.stats()["failures"]["/token"], 1);
}

#[test]
fn a_fixed_port_and_path_are_listened_at_as_registered() {
    let free = unused_port();
    let redirect = format!("http://127.0.0.1:{free}/signed/in");
    let Some(oidc) = Oidc::start(&json!({"redirect_uris": [redirect]})) else { return };
    let client = oidc.person("native-fixed").build().unwrap();
    let (result, seen) = login(&client, |login| consenting(login).redirect_uri(&redirect), |url| visit(&url));
    result.unwrap();
    assert!(seen.url.starts_with(&redirect), "{}", seen.url);
    // And the port is free again.
    TcpListener::bind(("127.0.0.1", free)).unwrap();
}

#[test]
fn a_redirect_address_that_cannot_be_is_refused_before_anybody_is_shown_anything() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("native").build().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refusal = |uri: &str| {
        let never = |_: &auth_http::Prompt| panic!("shown");
        client.login(Login::new(never).redirect_uri(uri)).unwrap_err().to_string()
    };
    let error = refusal(&format!("http://127.0.0.1:{port}/callback"));
    assert!(error.contains(&format!("port {port} of 127.0.0.1 is taken")) && error.contains("use another port"), "{error}");
    for uri in ["https://127.0.0.1/cb", "http://example.test/cb", "http://127.0.0.1:x/cb", "http://0.0.0.0/cb", "urn:ietf:wg:oauth:2.0:oob"]
    {
        assert!(refusal(uri).contains("not one of this machine"), "{uri}");
    }
    assert!(refusal("http://127.0.0.1/cb?x=1").contains("has a query"));
}

#[test]
fn an_answer_that_another_browser_brings_is_refused_and_the_login_goes_on() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("native").build().unwrap();
    let (result, seen) = login(&client, consenting, |url| {
        let mut person = Browser::default();
        let request = person.begin(&url);
        // A stranger has read the authorization request, and logs in with an account of his own.
        let stranger = visit(&request);
        assert_eq!(stranger.status, 400);
        assert!(stranger.body.contains("Not this login") && stranger.body.contains("another browser"), "{}", stranger.body);
        person.open(&request)
    });
    result.unwrap();
    assert!(seen.body.contains("<h1>Connected</h1>"), "{}", seen.body);
    assert_eq!(oidc.stats()["requests"].as_array().unwrap().len(), 1, "the stranger's code was not exchanged");
}

#[test]
fn a_second_browser_at_the_start_page_ends_the_login_with_words() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("native").build().unwrap();
    let (result, seen) = login(&client, consenting, |url| {
        Browser::default().begin(&url);
        visit(&url)
    });
    let error = result.unwrap_err();
    assert!(error.to_string().contains("two browsers") && error.advice().unwrap().contains("log in again"), "{error}");
    assert!(seen.body.contains("Not connected") && seen.body.contains("wo browsers"), "{}", seen.body);
    assert!(oidc.stats()["requests"].as_array().unwrap().is_empty());
}

#[test]
fn a_stranger_at_the_other_address_of_localhost_ends_the_login() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let Ok(stranger) = TcpListener::bind("[::1]:0") else {
        return support::server::skipped("network", "no listener on ::1 was met: this machine has no IPv6");
    };
    let port = stranger.local_addr().unwrap().port();
    let client = oidc.person("native").build().unwrap();
    let never = |_: &auth_http::Prompt| panic!("shown");
    let error = client.login(Login::new(never).redirect_uri(format!("http://localhost:{port}/callback"))).unwrap_err().to_string();
    assert!(error.contains(&format!("port {port} of localhost is taken")), "{error}");
    drop(stranger);
}

#[test]
fn idle_visitors_do_not_keep_the_browser_out() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("native").build().unwrap();
    let start = Instant::now();
    let (result, seen) = login(&client, consenting, |url| {
        let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        let idle: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(&address).unwrap()).collect();
        let seen = visit(&url);
        drop(idle);
        seen
    });
    result.unwrap();
    assert!(seen.body.contains("<h1>Connected</h1>") && start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[test]
fn a_person_who_does_not_come_back_ends_the_login_in_time() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("native").build().unwrap();
    let start = Instant::now();
    let error = client.login(Login::new(|_| {}).patience(Duration::from_millis(300))).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::DeadlineExceeded), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(290) && start.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_login_is_for_clients_that_go_by_the_store() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("native").credential(Credential::public_client("native").with_refresh_token("r")).build().unwrap();
    let error = client.login(Login::new(|_| panic!("shown"))).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Misuse), "{error}");
}
