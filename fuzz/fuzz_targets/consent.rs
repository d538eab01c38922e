//! A login takes whatever comes back: redirects, device answers and token answers never panic, a foreign state is never taken, nothing is asked without pause,
//! and nothing that was sent or granted is shown.
#![no_main]

use auth_core::{
    Claimed, ClientCredentials, CodeLogin, Connection, Consent, ConsentStep, Credential, Grant, Provider, Redirected, Response, Saved, Session, StartVisit,
    Transport, Unanswered, UnixTime,
};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use std::time::Duration;

const PROFILE: &str = r#"
name = "ledger"
title = "Ledger"
[[environment]]
name = "production"
base_url = "https://api.ledger.example"
issuer = "https://login.ledger.example"
token_url = "https://login.ledger.example/token"
authorization_url = "https://login.ledger.example/authorize"
device_authorization_url = "https://login.ledger.example/device"
revocation_url = "https://login.ledger.example/revoke"
[token]
grants = ["refresh_token"]
request = "form"
client_auth = "none"
"#;

/// What stands in every code and token that the server's own answers give.
const MARKER: &str = "5ec4e7fade5ec4e7fade";

fuzz_target!(|input: (bool, Vec<(u8, u16, &str)>)| {
    let (by_device, answers) = input;
    let provider = Provider::from_toml(PROFILE).unwrap();
    let credential = Credential::Grant(Grant::stored(ClientCredentials::public(&provider, "app").unwrap()));
    let connection = Arc::new(Connection::builder(provider).build(&credential).unwrap());
    let session = Session::new(connection, credential, false);
    let mut now = UnixTime::from_secs(1_764_000_000);
    let login = CodeLogin { redirect_uri: "http://127.0.0.1:1/cb", parameters: &[], patience: Duration::from_mins(5), random: &[9; 96] };
    let consent = if by_device { Consent::by_device(&session, 1, now) } else { Consent::by_code(&session, &login, 1, now) };
    let mut consent = consent.unwrap();
    let (mut state, mut cookies) = (String::new(), String::new());
    let mut answers = answers.into_iter();
    for _ in 0..200 {
        match consent.poll(now) {
            ConsentStep::Show(prompt) => {
                assert!(!prompt.url.chars().any(char::is_control) && prompt.user_code.is_none_or(|code| !code.chars().any(char::is_control)));
            }
            ConsentStep::Redirect(until) => match answers.next() {
                Some((how, _, text)) => {
                    if let StartVisit::Redirect { location, set_cookie } = consent.handle_start(&cookies) {
                        let (_, rest) = location.as_str().split_once("&state=").unwrap();
                        state = rest.split('&').next().unwrap().to_owned();
                        cookies = set_cookie.expose().split(';').next().unwrap().to_owned();
                    }
                    let own = how % 2 == 0;
                    let query = if own { format!("{text}&state={state}") } else { text.to_owned() };
                    let redirected = consent.handle_redirect(now, &query, if how % 4 < 2 { &cookies } else { text });
                    assert!(redirected != Redirected::Taken || query.contains(&state));
                }
                None => now = until,
            },
            ConsentStep::Fetch(request) => {
                let Some((how, status, text)) = answers.next() else { return };
                let own = format!(
                    r#"{{"access_token":"{MARKER}","refresh_token":"{MARKER}","device_code":"{MARKER}","user_code":"U","verification_uri":"https://x.test"}}"#
                );
                let none: &[(&str, &str)] = &[];
                match how % 8 {
                    0 => consent.handle_failure(now, Transport { how: if status % 2 == 0 { Unanswered::NotSent } else { Unanswered::Lost }, what: "lost".into(), advice: String::new() }),
                    1 => consent.handle_response(now, &Response { status: 200, headers: &none, body: own.as_bytes() }),
                    2 => {
                        let echo = request.body.as_ref().map_or("", |body| body.expose());
                        let body = format!("{{\"error\":\"x\",\"error_description\":\"{echo}\"}}");
                        consent.handle_response(now, &Response { status, headers: &none, body: body.as_bytes() });
                    }
                    _ => consent.handle_response(now, &Response { status, headers: &none, body: text.as_bytes() }),
                }
            }
            ConsentStep::Claim(_) => consent.handle_claimed(now, Claimed::Granted(None)),
            ConsentStep::Save(save) => {
                assert!(save.record.refresh_token.is_some());
                consent.handle_saved(now, Saved::Durable);
            }
            ConsentStep::Release(_) => {}
            ConsentStep::Wait(until) => {
                assert!(until > now);
                now = until;
            }
            ConsentStep::Done(result) => {
                let shown = format!("{result:?} {consent:?}");
                assert!(!shown.contains(MARKER), "{shown}");
                return;
            }
        }
    }
});
