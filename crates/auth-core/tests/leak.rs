//! A marker stands in every secret, every path is driven, everything that can be printed is printed: the marker must not show.

mod support;

use auth_core::{
    ApiKey, Call, Claimed, ClientCredentials, CodeLogin, ConnectOutcome, Connection, Consent, ConsentStep, Credential, Exchange, Grant,
    Outcome, Provider, Record, Response, Saved, Session, Signer, Step, Transport, UnixTime,
};
use std::fmt::{Debug, Display, Write as _};
use std::sync::Arc;
use std::time::Duration;

/// What stands in every secret: hexadecimal, so that it fits into every key.
const MARKER: &str = "5ec4e7fade";

/// Everything that was printed.
#[derive(Default)]
struct Printed(String, usize);

impl Printed {
    fn debug(&mut self, thing: &impl Debug) {
        writeln!(self.0, "{thing:?}\n{thing:#?}").unwrap();
        self.1 += 1;
    }

    fn display(&mut self, thing: &impl Display) {
        writeln!(self.0, "{thing}").unwrap();
        self.1 += 1;
    }

    fn check(&self) {
        let encoded = base64(&format!("client-1:{MARKER}"));
        let each = |write: fn(u8) -> String| MARKER.bytes().map(write).collect::<String>();
        let percent = each(|byte| format!("%{byte:02X}"));
        let twice = each(|byte| format!("%25{byte:02x}"));
        let escaped = each(|byte| format!("\\u{byte:04x}"));
        let hex = each(|byte| format!("{byte:02x}"));
        let in_base64 = ["", "x", "xy"].map(|before| base64(&format!("{before}{MARKER}"))[4..12].to_owned());
        let forms = [
            ("plain", MARKER),
            ("base64", &encoded[..12]),
            ("percent", &percent),
            ("percent twice", &twice),
            ("JSON", &escaped),
            ("hex", &hex),
        ];
        for (form, needle) in forms.into_iter().chain(in_base64.iter().map(|form| ("base64", form.as_str()))) {
            if let Some(at) = self.0.find(needle) {
                panic!("a secret was printed ({form}): …{}…", &self.0[at.saturating_sub(200)..(at + 40).min(self.0.len())]);
            }
        }
    }
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        out.extend((0..=chunk.len()).map(|index| char::from(DIGITS[(word >> (18 - 6 * index) & 63) as usize])));
    }
    out
}

/// A small generator of its own, so that the paths are the same in every run.
struct Luck(u64);

impl Luck {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// A session with the secrets that its API and its token endpoint are sent, and may say back.
struct Case {
    session: Session,
    connection: Arc<Connection>,
    to_api: String,
    to_token_endpoint: String,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add =
        |provider: &str, base_url: Option<&str>, to_api: &str, to_token_endpoint: &[&str], credential: &dyn Fn(&Provider) -> Credential| {
            let provider = Provider::builtin(provider).unwrap();
            let credential = credential(&provider);
            let mut builder = Connection::builder(provider).environment("production");
            if let Some(url) = base_url {
                builder = builder.base_url(url);
            }
            let connection = Arc::new(builder.build(&credential).unwrap());
            cases.push(Case {
                session: Session::new(Arc::clone(&connection), credential, true),
                connection,
                to_api: to_api.into(),
                to_token_endpoint: to_token_endpoint.join(" and "),
            });
        };
    let hex = |digit: char| format!("live_sk_{MARKER}{}", digit.to_string().repeat(38));
    let (numora, token, refresh_token, adaas) =
        (format!("sk_live_{MARKER}abcdefgh"), format!("t-{MARKER}"), format!("r-{MARKER}"), format!("ID_{MARKER}"));
    let (numeric_basic, adaas_basic) = (base64(&format!("client-1:{MARKER}")), base64(&format!("client-1:{adaas}")));
    add("finora", None, &format!("{} and {}", hex('1'), hex('2')), &[], &|provider| {
        Credential::Keys(vec![ApiKey::parse(provider, hex('1')).unwrap(), ApiKey::parse(provider, hex('2')).unwrap()])
    });
    add("numora", Some("https://acme.numora.test"), &numora, &[], &|provider| {
        Credential::Keys(vec![ApiKey::parse(provider, numora.as_str()).unwrap()])
    });
    add("numeric", None, &token, &[MARKER, &numeric_basic], &|provider| {
        Credential::Grant(Grant::client_credentials(ClientCredentials::parse(provider, "client-1", MARKER).unwrap()))
    });
    add("numeric", None, &token, &[MARKER, &numeric_basic, &refresh_token], &|provider| {
        Credential::Grant(Grant::refresh_token(ClientCredentials::parse(provider, "client-1", MARKER).unwrap(), refresh_token.as_str()))
    });
    add("adaas", None, &token, &[&adaas, &adaas_basic], &|provider| {
        Credential::Grant(Grant::client_credentials(ClientCredentials::parse(provider, "client-1", adaas.as_str()).unwrap()))
    });
    cases
}

/// A text as a server may have decoded or encoded it.
fn form_of(luck: &mut Luck, said: &str) -> String {
    let each = |write: fn(u8) -> String| said.bytes().map(write).collect::<String>();
    match luck.next(8) {
        0 => each(|byte| format!("%{byte:02X}")),
        1 => each(|byte| format!("%25{byte:02x}")),
        2 => each(|byte| format!("\\u{byte:04x}")),
        3 => each(|byte| format!("{byte:02x}")),
        4 => base64(said),
        5 => base64(&format!("x{said}")),
        // Of a short secret this would be too little to know it by.
        6 if said.len() > 20 => said.chars().skip(1).take(40).collect(),
        _ => said.to_owned(),
    }
}

/// Bodies in which a server says back what it was sent.
fn echo(luck: &mut Luck, said: &str) -> String {
    let said = &form_of(luck, said);
    match luck.next(8) {
        5 => format!(r#"{{"access_token":"t-{MARKER}{MARKER}","token_type":"{said}"}}"#),
        6 => format!(r#"{{"access_token":"t-{MARKER}{MARKER}","expires_in":1,"scope":"{said}"}}"#),
        7 => format!("error={said}&error_description={said}"),
        0 => format!(r#"{{"error":{{"code":"INVALID_API_KEY","message":"bad key {said}","requestId":"{said}"}}}}"#),
        1 => format!(r#"{{"error":"invalid_client","error_description":"{said}"}}"#),
        2 => format!(r#"{{"error":"{said}"}}"#),
        3 => format!("<html><title>{said}</title>"),
        _ => said.to_owned(),
    }
}

#[test]
fn nothing_that_can_be_printed_shows_a_secret() {
    let mut printed = Printed::default();
    let mut luck = Luck(7);
    let mut dones = 0;
    for _ in 0..60 {
        for Case { mut session, connection, to_api, to_token_endpoint } in cases() {
            let mut now = support::START;
            let mut stored = None;
            printed.debug(&connection);
            for _ in 0..12 {
                let method = if luck.next(2) == 0 { "GET" } else { "POST" };
                let call = Call::new(&connection, method, &format!("/v1/x?key={MARKER}")).unwrap();
                let mut exchange = Exchange::new(call, luck.next(u64::MAX >> 33)).audited();
                dones += drive(&mut printed, &mut luck, &mut session, &mut exchange, &mut now, &mut stored, [&to_api, &to_token_endpoint]);
                exchange.abandon(&mut session);
                printed.debug(&session);
                printed.debug(&exchange);
                for event in exchange.take_events() {
                    printed.debug(&event);
                    printed.display(&event);
                }
                printed.debug(&session.fresh());
                printed.debug(&stored);
                now = now.after(Duration::from_secs(luck.next(4_000)));
            }
            printed.check();
            printed.0.clear();
        }
    }
    assert!(printed.1 > 20_000 && dones > 2_000, "{} {dones}", printed.1);
}

fn drive(
    printed: &mut Printed,
    luck: &mut Luck,
    session: &mut Session,
    exchange: &mut Exchange,
    now: &mut UnixTime,
    stored: &mut Option<auth_core::Record>,
    [to_api, to_token_endpoint]: [&str; 2],
) -> usize {
    for _ in 0..60 {
        let step = exchange.poll(session, *now);
        printed.debug(&step);
        match step {
            Step::Claim(_) => exchange.handle_claimed(session, *now, Claimed::Granted(stored.clone())),
            Step::Save(save) => {
                printed.debug(&save);
                let saved = if luck.next(6) == 0 { Saved::Down("disk full".into()) } else { Saved::Durable };
                if saved == Saved::Durable {
                    *stored = Some(save.record);
                }
                exchange.handle_saved(session, *now, saved);
            }
            Step::Release(_) | Step::Pause(_) => {}
            Step::Load => exchange.handle_loaded(session, *now, None),
            Step::Look => exchange.handle_looked(session, *now, None),
            Step::Connect(_) => exchange.handle_connected(session, *now, ConnectOutcome::Connected),
            Step::Fetch(_) => match luck.next(4) {
                0 => exchange.handle_failure(
                    session,
                    *now,
                    Transport { how: support::how(luck.next(2) == 0), what: "lost".into(), advice: String::new() },
                ),
                1 => {
                    let status = [400, 401, 429, 503, 200][usize::try_from(luck.next(5)).unwrap()];
                    let body = echo(luck, to_token_endpoint);
                    exchange.handle_response(
                        session,
                        *now,
                        &Response { status, headers: &&[("retry-after", "1")][..], body: body.as_bytes() },
                    );
                }
                _ => {
                    let body = format!(r#"{{"access_token":"t-{MARKER}","expires_in":600,"refresh_token":"r-{MARKER}"}}"#);
                    exchange.handle_response(
                        session,
                        *now,
                        &Response { status: 200, headers: &&[("date", "Mon, 24 Nov 2025 16:00:00 GMT")][..], body: body.as_bytes() },
                    );
                }
            },
            Step::Send(_) => {
                let status = [200, 301, 401, 403, 404, 429, 500, 503][usize::try_from(luck.next(8)).unwrap()];
                let body = echo(luck, to_api);
                let headers = [("retry-after", "1"), ("location", "https://files.example/"), ("x-request-id", to_api)];
                let headers = &headers[..];
                exchange.handle_response(session, *now, &Response { status, headers: &headers, body: body.as_bytes() });
            }
            Step::Wait(until) => *now = until,
            Step::Done(outcome) => {
                printed.debug(&outcome);
                if let Outcome::Answered(Some(failure)) | Outcome::Failed(failure) = &outcome {
                    printed.display(failure);
                }
                return 1;
            }
        }
    }
    0
}

/// A signer whose signature is the marker: a whole assertion is a secret until its minute is over.
struct Marked;

impl Signer for Marked {
    fn algorithm(&self) -> &'static str {
        "ES256"
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, String> {
        Ok([MARKER.as_bytes(), input].concat())
    }
}

/// Ways to log in and to end it, with a marker in every secret.
fn consents(luck: &mut Luck) -> Vec<(Consent, Session)> {
    let provider = support::consents::provider();
    let clients = [
        ClientCredentials::parse(&provider, "client-1", MARKER).unwrap(),
        ClientCredentials::with_key(&provider, "client-1", Arc::new(Marked)).unwrap(),
        ClientCredentials::public(&provider, "client-1").unwrap(),
    ];
    let mut consents = Vec::new();
    for client in clients {
        let stored = support::consents::session(client.clone(), Grant::stored);
        let holding = support::consents::session(client, |client| Grant::refresh_token(client, format!("r-{MARKER}")));
        let login = CodeLogin {
            redirect_uri: "http://127.0.0.1:1/callback",
            parameters: &[],
            patience: Duration::from_mins(5),
            random: &core::array::from_fn(|_| luck.next(256).try_into().unwrap()),
        };
        let seed = luck.next(1 << 30);
        consents.push((Consent::by_code(&stored, &login, seed, support::START).unwrap(), stored));
        let stored = support::consents::stored();
        consents.push((Consent::by_device(&stored, seed, support::START).unwrap(), stored));
        consents.push((Consent::end(&holding, seed, support::START).unwrap(), holding));
    }
    consents
}

#[test]
fn nothing_that_a_consent_prints_shows_a_secret() {
    let mut printed = Printed::default();
    let mut luck = Luck(11);
    let (mut dones, mut states) = (0, Vec::new());
    for _ in 0..150 {
        for (mut consent, session) in consents(&mut luck) {
            let mut now = support::START;
            printed.debug(&session);
            for _ in 0..60 {
                printed.debug(&consent);
                let step = consent.poll(now);
                printed.debug(&step);
                match step {
                    ConsentStep::Show(prompt) => {
                        printed.debug(&prompt);
                    }
                    ConsentStep::Redirect(_) => {
                        let start = consent.handle_start("");
                        printed.debug(&start);
                        let auth_core::StartVisit::Redirect { location, set_cookie } = start else { continue };
                        let state = support::consents::parameter(location.as_str(), "state");
                        states.push(state.clone());
                        let cookies = set_cookie.expose().split(';').next().unwrap().to_owned();
                        states.push(cookies.split_once('=').unwrap().1.to_owned());
                        let query = [
                            format!("code=c-{MARKER}&state={state}"),
                            format!("code=c-{MARKER}&state={MARKER}"),
                            format!("code=c-{MARKER}&state={state}&iss={MARKER}x"),
                            format!("error=access_denied&error_description={state}&state={state}"),
                        ];
                        let query = &query[[0, 0, 0, 1, 3][usize::try_from(luck.next(5)).unwrap()]];
                        printed.debug(&consent.handle_redirect(now, query, &cookies));
                    }
                    ConsentStep::Fetch(mut request) => {
                        request.sign().unwrap();
                        printed.debug(&request);
                        let sent = request.body.as_ref().map_or(String::new(), |body| body.expose().replace('&', " "));
                        match luck.next(5) {
                            0 => consent.handle_failure(
                                now,
                                Transport { how: support::how(luck.next(2) == 0), what: "lost".into(), advice: String::new() },
                            ),
                            1 => {
                                let body = echo(&mut luck, &sent);
                                let status = [400, 401, 429, 503, 200][usize::try_from(luck.next(5)).unwrap()];
                                consent.handle_response(
                                    now,
                                    &Response { status, headers: &&[("retry-after", "1")][..], body: body.as_bytes() },
                                );
                            }
                            _ => {
                                let body = format!(
                                    r#"{{"access_token":"t-{MARKER}","expires_in":600,"refresh_token":"r-{MARKER}","device_code":"d-{MARKER}","user_code":"u-{MARKER}","verification_uri":"https://x.test/","interval":1}}"#
                                );
                                consent
                                    .handle_response(now, &Response { status: 200, headers: &&[("date", "x")][..], body: body.as_bytes() });
                            }
                        }
                    }
                    ConsentStep::Claim(_) => {
                        let record = Record { generation: 3, refresh_token: Some(format!("r-{MARKER}").into()), ..Record::default() };
                        consent.handle_claimed(now, Claimed::Granted(Some(record)));
                    }
                    ConsentStep::Save(save) => {
                        printed.debug(&save);
                        consent.handle_saved(now, Saved::Durable);
                    }
                    ConsentStep::Release(_) => {}
                    ConsentStep::Wait(until) => now = until,
                    ConsentStep::Done(result) => {
                        dones += 1;
                        if let Err(failure) = result {
                            printed.display(&failure);
                        }
                        break;
                    }
                }
            }
            printed.check();
            for state in states.drain(..) {
                assert!(!printed.0.contains(&state), "a state was printed");
            }
            printed.0.clear();
        }
    }
    assert!(printed.1 > 10_000 && dones > 1_000, "{} {dones}", printed.1);
}

#[test]
fn no_error_about_a_key_shows_it() {
    let mut printed = Printed::default();
    for name in Provider::builtin_names() {
        let provider = Provider::builtin(name).unwrap();
        for text in [
            format!("live_sk_{MARKER}"),
            format!("Bearer {MARKER}"),
            format!("\"{MARKER}\""),
            format!("{MARKER}\n"),
            format!("<{MARKER}>"),
            format!("sk_live_{MARKER}!"),
            format!("{MARKER}é"),
        ] {
            if let Err(error) = ApiKey::parse(&provider, text.as_str()) {
                printed.display(&error);
                printed.debug(&error);
            }
            if let Err(error) = ClientCredentials::parse(&provider, "client-1", text.as_str()) {
                printed.display(&error);
                printed.debug(&error);
            }
        }
    }
    assert!(printed.1 > 40, "{}", printed.1);
    printed.check();
}
