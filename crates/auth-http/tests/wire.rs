//! The wire: trust, client certificates, proxies.

mod support;

use auth_http::FailureKind;
use auth_sandbox::{Options, Proxy, ProxyOptions, Sandbox};
use support::{adaas, finora, numeric, sandbox, token_requests};

#[test]
fn a_stranger_among_authorities_is_not_trusted_and_the_error_says_what_to_do() {
    let (ours, other) = (sandbox(), sandbox());
    for builder in [finora(&ours), numeric(&ours)] {
        let error = builder.ca(other.ca_pem()).max_attempts(1).build().unwrap().get("/v1/invoices").send().unwrap_err();
        let text = error.to_string();
        assert!(text.contains("not trusted here") || text.contains("not from the authority"), "{text}");
    }
    let error = finora(&ours).platform_roots().max_attempts(1).build().unwrap().get("/v1/invoices").send().unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Transport), "{error}");
}

#[test]
fn mutual_tls_shows_the_client_certificate() {
    let strict = Sandbox::start(Options { client_auth: true, limits: false, ..Options::default() }).unwrap();
    let (certificate, key) = strict.client_identity();
    let client = adaas(&strict).identity(certificate.clone(), key.clone()).build().unwrap();
    assert_eq!(client.get("/v2/invoices").send().unwrap().status(), 200);
    assert!(adaas(&strict).max_attempts(1).build().unwrap().get("/v2/invoices").send().is_err());
    assert!(adaas(&strict).identity(key, certificate).build().unwrap_err().to_string().contains("PEM"));
    assert!(adaas(&strict).ca("nonsense").build().unwrap_err().to_string().contains("no certificate"));
}

#[test]
fn a_proxy_is_used_for_tokens_and_calls_alike() {
    let sandbox = sandbox();
    let user = Some(("clerk".to_owned(), "p@ss word".to_owned()));
    let proxy = Proxy::start(ProxyOptions { user }).unwrap();
    let address = proxy.url().rsplit("//").next().unwrap().rsplit('@').next().unwrap().to_owned();
    let client = adaas(&sandbox).proxy(format!("http://clerk:p%40ss%20word@{address}")).build().unwrap();
    assert_eq!(client.get("/v2/invoices").send().unwrap().status(), 200);
    assert_eq!((token_requests(&sandbox), proxy.connections().len()), (1, 2));

    let wrong = finora(&sandbox).proxy(format!("http://clerk:wrong@{address}")).max_attempts(1).build().unwrap();
    let error = wrong.get("/v1/invoices").send().unwrap_err().to_string();
    assert!(error.contains("the proxy did not connect") && error.contains("407") && !error.contains("wrong"), "{error}");
    let error = finora(&sandbox).proxy("not a proxy: hunter2").build().unwrap_err().to_string();
    assert!(error.contains("proxy cannot be used") && !error.contains("hunter2"), "{error}");
}
