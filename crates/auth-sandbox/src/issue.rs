use std::io;

use serde_json::Value;

use crate::keys::{
    AdaasCredentials, AdaasKey, Environment, FinoraKey, KeyLimitReached, Keys, NumericClient, NumericCredentials, NumericToken, NumoraKey,
};
use crate::sandbox::Sandbox;
use crate::service::Service;
use crate::shared::Shared;

/// Makes the credentials of a start.
pub(crate) fn ready_made(shared: &Shared) -> io::Result<Keys> {
    let sandbox_client = NumericClient { environment: Environment::Test, ..NumericClient::default() };
    Ok(Keys {
        finora_live: finora(shared, FinoraKey::default()),
        finora_test: finora(shared, FinoraKey { environment: Environment::Test, ..FinoraKey::default() }),
        numora: numora(shared, NumoraKey::default()),
        adaas: adaas(shared, AdaasKey::default()).map_err(io::Error::other)?,
        adaas_sandbox: adaas(shared, AdaasKey { environment: Environment::Test, ..AdaasKey::default() }).map_err(io::Error::other)?,
        numeric: numeric(shared, NumericClient::default()),
        numeric_sandbox: numeric(shared, sandbox_client),
        numeric_static: numeric_token(shared, NumericToken::default()),
    })
}

pub(crate) fn finora(shared: &Shared, key: FinoraKey) -> String {
    let now = shared.now();
    shared.finora.lock().issue(&shared.dice, key, now)
}

pub(crate) fn numora(shared: &Shared, key: NumoraKey) -> String {
    shared.numora.lock().issue(&shared.dice, key)
}

pub(crate) fn adaas(shared: &Shared, key: AdaasKey) -> Result<AdaasCredentials, KeyLimitReached> {
    let now = shared.now();
    shared.adaas.lock().issue(&shared.dice, key, now)
}

pub(crate) fn numeric(shared: &Shared, client: NumericClient) -> NumericCredentials {
    shared.numeric.lock().issue_client(&shared.dice, client)
}

pub(crate) fn numeric_token(shared: &Shared, token: NumericToken) -> String {
    shared.numeric.lock().issue_static(&shared.dice, token)
}

pub(crate) fn refresh_token(shared: &Shared, client_id: &str) -> Option<String> {
    shared.numeric.lock().issue_refresh(&shared.dice, client_id)
}

pub(crate) fn revoke(shared: &Shared, key: &str) -> bool {
    shared.finora.lock().revoke(key)
        || shared.numora.lock().revoke(key)
        || shared.numeric.lock().revoke(key)
        || shared.adaas.lock().tokens.remove(key).is_some()
}

pub(crate) fn revoke_tokens(shared: &Shared, service: Service) -> usize {
    match service {
        Service::NumericAuth => shared.numeric.lock().revoke_minted(),
        Service::AdaasAuth => {
            let mut adaas = shared.adaas.lock();
            let count = adaas.tokens.len();
            adaas.tokens.clear();
            count
        }
        _ => 0,
    }
}

pub(crate) fn delete(shared: &Shared, key: &str) -> bool {
    shared.finora.lock().delete(key) || shared.adaas.lock().delete(key)
}

impl Sandbox {
    /// Issues a Finora key, such as `live_sk_` and 48 hex characters.
    pub fn issue_finora_key(&self, key: FinoraKey) -> String {
        finora(&self.shared, key)
    }

    /// Issues a Numora key, such as `sk_live_` and 24 letters and digits.
    pub fn issue_numora_key(&self, key: NumoraKey) -> String {
        numora(&self.shared, key)
    }

    /// Issues an ADaaS key. The two ready-made ones count, too.
    ///
    /// # Errors
    /// When the account has its five keys already.
    pub fn issue_adaas_key(&self, key: AdaasKey) -> Result<AdaasCredentials, KeyLimitReached> {
        adaas(&self.shared, key)
    }

    /// Registers a Numeric OAuth client. An existing client of that id is replaced.
    pub fn issue_numeric_client(&self, client: NumericClient) -> NumericCredentials {
        numeric(&self.shared, client)
    }

    /// Issues a Numeric static token: opaque, without expiry.
    pub fn issue_numeric_token(&self, token: NumericToken) -> String {
        numeric_token(&self.shared, token)
    }

    /// Issues a refresh token (of a new family) to a Numeric client, as a sign-in would have; `None` when there is
    /// no such client.
    pub fn issue_refresh_token(&self, client_id: &str) -> Option<String> {
        refresh_token(&self.shared, client_id)
    }

    /// Revokes at once: a Finora or Numora key, a Numeric or ADaaS access token, a Numeric refresh token (with its
    /// family) or a Numeric client by its id (with its tokens). False when nothing of that name is known.
    pub fn revoke(&self, key: &str) -> bool {
        revoke(&self.shared, key)
    }

    /// Deletes for good: a Finora key (by itself or its key id) or an ADaaS key by its client id, with its tokens.
    /// False when nothing of that name is known.
    pub fn delete(&self, key: &str) -> bool {
        delete(&self.shared, key)
    }

    /// Ends every token minted so far by [`Service::NumericAuth`] or [`Service::AdaasAuth`]; static tokens and
    /// refresh tokens stay. Returns how many there were.
    pub fn revoke_tokens(&self, service: Service) -> usize {
        revoke_tokens(&self.shared, service)
    }

    /// Suspends a Finora business, named by its id or by one of its keys. False when it is unknown.
    pub fn suspend_business(&self, business_or_key: &str) -> bool {
        let mut finora = self.shared.finora.lock();
        finora.suspend(business_or_key, true)
    }

    /// Ends a suspension. False when the business is unknown.
    pub fn resume_business(&self, business_or_key: &str) -> bool {
        let mut finora = self.shared.finora.lock();
        finora.suspend(business_or_key, false)
    }

    /// The business that a Finora key belongs to.
    pub fn finora_business(&self, key: &str) -> Option<String> {
        let finora = self.shared.finora.lock();
        finora.keys.get(key).map(|found| found.business.clone())
    }

    /// The list of ADaaS keys as the dashboard shows it: name, identifier, created, last used, permissions.
    pub fn adaas_keys(&self) -> Vec<Value> {
        self.shared.adaas.lock().list()
    }

    /// Every Numora document, oldest first, as `GET /v1/documents` shows it.
    pub fn numora_documents(&self) -> Vec<Value> {
        let numora = self.shared.numora.lock();
        let as_json = crate::api::Document::as_json;
        numora.documents.iter().map(as_json).collect()
    }

    /// Every Finora invoice of an environment, over all businesses, oldest first.
    pub fn finora_invoices(&self, environment: Environment) -> Vec<Value> {
        let finora = self.shared.finora.lock();
        let own = finora.invoices.iter().filter(|(_, e, _)| *e == environment);
        own.map(|(_, _, invoice)| invoice.clone()).collect()
    }

    /// Every ADaaS invoice created in an environment, oldest first.
    pub fn adaas_invoices(&self, environment: Environment) -> Vec<Value> {
        let adaas = self.shared.adaas.lock();
        let own = adaas.invoices.iter().filter(|(e, _)| *e == environment);
        own.map(|(_, invoice)| invoice.clone()).collect()
    }

    /// Every Numeric task created in an environment, oldest first.
    pub fn numeric_tasks(&self, environment: Environment) -> Vec<Value> {
        let numeric = self.shared.numeric.lock();
        let own = numeric.tasks.iter().filter(|(e, _)| *e == environment);
        own.map(|(_, task)| task.clone()).collect()
    }
}
