//! The stage: the sandbox with its four systems, and a client for each of them.

use crate::account::Account;
use crate::log::Log;
use auth_http::{Audited, Client, ClientBuilder, Credential, Error, Provider};
use auth_sandbox::{Options, Sandbox, Service};

/// `Stage` is what a chapter plays on.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) account: Account,
    /// Whether something is to be left out on purpose.
    pub(crate) sabotage: bool,
}

impl Stage {
    /// Starts the sandbox, with the request limits that the systems document, and has everything told that arrives.
    pub(crate) fn set(account: &Account, sabotage: bool) -> std::io::Result<Self> {
        let sandbox = Sandbox::start(Options::default())?;
        let teller = account.clone();
        sandbox.on_entry(move |entry| teller.arrived(entry));
        Ok(Self { sandbox, account: account.clone(), sabotage })
    }

    /// The number of the newest entry of the log.
    pub(crate) fn last_entry(&self) -> u64 {
        self.sandbox.log().last().map_or(0, |entry| entry.number)
    }

    /// The log behind that entry.
    pub(crate) fn log_since(&self, number: u64) -> Log {
        Log::new(self.sandbox.log_since(number))
    }

    /// Numeric: id and secret, for production.
    pub(crate) fn numeric(&self) -> Result<ClientBuilder, Error> {
        let keys = &self.sandbox.keys().numeric;
        let credential = Credential::client(&keys.client_id, keys.client_secret.as_str());
        let token_url = format!("{}/oauth/token", self.sandbox.url(Service::NumericAuth));
        Ok(self
            .at(Provider::builtin("numeric")?, Service::NumericApi)
            .environment("production")
            .token_url(token_url)
            .credential(credential))
    }

    /// Accounting Data as a Service: id and secret, by a profile of the caller's choice.
    pub(crate) fn adaas(&self, provider: Provider) -> ClientBuilder {
        let keys = &self.sandbox.keys().adaas;
        let credential = Credential::client(&keys.client_id, keys.secret.as_str());
        let token_url = format!("{}/getAccess", self.sandbox.url(Service::AdaasAuth));
        self.at(provider, Service::AdaasApi).environment("production").token_url(token_url).credential(credential)
    }

    /// Finora: a key, and the environment that the program believes to be in.
    pub(crate) fn finora(&self, environment: &str, key: &str) -> Result<ClientBuilder, Error> {
        Ok(self.at(Provider::builtin("finora")?, Service::Finora).environment(environment).credential(Credential::key(key)))
    }

    /// Numora: a key, and the workspace's own base URL.
    pub(crate) fn numora(&self) -> Result<ClientBuilder, Error> {
        Ok(self.at(Provider::builtin("numora")?, Service::Numora).credential(Credential::key(self.sandbox.keys().numora.as_str())))
    }

    /// A client's beginning: a profile, pointed at the sandbox and trusting its certificate authority.
    fn at(&self, provider: Provider, service: Service) -> ClientBuilder {
        let teller = self.account.clone();
        // In the account, what was decided stands before what came of it.
        let builder = Client::builder(provider).base_url(self.sandbox.url(service)).ca(self.sandbox.ca_pem()).no_proxy().audit_blocks(true);
        builder.on_audit(move |event| {
            if matches!(event.what, Audited::Repeating | Audited::Replaced | Audited::Pausing | Audited::TokenDenied) {
                teller.say(&format!("decided, {}: {}", event.what.name(), event.decision));
            }
        })
    }
}
