//! Logins from C at a real authorization server: the program shows the address or the code, and the person here does the rest.

use crate::browser::visit;
use crate::build::{Program, clean, no_c};
use crate::oidc::Oidc;
use serde_json::json;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

#[test]
fn a_person_connects_by_browser_or_on_another_device_and_ends_it() {
    if no_c() {
        return;
    }
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    connect(&oidc, "browser");
    connect(&oidc, "device");
}

#[test]
fn a_person_who_refuses_is_an_error() {
    if no_c() {
        return;
    }
    let Some(oidc) = Oidc::start(&json!({"person": "deny"})) else { return };
    connect(&oidc, "refused");
}

#[test]
fn private_keys_sign_for_clients_and_service_accounts() {
    if no_c() {
        return;
    }
    let Some(oidc) = Oidc::start(&json!({"client_keys": true})) else { return };
    let key = oidc.key("ES256", "pkcs8").to_owned();
    let env =
        [("ISSUER", oidc.issuer().to_owned()), ("KEY", key.clone()), ("CLIENT_KEY", key)].map(|(name, value)| (name.to_owned(), value));
    Program::test("service").build().run(&env, &[]);
    Program::test("signing").build().run(&env, &[]);
    let requests = oidc.stats()["requests"].clone();
    let about = |who: &str| requests.as_array().unwrap().iter().filter(|seen| seen["assertion"]["sub"] == who).count();
    assert_eq!((about("key-es256"), about("books@acme.test") >= 3), (1, true), "{requests}");
}

/// Runs the program, and does what it asks for.
fn connect(oidc: &Oidc, way: &str) {
    let program = Program::test("login").with(&format!("login-{way}"), &[]).build();
    let mut child = clean(&program.0).arg(way).env("ISSUER", oidc.issuer()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    match line.trim_end().split_once(' ') {
        Some(("open", url)) => {
            let seen = visit(url);
            assert_eq!(seen.body.contains("<h1>Connected</h1>"), way == "browser", "{}", seen.body);
        }
        Some(("enter", code)) => assert!(oidc.answer_device(code, true)),
        _ => {}
    }
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{line}{rest}");
}
