//! Real processes and real stores: a refused refresh token is sent once by all of them, and a record of one place is nobody else's.
#![cfg(unix)]

#[path = "stores/places.rs"]
#[allow(dead_code, reason = "the tests of stores use more of it")]
mod places;
#[cfg(feature = "redis")]
#[path = "stores/redis_server.rs"]
#[allow(dead_code, reason = "the tests of stores use more of it")]
mod redis_server;
mod support;

use auth_http::core::Spending;
use auth_http::store::{Claim, Claimed, Lease, Record, Save, Saved, TokenStore};
use auth_http::{Client, Credential, FailureKind, Provider};
use auth_sandbox::{Kind, Options, Sandbox, Service};
use places::{Files, Place, SharedPlace, open_at};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// In a child: where everything is, one part a line.
const VARIABLE: &str = "LEDGERAUTH_TEST_RECORDS";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start(Options { tls: false, limits: false, ..Options::default() }).unwrap();
    sandbox.rotate_refresh_tokens(true);
    sandbox
}

/// A client of the sandbox, for a provider whose refresh tokens are spent by their first use.
fn client(api: &str, token_url: &str, credential: Credential, store: Arc<dyn TokenStore>) -> Client {
    Client::builder(Provider::builtin("numeric").unwrap())
        .environment("production")
        .base_url(api)
        .token_url(token_url)
        .insecure_loopback(true)
        .no_proxy()
        .name("books")
        .credential(credential)
        .store(store)
        .build()
        .unwrap()
}

fn of(sandbox: &Sandbox, refresh_token: &str, scopes: &[&str], store: Arc<dyn TokenStore>) -> Client {
    let keys = sandbox.keys();
    let token_url = format!("{}/oauth/token", sandbox.url(Service::NumericAuth));
    let credential = Credential::refresh_token(&keys.numeric.client_id, keys.numeric.client_secret.as_str(), refresh_token)
        .scopes(scopes.iter().copied());
    client(&sandbox.url(Service::NumericApi), &token_url, credential, store)
}

fn call(client: &Client) -> Result<(), auth_http::Error> {
    client.get("/v1/health").send().and_then(auth_http::Response::error_for_status).map(|_| ())
}

fn asked(sandbox: &Sandbox) -> usize {
    sandbox.count(|entry| entry.kind == Kind::Token)
}

#[test]
fn in_a_child() {
    let Ok(text) = std::env::var(VARIABLE) else { return };
    let parts: Vec<&str> = text.split('|').collect();
    let credential = Credential::refresh_token(parts[2], parts[3], "refused-by-everybody");
    let error = call(&client(parts[0], parts[1], credential, open_at(&parts[4].replace('\t', "\n")))).unwrap_err();
    println!("\nrefused {:?}: {error}", error.kind());
}

/// So many processes at once, all with one refresh token that the server refuses.
fn a_refusal_is_shared(place: &dyn SharedPlace, processes: usize) {
    let sandbox = sandbox();
    let keys = sandbox.keys();
    let token_url = format!("{}/oauth/token", sandbox.url(Service::NumericAuth));
    let address = place.address().replace('\n', "\t");
    let (id, secret) = (keys.numeric.client_id.as_str(), keys.numeric.client_secret.as_str());
    let text = [&sandbox.url(Service::NumericApi), &token_url, id, secret, &address].join("|");
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "in_a_child", "--nocapture"])
            .env(VARIABLE, &text)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..processes).map(|_| start()).collect();
    for child in children {
        let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let line = output.lines().find(|line| line.starts_with("refused ")).unwrap_or_else(|| panic!("{output}"));
        assert!(line.contains("Some(ConsentRequired)") && line.contains("(400 invalid_grant)"), "{line}");
    }
    println!("{processes} processes, {} token requests", asked(&sandbox));
    assert_eq!(asked(&sandbox), 1);
    // Whoever looks is told, and a reload that brings another refresh token is not held back.
    let refused = of(&sandbox, "refused-by-everybody", &[], place.open()).explain();
    let refusal = refused.refusal.as_ref().expect("a refusal");
    assert_eq!((refusal.status, refusal.code.as_deref()), (400, Some("invalid_grant")));
    assert!(refused.to_string().contains("\nrefused: 400 invalid_grant, since "), "{refused}");
    let good = sandbox.issue_refresh_token(id).unwrap();
    call(&of(&sandbox, &good, &[], place.open())).unwrap();
    assert_eq!(asked(&sandbox), 2);
}

#[test]
fn thirty_two_processes_over_files_send_a_refused_refresh_token_once() {
    a_refusal_is_shared(&Files::sealed(), 32);
}

#[cfg(feature = "redis")]
#[test]
fn eight_processes_over_redis_send_a_refused_refresh_token_once() {
    let Some(server) = redis_server::Server::start(&[]) else { return };
    a_refusal_is_shared(&redis_server::At { server: &server, way: redis_server::Way::Socket }, 8);
}

#[test]
fn one_name_at_two_places_is_two_records() {
    let (one, other) = (sandbox(), sandbox());
    let place = Files::sealed();
    let token = |sandbox: &Sandbox| sandbox.issue_refresh_token(&sandbox.keys().numeric.client_id).unwrap();
    let (first, second) = (token(&one), token(&other));
    for _ in 0..3 {
        call(&of(&one, &first, &[], place.open())).unwrap();
        call(&of(&other, &second, &[], place.open())).unwrap();
    }
    assert_eq!(place.ending(".record").len(), 2);
    for (sandbox, foreign) in [(&one, &second), (&other, &first)] {
        let met = sandbox.count(|entry| entry.kind == Kind::Token && entry.body_text().contains(foreign.as_str()));
        assert_eq!((asked(sandbox), met), (1, 0));
    }
}

#[test]
fn scopes_in_any_order_find_the_record_that_is_there() {
    let sandbox = sandbox();
    let place = Files::plain();
    let first = sandbox.issue_refresh_token(&sandbox.keys().numeric.client_id).unwrap();
    for scopes in [&["read", "write"][..], &["write", "read"], &["read"], &[]] {
        call(&of(&sandbox, &first, scopes, place.open())).unwrap();
    }
    assert_eq!((asked(&sandbox), place.ending(".record").len()), (1, 1));
}

/// A record of version 1 under an id, as a former version left it in a folder of plain files.
fn leave_version_1(place: &Files, id: &str, record: Record) {
    let store = place.open();
    let claim = Claim { owner: 1, span: Duration::from_mins(1) };
    assert!(matches!(store.claim(id, &claim), Claimed::Granted(None)));
    let lease = Lease { owner: 1 };
    assert_eq!(store.save(id, &Save { record, replaces: 0, lease: Some(lease.clone()) }), Saved::Durable);
    store.release(id, &lease);
    let file = place.only(".record");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(r#""version":2"#, r#""version":1"#).replace(r#","attempt":1"#, "")).unwrap();
}

/// FNV-1a, as version 1 made the numbers of grants.
fn former_number(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The id under which version 1 kept a refresh token that the program gave.
fn former_id(client_id: &str, token: &str) -> String {
    use auth_http::core::{ClientCredentials, Connection, Credential, Grant, Session};
    let provider = Provider::builtin("numeric").unwrap();
    let client = ClientCredentials::parse(&provider, client_id, "any-secret-at-all").unwrap();
    let credential = Credential::Grant(Grant::refresh_token(client, token));
    let connection = Connection::builder(provider).environment("production").build(&credential).unwrap();
    Session::new(Arc::new(connection), credential, false).former_store_id(Some("books")).unwrap()
}

#[test]
fn a_record_of_version_1_is_adopted_where_it_stands() {
    let sandbox = sandbox();
    let place = Files::plain();
    let id = sandbox.keys().numeric.client_id.clone();
    let (first, next) = (sandbox.issue_refresh_token(&id).unwrap(), sandbox.issue_refresh_token(&id).unwrap());
    let former = former_id(&id, &first);
    let record =
        Record { generation: 5, grant: former_number(&[&id, &first]), refresh_token: Some(next.as_str().into()), ..Record::default() };
    leave_version_1(&place, &former, record);
    call(&of(&sandbox, &first, &["read"], place.open())).unwrap();
    let sent = |token: &str| sandbox.count(|entry| entry.kind == Kind::Token && entry.body_text().contains(token));
    assert_eq!((sent(&first), sent(&next)), (0, 1), "the successor is what is sent");
    // It is of version 2 now, names its place, and is found again by the next process.
    let text = std::fs::read_to_string(place.only(".record")).unwrap();
    assert!(text.contains(r#""version":2,"generation":6"#) && text.contains(r#""place":{"provider":"numeric""#), "{text}");
    call(&of(&sandbox, &first, &[], place.open())).unwrap();
    assert_eq!(asked(&sandbox), 1);
    let explained = of(&sandbox, &first, &[], place.open()).explain();
    assert_eq!((explained.stored_generation, explained.lease), (Some(6), None), "every lease was given back");
}

#[test]
fn a_record_of_version_1_that_nothing_proves_is_refused_and_stays_as_it_is() {
    let sandbox = sandbox();
    let place = Files::plain();
    let id = sandbox.keys().numeric.client_id.clone();
    let first = sandbox.issue_refresh_token(&id).unwrap();
    let spending = Some(Spending { mark: 1, since: auth_http::UnixTime::from_secs(1), attempt: 1 });
    let record = Record { generation: 5, grant: 77, refresh_token: Some("somebody-elses".into()), spending, ..Record::default() };
    leave_version_1(&place, &former_id(&id, &first), record);
    let before = std::fs::read(place.only(".record")).unwrap();
    let error = call(&of(&sandbox, &first, &[], place.open())).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Store));
    assert!(error.to_string().contains("of version 1, and nothing shows that its refresh token is of numeric/production"), "{error}");
    assert_eq!((asked(&sandbox), std::fs::read(place.only(".record")).unwrap()), (0, before));
}

#[test]
fn a_record_that_was_copied_to_another_id_is_refused_there() {
    let sandbox = sandbox();
    let place = Files::plain();
    let id = sandbox.keys().numeric.client_id.clone();
    let [mine, theirs] = [(); 2].map(|()| sandbox.issue_refresh_token(&id).unwrap());
    call(&of(&sandbox, &mine, &[], place.open())).unwrap();
    let own = place.only(".record");
    let kept = std::fs::read(&own).unwrap();
    std::fs::remove_file(&own).unwrap();
    call(&of(&sandbox, &theirs, &[], place.open())).unwrap();
    let other = place.only(".record");
    std::fs::write(&other, &kept).unwrap();
    let asked_before = asked(&sandbox);
    let error = call(&of(&sandbox, &theirs, &[], place.open())).unwrap_err();
    assert!(error.kind() == Some(FailureKind::Store) && error.to_string().contains("of another refresh token"), "{error}");
    assert_eq!((asked(&sandbox), std::fs::read(&other).unwrap()), (asked_before, kept));
}
