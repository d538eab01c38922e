//! One authenticated call to each of the four systems, and a line about what came of it.
//!
//! ```text
//! cargo run -p auth-http --example each_provider
//! ```
//!
//! Two of them take a key as it is, two exchange an id and a secret for a token first. The program does not see the difference. Everything runs
//! against a sandbox that the program starts itself.

use auth_http::{Client, ClientBuilder, Credential, Error, Provider};
use auth_sandbox::{Options, Sandbox, Service};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start(Options::default())?;
    let keys = sandbox.keys();

    let clients = [
        // A static token, or as here an id and a secret from the account team. Neither tells its environment, so it is declared.
        at(&sandbox, "numeric", Service::NumericApi)?
            .environment("production")
            .token_url(format!("{}/oauth/token", sandbox.url(Service::NumericAuth)))
            .credential(Credential::client(&keys.numeric.client_id, keys.numeric.client_secret.as_str()))
            .build()?,
        // A key, and a base URL of the workspace's own.
        at(&sandbox, "numora", Service::Numora)?.credential(Credential::key(keys.numora.as_str())).build()?,
        // An id and a secret, exchanged by GET. The secret's prefix tells the environment; a host that is not ADaaS's own makes us say it as well.
        at(&sandbox, "adaas", Service::AdaasApi)?
            .environment("production")
            .token_url(format!("{}/getAccess", sandbox.url(Service::AdaasAuth)))
            .credential(Credential::client(&keys.adaas.client_id, keys.adaas.secret.as_str()))
            .build()?,
        // A key whose prefix tells the environment.
        at(&sandbox, "finora", Service::Finora)?
            .environment("production")
            .credential(Credential::key(keys.finora_live.as_str()))
            .build()?,
    ];

    let mut all_good = true;
    for client in &clients {
        let check = client.check();
        println!("{check}");
        all_good &= check.is_ok();
    }
    if all_good { Ok(()) } else { Err("not every credential was accepted".into()) }
}

/// A client's beginning: the shipped profile, pointed at the sandbox and trusting its certificate authority.
fn at(sandbox: &Sandbox, provider: &str, service: Service) -> Result<ClientBuilder, Error> {
    Ok(Client::builder(Provider::builtin(provider)?).base_url(sandbox.url(service)).ca(sandbox.ca_pem()).no_proxy())
}
