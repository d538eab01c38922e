//! The wire: trust, client certificates, proxies.

mod support;

use auth_http::FailureKind;
use auth_sandbox::{Options, Proxy, ProxyOptions, Sandbox};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    assert_eq!(error.kind(), Some(FailureKind::Untrusted), "{error}");
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

/// Runs one test of this program again in a process of its own with these variables, because variables belong to a whole process.
fn again_with(test: &str, variables: &[(&str, &str)]) {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "NO_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ] {
        child.env_remove(name);
    }
    let output = child.args(["--exact", test]).envs(variables.iter().copied()).env("LEDGERAUTH_CHILD", "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// A call in the child process: the sandbox's address and key come by variables.
fn call_from_child(builder: auth_http::ClientBuilder) -> Result<u16, auth_http::Error> {
    let variable = |name: &str| std::env::var(name).expect("set by the parent");
    let key = auth_http::Credential::from_env("FINORA_API_KEY")?;
    let client = builder.environment("staging").base_url(variable("SANDBOX_URL")).credential(key).max_attempts(1).build()?;
    Ok(client.get("/v1/invoices").send()?.status())
}

fn finora_builder() -> auth_http::ClientBuilder {
    auth_http::Client::builder(auth_http::Provider::builtin("finora").unwrap())
}

#[test]
fn a_proxy_in_the_environment_is_followed_unless_it_is_switched_off() {
    if std::env::var_os("LEDGERAUTH_CHILD").is_some() {
        let ca = std::env::var("SANDBOX_CA").unwrap();
        assert_eq!(call_from_child(finora_builder().ca(ca.as_str())).unwrap(), 200);
        assert_eq!(call_from_child(finora_builder().ca(ca).no_proxy()).unwrap(), 200);
        return;
    }
    let sandbox = sandbox();
    let proxy = Proxy::start(ProxyOptions::default()).unwrap();
    let url = sandbox.url(auth_sandbox::Service::Finora);
    again_with(
        "a_proxy_in_the_environment_is_followed_unless_it_is_switched_off",
        &[
            ("HTTPS_PROXY", &proxy.url()),
            ("SANDBOX_URL", &url),
            ("SANDBOX_CA", sandbox.ca_pem()),
            ("FINORA_API_KEY", &sandbox.keys().finora_test),
        ],
    );
    assert_eq!(proxy.connections().len(), 1);
}

/// The address of a server on plain http that answers `[]` to each request, and how often it was asked.
fn plain_server() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4_096];
            if stream.read(&mut request).is_ok_and(|length| request[..length].starts_with(b"GET /v1/invoices HTTP/1.1")) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]");
        }
    });
    (url, asked)
}

#[test]
fn plain_http_to_this_machine_goes_through_no_proxy() {
    if std::env::var_os("LEDGERAUTH_CHILD").is_some() {
        assert_eq!(call_from_child(finora_builder().insecure_loopback(true)).unwrap(), 200);
        return;
    }
    let proxy = Proxy::start(ProxyOptions::default()).unwrap();
    let (url, asked) = plain_server();
    let key = format!("test_sk_{}", "0a".repeat(24));
    for variable in ["HTTPS_PROXY", "HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let variables = [(variable, &*proxy.url()), ("SANDBOX_URL", &url), ("FINORA_API_KEY", &key)];
        again_with("plain_http_to_this_machine_goes_through_no_proxy", &variables);
    }
    let named = finora_builder().insecure_loopback(true).base_url(&*url).environment("staging").proxy(proxy.url());
    let client = named.credential(auth_http::Credential::key(&*key)).build().unwrap();
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
    assert_eq!((proxy.connections().len(), asked.load(Ordering::Relaxed)), (0, 5));
}

#[test]
fn an_error_names_the_proxy_and_the_variable_that_named_it() {
    if std::env::var_os("LEDGERAUTH_CHILD").is_some() {
        let error = call_from_child(finora_builder()).unwrap_err();
        let (text, advice) = (error.to_string(), error.advice().unwrap_or_default());
        let expected = std::env::var("EXPECTED").unwrap();
        assert!(text.contains(&expected) && !text.contains("hunter2") && !advice.contains("hunter2"), "{text} / {advice}");
        assert!(advice.contains("proxy"), "{advice}");
        return;
    }
    let sandbox = sandbox();
    let url = sandbox.url(auth_sandbox::Service::Finora);
    for (proxy, expected) in [
        ("http://user:hunter2@127.0.0.1:1", "the proxy 127.0.0.1:1, named by HTTPS_PROXY"),
        ("http://user:hunter2@", "HTTPS_PROXY cannot be used"),
    ] {
        let variables =
            [("HTTPS_PROXY", proxy), ("SANDBOX_URL", &url), ("FINORA_API_KEY", &sandbox.keys().finora_test), ("EXPECTED", expected)];
        again_with("an_error_names_the_proxy_and_the_variable_that_named_it", &variables);
    }
}

#[test]
fn the_platforms_trust_store_is_used_when_asked_for() {
    if std::env::var_os("LEDGERAUTH_CHILD").is_some() {
        assert_eq!(call_from_child(finora_builder().platform_roots()).unwrap(), 200);
        // Mozilla's list, which is the default, does not look at the variable.
        assert!(call_from_child(finora_builder()).is_err());
        return;
    }
    let sandbox = sandbox();
    let ca = std::env::temp_dir().join(format!("ledgerauth-{}-ca.pem", std::process::id()));
    std::fs::write(&ca, sandbox.ca_pem()).unwrap();
    let url = sandbox.url(auth_sandbox::Service::Finora);
    again_with(
        "the_platforms_trust_store_is_used_when_asked_for",
        &[("SSL_CERT_FILE", ca.to_str().unwrap()), ("SANDBOX_URL", &url), ("FINORA_API_KEY", &sandbox.keys().finora_test)],
    );
    std::fs::remove_file(ca).unwrap();
}
