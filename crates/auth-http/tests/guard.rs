//! The guard: which credential may go where. Nothing that is refused here reaches a server.

mod support;

use auth_http::{Client, Credential, Error, FailureKind, Provider};
use auth_sandbox::{Fault, FaultKind, Options, Sandbox, Service};
use support::{adaas, at, finora, header, numeric, numora, requests, sandbox};

fn refusal(result: Result<Client, Error>) -> (Option<FailureKind>, String) {
    let error = result.unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn a_key_and_the_declared_environment_must_agree_in_both_directions() {
    let sandbox = sandbox();
    let keys = sandbox.keys();
    for (environment, key) in [("staging", &keys.finora_live), ("production", &keys.finora_test)] {
        let (kind, text) = refusal(finora(&sandbox).environment(environment).credential(Credential::key(key.as_str())).build());
        assert_eq!(kind, Some(FailureKind::EnvironmentMismatch), "{text}");
        assert!(text.contains("nothing was sent") && !text.contains(key.as_str()), "{text}");
    }
    let (kind, _) = refusal(adaas(&sandbox).credential(Credential::client("c", keys.adaas_sandbox.secret.as_str())).build());
    assert_eq!(kind, Some(FailureKind::EnvironmentMismatch));
    assert!(sandbox.log().is_empty());
}

#[test]
fn an_opaque_token_must_be_declared_and_fit_the_host() {
    let numeric = || Client::builder(Provider::builtin("numeric").unwrap());
    let (kind, text) = refusal(numeric().credential(Credential::key("opaque")).build());
    assert_eq!(kind, Some(FailureKind::EnvironmentMismatch));
    assert!(text.contains("environment \"production\" or \"sandbox\""), "{text}");
    for (declared, host) in [("production", "https://api.sandbox.numeric.io"), ("sandbox", "https://api.numeric.io")] {
        let (kind, text) = refusal(numeric().credential(Credential::key("opaque").environment(declared)).base_url(host).build());
        assert_eq!(kind, Some(FailureKind::EnvironmentMismatch), "{text}");
    }
    assert_eq!(
        numeric().credential(Credential::key("opaque").environment("sandbox")).build().unwrap().connection().base_url().as_str(),
        "https://api.sandbox.numeric.io"
    );
    assert_eq!(
        numeric().credential(Credential::key("opaque")).base_url("https://api.numeric.io").build().unwrap().connection().environment(),
        "production"
    );
}

#[test]
fn an_unknown_host_needs_a_declaration() {
    let sandbox = sandbox();
    let undeclared = Client::builder(Provider::builtin("finora").unwrap())
        .base_url(sandbox.url(Service::Finora))
        .credential(Credential::key(sandbox.keys().finora_live.as_str()));
    let (kind, text) = refusal(undeclared.build());
    assert_eq!(kind, Some(FailureKind::EnvironmentMismatch));
    assert!(text.contains("declare it"), "{text}");
}

#[test]
fn numoras_placeholder_and_its_missing_base_url_are_explained() {
    let numora = || Client::builder(Provider::builtin("numora").unwrap()).credential(Credential::key("sk_live_0123456789abcdef"));
    let (kind, text) = refusal(numora().base_url("https://api.numora.example").build());
    assert_eq!(kind, Some(FailureKind::ForeignHost));
    assert!(text.contains("your workspace's own"), "{text}");
    let (_, text) = refusal(numora().build());
    assert!(text.contains("base URL of its own"), "{text}");
}

#[test]
fn only_https_and_loopback_by_name() {
    let plain = Sandbox::start(Options { tls: false, ..Options::default() }).unwrap();
    let finora = || finora(&plain);
    let (kind, text) = refusal(finora().build());
    assert_eq!(kind, Some(FailureKind::InsecureTransport));
    assert!(text.contains("insecure_loopback"), "{text}");
    assert_eq!(finora().insecure_loopback(true).build().unwrap().get("/v1/invoices").send().unwrap().status(), 200);
    for url in ["http://api.finorabusiness.com", "http://10.0.0.1", "http://127.0.0.1.evil.example"] {
        let (kind, _) = refusal(finora().base_url(url).insecure_loopback(true).build());
        assert_eq!(kind, Some(FailureKind::InsecureTransport), "{url}");
    }
}

#[test]
fn a_credential_does_not_go_to_a_foreign_host_or_another_environment() {
    let sandbox = sandbox();
    let client = numeric(&sandbox).build().unwrap();
    for (url, kind) in [
        (sandbox.url(Service::Stranger), FailureKind::ForeignHost),
        ("https://api.sandbox.numeric.io/v1/health".into(), FailureKind::EnvironmentMismatch),
        ("http://api.numeric.io/v1/health".into(), FailureKind::InsecureTransport),
        ("https://user@localhost/v1".into(), FailureKind::Misuse),
        ("v1/health".into(), FailureKind::Misuse),
        ("@evil.example/".into(), FailureKind::Misuse),
    ] {
        let error = client.get(&url).send().unwrap_err();
        assert_eq!(error.kind(), Some(kind), "{url}: {error}");
    }
    assert!(sandbox.log().is_empty());
    let whole = format!("{}/v1/health", sandbox.url(Service::NumericApi));
    assert_eq!(client.get(&whole).send().unwrap().status(), 200);
}

#[test]
fn a_redirect_to_a_stranger_carries_no_credential_whatever_its_header() {
    let sandbox = sandbox();
    let own_header = at(&sandbox, "numeric", Service::NumericApi)
        .environment("production")
        .header("X-Anything")
        .scheme("")
        .credential(Credential::key("opaque-1234"))
        .build()
        .unwrap();
    for (client, service) in [
        (numeric(&sandbox).build().unwrap(), Service::NumericApi),
        (finora(&sandbox).build().unwrap(), Service::Finora),
        (own_header, Service::NumericApi),
    ] {
        for code in [301, 302, 303, 307, 308] {
            sandbox.clear_log();
            let location = format!("{}/landing?x=1", sandbox.url(Service::Stranger));
            sandbox.inject(Fault::new(FaultKind::Redirect { code, location }).on(service));
            let response = client
                .get("/v1/anything")
                .header("X-Api-Key", "callers-own")
                .header("Cookie", "a=b")
                .header("X-JWT-Assertion", "j")
                .header("Accept", "text/plain")
                .send()
                .unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.failure().unwrap().kind(), FailureKind::RedirectedElsewhere);
            let seen = &requests(&sandbox, Service::Stranger)[0];
            assert_eq!((seen.path.as_str(), seen.query.as_str()), ("/landing", "x=1"));
            for name in ["authorization", "x-anything", "x-api-key", "cookie", "x-jwt-assertion"] {
                assert_eq!(header(seen, name), None, "{code} {name}");
            }
            assert_eq!(header(seen, "accept"), Some("text/plain"));
        }
    }
}

#[test]
fn a_redirect_on_the_same_host_keeps_the_credential_and_a_post_is_not_redirected() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    sandbox.inject(Fault::new(FaultKind::Redirect { code: 302, location: "/v1/customers".into() }).on(Service::Finora));
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
    let location = sandbox.url(Service::Stranger);
    sandbox.inject(Fault::new(FaultKind::Redirect { code: 307, location: location.clone() }).on(Service::Finora));
    let response = client.post("/v1/invoices").body("{}").send().unwrap();
    assert_eq!((response.status(), response.header("location")), (307, Some(location.as_str())));
    assert!(requests(&sandbox, Service::Stranger).is_empty());
}

#[test]
fn a_redirect_to_plain_http_is_not_followed_and_a_loop_ends() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    sandbox.inject(Fault::new(FaultKind::Redirect { code: 302, location: "http://localhost:9/".into() }).on(Service::Finora));
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 302);
    sandbox.inject(Fault::new(FaultKind::Redirect { code: 302, location: "/v1/invoices".into() }).on(Service::Finora).times(100));
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 302);
    assert_eq!(requests(&sandbox, Service::Finora).len(), 1 + 6);
}

#[test]
fn numora_at_its_workspaces_host_needs_no_declaration() {
    let sandbox = sandbox();
    assert_eq!(numora(&sandbox).build().unwrap().connection().environment(), "production");
}

#[test]
fn settings_that_nothing_could_be_sent_with_are_refused_when_the_client_is_made() {
    let sandbox = sandbox();
    for agent in ["two\nlines", "null\0", "deleted\u{7f}"] {
        let (_, text) = refusal(finora(&sandbox).user_agent(agent).build());
        assert!(text.starts_with("user_agent cannot be used") && text.contains("line breaks"), "{text}");
    }
    for (pem, why) in [("", "no certificate in it"), ("-----BEGIN CERTIFICATE-----\n?", "not PEM")] {
        let (_, text) = refusal(finora(&sandbox).ca(pem).build());
        assert!(text.starts_with("ca cannot be used") && text.contains(why), "{text}");
    }
    assert!(sandbox.log().is_empty());
}

#[test]
fn what_cannot_be_sent_from_here_is_misuse_at_once() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    let long = "x".repeat(1_000_000);
    let header = || client.get("/v1/invoices").header("X-Note", &long).send();
    let name = || client.get("/v1/invoices").header(&long, "x").send();
    let path = || client.get(&format!("/{}", &long[..100_000])).send();
    let query = || client.get("/v1/invoices").query("q", &long[..100_000]).send();
    for (index, call) in [&header as &dyn Fn() -> _, &name, &path, &query].into_iter().enumerate() {
        let start = std::time::Instant::now();
        let error = call().unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::Misuse), "{index}: {error}");
        assert!(error.to_string().len() < 300 && error.to_string().contains("can be sent"), "{index}: {error}");
        assert!(start.elapsed() < std::time::Duration::from_millis(200), "{index}");
    }
    assert!(requests(&sandbox, Service::Finora).is_empty());
    let answer = client.get("/v1/invoices").header("X-Note", &long[..8_000]).send().unwrap();
    assert_eq!(answer.status(), 200);
}
