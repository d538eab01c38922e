//! Every Rust example of the README, word for word: compiled, and run against the sandbox where no person is needed.

mod examples;
mod promises;
mod seen;
#[path = "../support/mod.rs"]
mod support;

use auth_sandbox::Service;
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
