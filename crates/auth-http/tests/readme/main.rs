//! The README's first example, word for word, against the sandbox.

mod support;

use auth_sandbox::Service;
use support::{requests, sandbox};

/// What the example sees under the names it uses: the real ones, but for a builder that is already pointed at the sandbox.
mod seen_by_the_example {
    pub(super) use auth_http::{Credential, Provider};

    pub(super) struct Client;

    impl Client {
        pub(super) fn builder(provider: Provider) -> auth_http::ClientBuilder {
            let url = std::env::var("LEDGERAUTH_README_URL").expect("set by the parent test");
            let ca = std::env::var("LEDGERAUTH_README_CA").expect("set by the parent test");
            auth_http::Client::builder(provider).base_url(url).environment("staging").ca(ca).no_proxy()
        }
    }
}

// The lines between the marks stand in README.md exactly so.
#[rustfmt::skip]
fn example() -> Result<usize, auth_http::Error> {
    use seen_by_the_example::{Client, Credential, Provider};
// README
let client = Client::builder(Provider::builtin("finora")?)
    .credential(Credential::from_env("FINORA_API_KEY")?)
    .build()?;
let invoices: serde_json::Value = client.get("/v1/invoices").send()?.json()?;
// END
    Ok(invoices["data"].as_array().map_or(0, Vec::len))
}

#[test]
fn the_first_example_stands_in_the_readme() {
    let source = include_str!("readme.rs");
    let (_, rest) = source.split_once("// README\n").unwrap();
    let (lines, _) = rest.split_once("// END").unwrap();
    let readme = include_str!("../../../README.md");
    assert!(readme.contains(&format!("```rust\n{lines}```")), "README.md and the example differ");
}

#[test]
fn the_first_example_runs() {
    if std::env::var_os("FINORA_API_KEY").is_some() {
        // The child: it has the key in its environment, as a user has.
        example().unwrap();
        return;
    }
    let sandbox = sandbox();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_first_example_runs"])
        .env("FINORA_API_KEY", &sandbox.keys().finora_test)
        .env("LEDGERAUTH_README_URL", sandbox.url(Service::Finora))
        .env("LEDGERAUTH_README_CA", sandbox.ca_pem())
        .status()
        .unwrap();
    assert!(status.success());
    let seen = requests(&sandbox, Service::Finora);
    assert_eq!((seen.len(), seen[0].path.as_str(), seen[0].status), (1, "/v1/invoices", Some(200)));
}
