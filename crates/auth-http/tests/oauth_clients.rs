//! How clients prove themselves at a real server, which counts how each of them did.

mod support;

use auth_http::{Assertion, ClientAuth, Credential, FailureKind, PrivateKey, Signer, SigningAlgorithm};
use serde_json::{Value, json};
use support::oidc::{Oidc, SECRET};

/// A client's call succeeds with a token that it was granted, and the server saw it authenticate so; what it saw.
fn proves_itself(oidc: &Oidc, credential: Credential, method: Option<ClientAuth>, how: &str) -> Value {
    let mut builder = oidc.client().credential(credential);
    if let Some(method) = method {
        builder = builder.client_auth(method);
    }
    assert_eq!(builder.build().unwrap().get("/api/ledger").send().unwrap().status(), 200, "{how}");
    let seen = oidc.stats()["requests"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((seen["auth"].as_str(), &seen["error"]), (Some(how), &Value::Null), "{seen}");
    seen
}

fn key(oidc: &Oidc, algorithm: SigningAlgorithm, form: &str) -> PrivateKey {
    let name = algorithm.name();
    PrivateKey::from_pem(algorithm, oidc.key(name, form).as_bytes()).unwrap().key_id(format!("key-{}-1", name.to_lowercase()))
}

#[test]
fn a_secret_goes_into_the_header_or_the_form() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    proves_itself(&oidc, Credential::client("basic", SECRET), None, "header");
    proves_itself(&oidc, Credential::client("post", SECRET), Some(ClientAuth::ClientSecretPost), "body");
    // RFC 6749 section 2.3.1: every character that form-encoding has to change.
    let odd = proves_itself(&oidc, Credential::client("cc:odd id", r#"a:b%c+d/e=f &g"h\i~"#), None, "header");
    assert_eq!(odd["client"], "cc:odd id");
}

#[test]
fn a_wrong_secret_is_refused_once_and_explained() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.client().credential(Credential::client("basic", "another-secret")).build().unwrap();
    for _ in 0..20 {
        let error = client.get("/api/ledger").send().unwrap_err();
        assert_eq!((error.kind(), error.failure().unwrap().code()), (Some(FailureKind::GrantRefused), Some("invalid_client")), "{error}");
        assert!(error.advice().unwrap().contains("check its id, its secret"), "{error}");
    }
    assert_eq!(oidc.stats()["requests"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_signs_in_every_algorithm_and_from_every_form_of_pem() {
    use SigningAlgorithm::{EdDsa, Es256, Ps256, Rs256};
    let Some(oidc) = Oidc::start(&json!({"client_keys": true})) else { return };
    let forms = [
        (Rs256, "pkcs8"),
        (Rs256, "traditional"),
        (Ps256, "pkcs8"),
        (Ps256, "traditional"),
        (Es256, "pkcs8"),
        (Es256, "traditional"),
        (EdDsa, "pkcs8"),
    ];
    let mut ids = Vec::new();
    for (algorithm, form) in forms {
        let id = format!("key-{}", algorithm.name().to_lowercase());
        let seen = proves_itself(&oidc, Credential::client_with_key(&id, key(&oidc, algorithm, form)), None, "assertion");
        let claims = &seen["assertion"];
        assert_eq!(
            (claims["alg"].as_str(), claims["iss"].as_str(), claims["sub"].as_str()),
            (Some(algorithm.name()), Some(&*id), Some(&*id))
        );
        // No issuer is known, so the assertion is for the endpoint.
        assert_eq!((claims["aud"].as_str(), claims["lives"].as_u64()), (Some(&*format!("{}/token", oidc.issuer())), Some(60)));
        ids.push(claims["jti"].as_str().unwrap().to_owned());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), forms.len(), "an id was used twice");
}

#[test]
fn an_assertion_is_for_the_issuer_where_it_is_known() {
    let Some(oidc) = Oidc::start(&json!({"client_keys": true})) else { return };
    let credential = Credential::client_with_key("key-es256", key(&oidc, SigningAlgorithm::Es256, "pkcs8"));
    let client = oidc.client().issuer(oidc.issuer()).credential(credential).build().unwrap();
    for _ in 0..3 {
        assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
        oidc.end_access_tokens();
    }
    let stats = oidc.stats();
    let requests = stats["requests"].as_array().unwrap();
    assert!(requests.len() == 3 && requests.iter().all(|seen| seen["assertion"]["aud"] == oidc.issuer()), "{requests:?}");
}

#[test]
fn a_secret_can_sign_too() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let seen = proves_itself(&oidc, Credential::client("secret-jwt", SECRET), Some(ClientAuth::ClientSecretJwt), "assertion");
    assert_eq!(seen["assertion"]["alg"], "HS256");
}

#[test]
fn a_wrong_clock_is_learned_from_the_refusal_and_not_told() {
    // This server refuses what is past, and takes what is dated in its future.
    for (ahead, refusals) in [(600, vec![Some("invalid_client")]), (-600, vec![])] {
        let Some(oidc) = Oidc::start(&json!({"client_keys": true, "clock_ahead_seconds": ahead})) else { return };
        let credential = Credential::client_with_key("key-es256", key(&oidc, SigningAlgorithm::Es256, "pkcs8"));
        let client = oidc.client().credential(credential).build().unwrap();
        for _ in 0..2 {
            assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
            oidc.end_access_tokens();
        }
        let stats = oidc.stats();
        let errors: Vec<_> = stats["requests"].as_array().unwrap().iter().map(|seen| seen["error"].as_str()).collect();
        assert_eq!(errors, [refusals, vec![None, None]].concat(), "{ahead}");
        assert!((client.skew_millis().unwrap() - ahead * 1_000).abs() < 2_000);
    }
}

#[test]
fn a_service_account_exchanges_its_assertion() {
    let Some(oidc) = Oidc::start(&json!({"client_keys": true})) else { return };
    for scope_claim in [false, true] {
        let key = PrivateKey::from_pem(SigningAlgorithm::Es256, oidc.key("ES256", "pkcs8").as_bytes()).unwrap().key_id("service-1");
        let assertion = Assertion::new("service", std::sync::Arc::new(key)).subject("books@acme.test").audience(oidc.issuer());
        let assertion = if scope_claim { assertion.with_scope_claim() } else { assertion };
        let credential = Credential::public_client("service").with_assertion(assertion).scopes(["ledger.read", "ledger.write"]);
        let client = oidc.client().credential(credential).build().unwrap();
        for _ in 0..2 {
            let facts: Value = client.get("/api/ledger").send().unwrap().json().unwrap();
            assert_eq!((facts["client"].as_str(), facts["scope"].as_str()), (Some("service"), Some("ledger.read ledger.write")));
            oidc.end_access_tokens();
        }
        let seen = oidc.stats()["requests"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((seen["assertion"]["sub"].as_str(), seen["scope"].is_null()), (Some("books@acme.test"), scope_claim), "{seen}");
    }
    assert_eq!(oidc.count("invalid_grants"), 0);
}

#[test]
fn an_assertion_that_is_not_accepted_says_what_to_compare() {
    let Some(oidc) = Oidc::start(&json!({"client_keys": true})) else { return };
    let key = key(&oidc, SigningAlgorithm::Es256, "pkcs8").key_id("service-1");
    let assertion = Assertion::new("service", std::sync::Arc::new(key)).audience("https://another.test");
    let client = oidc.client().credential(Credential::public_client("service").with_assertion(assertion)).build().unwrap();
    let error = client.get("/api/ledger").send().unwrap_err();
    assert_eq!((error.kind(), error.failure().unwrap().code()), (Some(FailureKind::GrantRefused), Some("invalid_grant")), "{error}");
    assert!(error.advice().unwrap().contains("compare issuer, subject and audience"), "{error}");
}

#[test]
fn a_signer_of_ones_own_that_fails_is_reported_and_nothing_is_sent() {
    struct Unplugged;
    impl Signer for Unplugged {
        fn algorithm(&self) -> &'static str {
            "ES256"
        }
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, String> {
            Err("the module is not plugged in".into())
        }
    }
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.client().max_attempts(2).credential(Credential::client_with_key("key-es256", Unplugged)).build().unwrap();
    let error = client.get("/api/ledger").send().unwrap_err();
    assert!(error.to_string().contains("could not be signed: the module is not plugged in"), "{error}");
    assert!(oidc.stats()["requests"].as_array().unwrap().is_empty());
}

#[test]
fn what_a_client_has_and_how_it_should_authenticate_have_to_fit() {
    let profile = auth_http::Provider::from_toml(support::oidc::PROFILE).unwrap();
    let refusal = |credential: Credential, method| {
        let builder = auth_http::Client::builder(profile.clone()).credential(credential).client_auth(method);
        builder.build().unwrap_err().to_string()
    };
    let error = refusal(Credential::client("web", SECRET), ClientAuth::PrivateKeyJwt);
    assert!(error.contains("client_auth is private_key_jwt, and the client \"web\" has a secret"), "{error}");
    let error = refusal(Credential::public_client("native"), ClientAuth::ClientSecretPost);
    assert!(error.contains("has neither secret nor key"), "{error}");
}
