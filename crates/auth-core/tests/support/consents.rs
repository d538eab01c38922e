//! Consents for tests: a session at a server with every endpoint, and a signer that signs nothing.

use super::START;
use auth_core::{
    ClientCredentials, CodeLogin, Connection, Consent, ConsentStep, Credential, Grant, Prompt, Provider, Redirected, Response, Session,
    Signer, StartVisit, TokenRequest, Transport, UnixTime,
};
use std::sync::Arc;
use std::time::Duration;

pub const PROFILE: &str = r#"
name = "ledger"
title = "Ledger"

[[environment]]
name = "production"
base_url = "https://api.ledger.example"
issuer = "https://login.ledger.example"
token_url = "https://login.ledger.example/token"
authorization_url = "https://login.ledger.example/authorize?tenant=7"
device_authorization_url = "https://login.ledger.example/device"
revocation_url = "https://login.ledger.example/revoke"

[token]
grants = ["authorization_code", "refresh_token", "device_code", "jwt_bearer"]
request = "form"
client_auth = "client_secret_basic"
authorization_parameters = { prompt = "consent", access_type = "offline" }
"#;

/// Signs with one byte after another of what it is told to.
pub struct Fake(pub &'static str);

impl Signer for Fake {
    fn algorithm(&self) -> &'static str {
        "ES256"
    }

    fn key_id(&self) -> Option<&str> {
        Some("key-1")
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.0.as_bytes().to_vec())
    }
}

pub fn provider() -> Provider {
    Provider::from_toml(PROFILE).expect("a profile")
}

/// A session of a client, made with a grant.
pub fn session(client: ClientCredentials, grant: impl FnOnce(ClientCredentials) -> Grant) -> Session {
    let credential = Credential::Grant(grant(client).with_scopes(["ledger.read", "offline_access"]));
    let connection = Connection::builder(provider()).environment("production").build(&credential).expect("a connection");
    Session::new(Arc::new(connection), credential, false)
}

/// A session of a public client that goes by the store.
pub fn stored() -> Session {
    session(ClientCredentials::public(&provider(), "app").expect("a client"), Grant::stored)
}

/// A login with a clock of its own.
pub struct Story {
    pub consent: Consent,
    pub now: UnixTime,
    /// What the person's browser has been given.
    pub cookies: String,
}

impl Story {
    pub fn by_code(session: &Session) -> Self {
        let login = CodeLogin {
            redirect_uri: "http://127.0.0.1:49152/callback",
            parameters: &[("prompt".to_owned(), "login".to_owned())],
            patience: Duration::from_mins(5),
            random: &[7; 96],
        };
        Self::of(Consent::by_code(session, &login, 1, START).expect("a login"))
    }

    pub fn by_device(session: &Session) -> Self {
        Self::of(Consent::by_device(session, 1, START).expect("a login"))
    }

    fn of(consent: Consent) -> Self {
        Self { consent, now: START, cookies: String::new() }
    }

    pub fn poll(&mut self) -> ConsentStep {
        self.consent.poll(self.now)
    }

    pub fn to_show(&mut self) -> Prompt {
        match self.poll() {
            ConsentStep::Show(prompt) => prompt,
            other => panic!("expected Show, got {other:?}"),
        }
    }

    /// The next request; waits are slept through.
    pub fn to_fetch(&mut self) -> TokenRequest {
        loop {
            match self.poll() {
                ConsentStep::Fetch(mut request) => {
                    request.sign().expect("it can be signed");
                    return request;
                }
                ConsentStep::Wait(until) => self.now = until,
                other => panic!("expected Fetch, got {other:?}"),
            }
        }
    }

    pub fn to_done(&mut self) -> Result<auth_core::Connected, auth_core::Failure> {
        match self.poll() {
            ConsentStep::Done(result) => result,
            other => panic!("expected Done, got {other:?}"),
        }
    }

    pub fn respond(&mut self, status: u16, headers: &[(&str, &str)], body: &str) {
        self.consent.handle_response(self.now, &Response { status, headers: &headers, body: body.as_bytes() });
    }

    pub fn lose(&mut self, not_sent: bool) {
        self.consent.handle_failure(self.now, Transport { how: super::how(not_sent), what: "lost".into(), advice: String::new() });
    }

    /// The authorization request, as the person's browser gets it from the start page.
    pub fn to_begin(&mut self) -> String {
        let prompt = self.to_show();
        assert!(matches!(self.poll(), ConsentStep::Redirect(_)));
        assert!(prompt.url.ends_with(self.consent.start_path().expect("a start page")), "{}", prompt.url);
        let StartVisit::Redirect { location, set_cookie } = self.consent.handle_start("") else { panic!("not sent on") };
        set_cookie.expose().split(';').next().expect("a cookie").clone_into(&mut self.cookies);
        location.as_str().to_owned()
    }

    /// A redirect that the person's browser brings.
    pub fn redirect(&mut self, query: &str) -> Redirected {
        self.consent.handle_redirect(self.now, query, &self.cookies)
    }

    /// A login by code whose redirect has come.
    pub fn with_code(session: &Session) -> Self {
        let mut story = Self::by_code(session);
        let state = parameter(&story.to_begin(), "state");
        let taken = story.redirect(&format!("code=code-1&state={state}&realmId=9130&iss=https%3A%2F%2Flogin.ledger.example"));
        assert_eq!(taken, Redirected::Taken);
        story
    }

    /// A device whose code was granted and shown; the code lives for ten minutes.
    pub fn with_device_code(session: &Session, more: &str) -> Self {
        let mut story = Self::by_device(session);
        story.to_fetch();
        let code =
            r#""device_code":"device-1","user_code":"ABCD-EFGH","verification_uri":"https://login.ledger.example/go","expires_in":600"#;
        story.respond(200, &[], &format!("{{{code}{more}}}"));
        story.to_show();
        story
    }
}

pub fn parameter(url: &str, name: &str) -> String {
    let query = url.split_once('?').expect("a query").1;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no {name} in {url}")).1.to_owned()
}

/// The fields of a form body.
pub fn form(request: &TokenRequest) -> Vec<(String, String)> {
    let body = request.body.as_ref().expect("a body").expose();
    body.split('&').map(|pair| pair.split_once('=').expect("a field")).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
