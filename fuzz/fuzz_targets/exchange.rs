//! Whatever a token endpoint and an API answer, an exchange comes to an end, and a token is sent only if it can stand in a header.
#![no_main]

use auth_core::{Call, Claimed, ClientCredentials, ConnectOutcome, Connection, Credential, Exchange, Grant, Provider, Response, Saved, Session, Step, Transport, Unanswered, UnixTime};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|answers: Vec<(u16, Vec<(&str, &[u8])>, &[u8])>| {
    let provider = Provider::builtin("numeric").unwrap();
    let client = ClientCredentials::parse(&provider, "client", "secret").unwrap();
    let credential = Credential::Grant(Grant::client_credentials(client));
    let connection = Arc::new(Connection::builder(provider).environment("production").build(&credential).unwrap());
    let mut session = Session::new(Arc::clone(&connection), credential, true);
    let mut now = UnixTime::from_secs(1_764_000_000);
    let mut exchange = Exchange::new(Call::new(&connection, "GET", "/v1/health").unwrap(), 7);
    let mut answers = answers.into_iter();
    for _ in 0..10_000 {
        match exchange.poll(&mut session, now) {
            Step::Claim(_) => exchange.handle_claimed(&mut session, now, Claimed::Granted(None)),
            Step::Save(_) => exchange.handle_saved(&mut session, now, Saved::Durable),
            Step::Release(_) => {}
            Step::Load => exchange.handle_loaded(&mut session, now, None),
            Step::Look => exchange.handle_looked(&mut session, now, None),
            Step::Pause(_) => {}
            Step::Connect(_) => exchange.handle_connected(&mut session, now, ConnectOutcome::Connected),
            step @ (Step::Fetch(_) | Step::Send(_)) => {
                if let Step::Send(send) = &step
                    && let Some(authorization) = &send.authorization
                {
                    assert!(authorization.value().expose().bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
                }
                match answers.next() {
                    Some((status, headers, body)) => {
                        exchange.handle_response(&mut session, now, &Response { status, headers: &headers.as_slice(), body });
                    }
                    None => exchange.handle_failure(&mut session, now, Transport { how: Unanswered::Lost, what: "over".into(), advice: String::new() }),
                }
            }
            Step::Wait(until) => {
                assert!(until > now);
                now = until;
            }
            Step::Done(outcome) => {
                let _ = format!("{outcome:?}");
                exchange.abandon(&mut session);
                return;
            }
        }
    }
    panic!("the exchange did not come to an end");
});
