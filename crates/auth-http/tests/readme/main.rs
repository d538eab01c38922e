//! Every Rust example of the README, word for word: compiled, and run against the sandbox where no person is needed.

mod examples;
mod promises;
mod seen;
#[path = "../support/mod.rs"]
mod support;

use auth_sandbox::{Fault, FaultKind, Options, Sandbox, Service};
use std::time::Duration;
use support::{requests, sandbox};

#[test]
fn the_examples_stand_in_the_readme_and_no_others() {
    let parts = |text: &'static str, begin: &str, end: &str| -> Vec<&'static str> {
        text.split(begin).skip(1).map(|rest| rest.split(end).next().unwrap_or_default()).collect()
    };
    let compiled = parts(include_str!("examples.rs"), "// README\n", "// END\n");
    assert_eq!(parts(include_str!("../../../../README.md"), "```rust\n", "```"), compiled);
}

/// The child: it has the keys in its environment, as a user has.
fn run_the_examples() {
    let variable = |name: &str| std::env::var(name).expect("set by the parent test");
    examples::first().unwrap();
    assert!(examples::each_system().unwrap()["result"].is_object());
    let (id, secret) = (variable("NUMERIC_CLIENT_ID"), variable("NUMERIC_CLIENT_SECRET"));
    let sealed = examples::sealed(&id, &secret, &variable("README_REFRESH_TOKEN")).unwrap();
    assert_eq!(sealed.get("/v1/health").send().unwrap().status(), 200);
    let shared = examples::shared(&id, &secret, "made-up-refresh-token").unwrap();
    assert!(shared.explain().to_string().contains("xero"));
}

#[test]
fn the_example_on_an_event_loop_runs_on_one() {
    let sandbox = Sandbox::start(Options { tls: false, limits: false, ..Options::default() }).unwrap();
    let (headers, body) = (vec![("Retry-After".into(), "1".into())], String::new());
    let unavailable = FaultKind::Status { code: 503, body, content_type: "text/plain".into(), headers };
    sandbox.inject(Fault::new(unavailable).on(Service::NumericApi));
    let keys = sandbox.keys();
    let client = auth_http::Client::builder(auth_http::Provider::builtin("numeric").unwrap())
        .environment("production")
        .base_url(sandbox.url(Service::NumericApi))
        .token_url(format!("{}/oauth/token", sandbox.url(Service::NumericAuth)))
        .insecure_loopback(true)
        .credential(auth_http::Credential::client(&keys.numeric.client_id, keys.numeric.client_secret.as_str()))
        .build()
        .unwrap();
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let call = |path: &'static str| {
        let (client, http) = (client.clone(), http.clone());
        async move { examples::on_tokio::call(&client, &http, path).await.map_err(|error| error.to_string()) }
    };
    // On one thread, which a blocking wait would hold up for all.
    let local = tokio::task::LocalSet::new();
    let begun = std::time::Instant::now();
    let calls: Vec<_> = (0..20).map(|_| local.spawn_local(call("/v1/health"))).collect();
    runtime.block_on(local);
    for call in calls {
        assert!(!runtime.block_on(call).unwrap().unwrap().is_empty());
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let refused = runtime.block_on(call("/v1/nothing-there")).unwrap_err();
    assert!(refused.contains("404"), "{refused}");
    assert_eq!(support::token_requests(&sandbox), 1);
}

#[test]
fn the_examples_run() {
    if std::env::var_os("README_CA").is_some() {
        return run_the_examples();
    }
    let (sandbox, folder) = (sandbox(), std::env::temp_dir().join(format!("ledgerauth-readme-{}", std::process::id())));
    let numeric = &sandbox.keys().numeric;
    let token_url = format!("{}/oauth/token", sandbox.url(Service::NumericAuth));
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_examples_run"])
        .env("README_CA", sandbox.ca_pem())
        .env("README_FOLDER", &folder)
        .env("README_FINORA_URL", sandbox.url(Service::Finora))
        .env("README_FINORA_ENVIRONMENT", "staging")
        .env("README_NUMERIC_URL", sandbox.url(Service::NumericApi))
        .env("README_NUMERIC_TOKEN_URL", token_url)
        .env("README_NUMORA_URL", sandbox.url(Service::Numora))
        .env("README_REFRESH_TOKEN", sandbox.issue_refresh_token(&numeric.client_id).unwrap())
        .env("LEDGERAUTH_SEAL_KEY", "bWFkZSB1cCBmb3IgdGhlIHRlc3RzIG9mIHRoZSBSRUE=")
        .env("FINORA_API_KEY", &sandbox.keys().finora_test)
        .env("NUMORA_API_KEY", &sandbox.keys().numora)
        .env("NUMERIC_CLIENT_ID", &numeric.client_id)
        .env("NUMERIC_CLIENT_SECRET", numeric.client_secret.as_str())
        .output()
        .unwrap();
    drop(std::fs::remove_dir_all(folder));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let seen = requests(&sandbox, Service::Finora);
    assert_eq!((seen.len(), seen[0].path.as_str(), seen[0].status), (1, "/v1/invoices", Some(200)));
    assert_eq!(examples::sandbox().unwrap(), 200);
}
